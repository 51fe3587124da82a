#include "engine/collection_cache.h"

#include <gtest/gtest.h>

#include <optional>
#include <utility>
#include <vector>

namespace chroma::engine {
namespace {

using Change = CollectionCache::Change;
using Scope = CollectionCache::Scope;

class CollectionCacheTest : public ::testing::Test {
 protected:
  static Uuid Id(uint64_t i) { return Uuid::FromRandom(i, i); }
  void Put(uint64_t id, const std::string& database, const std::string& name,
           std::optional<uint64_t> generation = std::nullopt) {
    model::Collection row;
    row.id = Id(id);
    row.tenant = "t";
    row.database = database;
    row.name = name;
    cache_.Put(std::make_shared<const model::Collection>(row),
               generation.value_or(cache_.generation()));
  }
  std::vector<uint64_t> Served() const {
    std::vector<uint64_t> served;
    for (uint64_t id = 1; id <= 3; ++id) {
      if (cache_.Find(Id(id)) != nullptr) served.push_back(id);
    }
    return served;
  }

  CollectionCache cache_{10};
};

// What is about to change is not served from before the change on, nor afterwards.
TEST_F(CollectionCacheTest, AChangeHidesWhatItIsAbout) {
  using Ids = std::vector<uint64_t>;
  const std::pair<Scope, Ids> cases[] = {{Scope::Everything(), {}},
                                         {Scope::Database("t", "a"), {3}},
                                         {Scope::Database("u", "a"), {1, 2, 3}},
                                         {Scope::Name("t", "a", "x"), {2, 3}},
                                         {Scope::Id(Id(2)), {1, 3}}};
  for (const auto& [scope, left] : cases) {
    Put(1, "a", "x");
    Put(2, "a", "y");
    Put(3, "b", "x");
    EXPECT_EQ(Served(), (Ids{1, 2, 3}));
    {
      const Change change(cache_, scope);
      EXPECT_EQ(Served(), left);
      const Change another(cache_, Scope::Id(Id(1)));
      EXPECT_EQ(cache_.Find(Id(1)), nullptr);
    }
    Ids rest = left;
    std::erase(rest, 1);
    EXPECT_EQ(Served(), rest);
  }
}

TEST_F(CollectionCacheTest, RowsReadDuringAChangeAreNotKept) {
  uint64_t generation;
  {
    const Change change(cache_, Scope::Id(Id(1)));
    generation = cache_.generation();
    Put(1, "a", "x", generation);
    EXPECT_EQ(cache_.Find(Id(1)), nullptr);
  }
  EXPECT_EQ(cache_.Find(Id(1)), nullptr);
  Put(1, "a", "x", generation);
  EXPECT_EQ(cache_.Find(Id(1)), nullptr) << "read before the change was over";
  Put(1, "a", "x");
  EXPECT_NE(cache_.Find(Id(1)), nullptr);
}

}  // namespace
}  // namespace chroma::engine
