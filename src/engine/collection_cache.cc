#include "engine/collection_cache.h"

#include <utility>

namespace chroma::engine {

std::shared_ptr<const model::Collection> CollectionCache::Find(const Uuid& id) const {
  runtime::MutexLock lock(mutex_);
  auto found = rows_.find(id);
  return found == rows_.end() ? nullptr : found->second;
}

uint64_t CollectionCache::generation() const {
  runtime::MutexLock lock(mutex_);
  return generation_;
}

void CollectionCache::Put(std::shared_ptr<const model::Collection> collection,
                          uint64_t generation) {
  runtime::MutexLock lock(mutex_);
  if (generation != generation_) return;
  if (rows_.size() >= collections_max_) rows_.erase(rows_.begin());
  const Uuid id = collection->id;
  rows_[id] = std::move(collection);
}

void CollectionCache::Erase(const Uuid& id) {
  runtime::MutexLock lock(mutex_);
  ++generation_;
  rows_.erase(id);
}

void CollectionCache::Clear() {
  runtime::MutexLock lock(mutex_);
  ++generation_;
  rows_.clear();
}

}  // namespace chroma::engine
