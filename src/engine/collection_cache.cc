#include "engine/collection_cache.h"

#include <utility>

namespace chroma::engine {

CollectionCache::Scope CollectionCache::Scope::Database(std::string tenant, std::string database) {
  Scope scope;
  scope.kind_ = Kind::kDatabase;
  scope.tenant_ = std::move(tenant);
  scope.database_ = std::move(database);
  return scope;
}

CollectionCache::Scope CollectionCache::Scope::Name(std::string tenant, std::string database,
                                                    std::string name) {
  Scope scope = Database(std::move(tenant), std::move(database));
  scope.kind_ = Kind::kName;
  scope.name_ = std::move(name);
  return scope;
}

CollectionCache::Scope CollectionCache::Scope::Id(const Uuid& id) {
  Scope scope;
  scope.kind_ = Kind::kId;
  scope.id_ = id;
  return scope;
}

bool CollectionCache::Scope::Covers(const model::Collection& collection) const {
  if (kind_ == Kind::kEverything) return true;
  if (kind_ == Kind::kId) return collection.id == id_;
  return collection.tenant == tenant_ && collection.database == database_ &&
         (kind_ == Kind::kDatabase || collection.name == name_);
}

CollectionCache::Change::Change(CollectionCache& cache, Scope scope) : cache_(cache) {
  runtime::MutexLock lock(cache_.mutex_);
  place_ = cache_.changing_.insert(cache_.changing_.end(), std::move(scope));
}

CollectionCache::Change::~Change() {
  runtime::MutexLock lock(cache_.mutex_);
  ++cache_.generation_;
  if (place_->kind_ == Scope::Kind::kId) {
    cache_.rows_.erase(place_->id_);
  } else {
    std::erase_if(cache_.rows_, [&](const auto& row) { return place_->Covers(*row.second); });
  }
  cache_.changing_.erase(place_);
}

std::shared_ptr<const model::Collection> CollectionCache::Find(const Uuid& id) const {
  runtime::MutexLock lock(mutex_);
  auto found = rows_.find(id);
  if (found == rows_.end()) return nullptr;
  for (const Scope& scope : changing_) {
    if (scope.Covers(*found->second)) return nullptr;
  }
  return found->second;
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

}  // namespace chroma::engine
