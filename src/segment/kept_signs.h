// The sign codes of a part's rows (index/vector/sign_codes.h), kept while searches need them.
#pragma once

#include <cstdint>
#include <memory>

#include "chroma/status.h"
#include "index/vector/sign_codes.h"
#include "model/schema.h"
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

// Makes the codes before a search needs them, of so many rows that it takes no more than a second
// or so. A failure leaves that to the searches, which tell.
void MakeSigns(const SnapshotPart& part, model::Space space);

}  // namespace chroma::segment
