// Who publishes versions of a collection, or deletes its blobs, has it to itself meanwhile. Others
// go on with other collections. Thread safe.
#pragma once

#include <unordered_set>

#include "base/uuid.h"
#include "chroma/status.h"
#include "runtime/context.h"
#include "runtime/mutex.h"

namespace chroma::compactor {

class CollectionLocks {
 public:
  // Waits; gives up as soon as `ctx` says so. A task locks one collection at a time.
  Status Lock(runtime::Context& ctx, const Uuid& collection);
  // False when somebody has it.
  bool TryLock(const Uuid& collection);
  void Unlock(const Uuid& collection);

  // Gives up a lock that was taken.
  class Hold {
   public:
    Hold(CollectionLocks& locks, const Uuid& collection) : locks_(locks), collection_(collection) {}
    ~Hold() { locks_.Unlock(collection_); }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    CollectionLocks& locks_;
    const Uuid collection_;
  };

 private:
  runtime::Mutex mutex_;
  runtime::CondVar unlocked_;
  int waiting_ CHROMA_GUARDED_BY(mutex_) = 0;
  std::unordered_set<Uuid, UuidHash> locked_ CHROMA_GUARDED_BY(mutex_);
};

}  // namespace chroma::compactor
