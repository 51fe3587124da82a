// Catalog rows of collections by id, so that a record operation does not ask the catalog.
//
// Whoever changes rows of the catalog holds a Change meanwhile, and the rows that it is about are
// not served: once one caller has seen the change, in the catalog, no other may be answered with
// what was before. Thread safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/uuid.h"
#include "model/collection.h"
#include "runtime/mutex.h"

namespace chroma::engine {

class CollectionCache {
 public:
  // The collections that a change is about.
  class Scope {
   public:
    static Scope Everything() { return {}; }
    static Scope Database(std::string tenant, std::string database);
    static Scope Name(std::string tenant, std::string database, std::string name);
    static Scope Id(const Uuid& id);

    bool Covers(const model::Collection& collection) const;

   private:
    friend class CollectionCache;
    enum class Kind { kEverything, kDatabase, kName, kId };
    Kind kind_ = Kind::kEverything;
    std::string tenant_;
    std::string database_;
    std::string name_;
    Uuid id_;
  };

  // From before the catalog is changed until after. Then the rows are dropped.
  class Change {
   public:
    Change(CollectionCache& cache, Scope scope);
    ~Change();
    Change(const Change&) = delete;
    Change& operator=(const Change&) = delete;

   private:
    CollectionCache& cache_;
    std::list<Scope>::iterator place_;
  };

  explicit CollectionCache(size_t collections_max) : collections_max_(collections_max) {}

  // Null when unknown. The generation makes a read that raced an invalidation harmless: Put with
  // a generation from before it is ignored.
  std::shared_ptr<const model::Collection> Find(const Uuid& id) const;
  uint64_t generation() const;
  void Put(std::shared_ptr<const model::Collection> collection, uint64_t generation);
  void Erase(const Uuid& id);

 private:
  const size_t collections_max_;
  mutable runtime::Mutex mutex_;
  uint64_t generation_ CHROMA_GUARDED_BY(mutex_) = 0;
  std::unordered_map<Uuid, std::shared_ptr<const model::Collection>, UuidHash> rows_
      CHROMA_GUARDED_BY(mutex_);
  std::list<Scope> changing_ CHROMA_GUARDED_BY(mutex_);
};

}  // namespace chroma::engine
