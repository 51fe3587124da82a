#include "compactor/collection_locks.h"

namespace chroma::compactor {

Status CollectionLocks::Lock(runtime::Context& ctx, const Uuid& collection) {
  constexpr int64_t kCheckNs = 50 * runtime::kMillisecond;
  runtime::MutexLock lock(mutex_);
  Status status = ctx.Check();
  ++waiting_;
  while (status.ok() && !locked_.insert(collection).second) {
    unlocked_.WaitFor(mutex_, kCheckNs);
    status = ctx.Check();
  }
  --waiting_;
  return status;
}

bool CollectionLocks::TryLock(const Uuid& collection) {
  runtime::MutexLock lock(mutex_);
  return locked_.insert(collection).second;
}

void CollectionLocks::Unlock(const Uuid& collection) {
  runtime::MutexLock lock(mutex_);
  locked_.erase(collection);
  if (waiting_ > 0) unlocked_.NotifyAll();
}

}  // namespace chroma::compactor
