// Catalog rows of collections by id, so that a record operation does not ask the catalog. The
// engine drops a row whenever it, or the compactor, changes the collection. Thread safe.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "base/uuid.h"
#include "model/collection.h"
#include "runtime/mutex.h"

namespace chroma::engine {

class CollectionCache {
 public:
  explicit CollectionCache(size_t collections_max) : collections_max_(collections_max) {}

  // Null when unknown. The generation makes a read that raced an invalidation harmless: Put with
  // a generation from before it is ignored.
  std::shared_ptr<const model::Collection> Find(const Uuid& id) const;
  uint64_t generation() const;
  void Put(std::shared_ptr<const model::Collection> collection, uint64_t generation);
  void Erase(const Uuid& id);
  void Clear();

 private:
  const size_t collections_max_;
  mutable runtime::Mutex mutex_;
  uint64_t generation_ CHROMA_GUARDED_BY(mutex_) = 0;
  std::unordered_map<Uuid, std::shared_ptr<const model::Collection>, UuidHash> rows_
      CHROMA_GUARDED_BY(mutex_);
};

}  // namespace chroma::engine
