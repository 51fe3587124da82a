// A blob with some of its bytes replaced: a damaged one as it would be with its damage mended.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "store/blob_store.h"

namespace chroma::store {

// Bytes that belong at `offset`. The blob grows where they go beyond its end.
struct Patch {
  uint64_t offset = 0;
  Bytes bytes;
};

// Immutable; thread safe. Later patches win over earlier ones.
std::shared_ptr<const Blob> PatchBlob(std::shared_ptr<const Blob> blob, std::vector<Patch> patches);

}  // namespace chroma::store
