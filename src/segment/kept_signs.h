// The sign codes of a part's rows (index/vector/sign_codes.h), kept while searches need them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "chroma/status.h"
#include "index/vector/sign_codes.h"
#include "model/schema.h"
#include "runtime/context.h"
#include "runtime/mutex.h"

namespace chroma::segment {

struct SnapshotPart;

// Thread safe.
class KeptSigns {
 public:
  // Made when first asked for; every call names the same space and dimension.
  std::shared_ptr<index::SignCodes> Get(model::Space space, uint32_t dimension) const;
  // An index holds the rows now.
  void Forget() const;

 private:
  mutable runtime::Mutex mutex_;
  mutable std::shared_ptr<index::SignCodes> signs_ CHROMA_GUARDED_BY(mutex_);
};

// Whether searches go by sign codes among the rows of the part that no index holds.
bool NeedsSigns(const SnapshotPart& part);

// How many rows of a part that needs them have no codes yet.
uint64_t RowsWithoutSigns(const SnapshotPart& part, model::Space space);

// Makes codes before searches need them, of so many bytes of rows: half a gigabyte takes less than
// a second, unless the rows have to be read from a disk. What is left is left to the searches, or
// to who is making codes already.
Status MakeSigns(runtime::Context& ctx, std::span<const SnapshotPart> parts, model::Space space,
                 uint64_t bytes_max = uint64_t{512} << 20);

}  // namespace chroma::segment
