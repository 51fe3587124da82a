// Random operations through the engine against the naive oracle, under several configurations:
// in memory, on disk, with compactions and restarts in between. A failure prints its seed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "random_world.h"

namespace chroma {
namespace {

using model::Operation;

class World : private RandomWorld {
 public:
  World(uint64_t seed, const Mode& mode, int ids = 120)
      : RandomWorld(seed, mode,
                    {.space = static_cast<model::Space>(seed % 3),
                     .dimension = 1 + static_cast<uint32_t>(seed % 17),
                     .ids = ids}),
        is_indexed_(mode.compact_share > 0) {}

  void Run(int steps) {
    Create();
    if (IsLarge()) {
      Fill();
      CheckSearch();
    }
    for (int step = 0; step < steps && !::testing::Test::HasFatalFailure(); ++step) {
      const double dice = Uniform();
      if (Disturb(dice)) continue;
      if (dice < 0.65) {
        Apply(RandomBatch());
      } else if (dice < 0.70) {
        DeleteMatching();
      } else {
        Read();
      }
    }
    CheckAll();
  }

 private:
  void DeleteMatching() {
    Conditions conditions = RandomConditions();
    if (!conditions.where) return;
    engine::DeleteRequest request;
    request.ids = conditions.ids;
    request.where = conditions.where;
    request.where_document = conditions.where_document;
    model::RecordBatch batch;
    batch.operation = Operation::kDelete;
    for (const testing::OracleRecord* record : Expected(conditions)) {
      batch.ids.push_back(record->id);
    }
    Refresh();
    auto deleted = engine().Delete(ctx_, collection_, request);
    if (!IsServed(deleted.status(), Refusal(conditions))) return;
    EXPECT_EQ(*deleted, batch.ids.size());
    oracle_.Apply(batch);
  }

  void Read() {
    Refresh();
    const Conditions conditions = RandomConditions();
    const auto expected = Expected(conditions);
    if (Below(2) == 0) {
      Get(conditions, expected);
    } else {
      Query(conditions, expected);
    }
    auto count = engine().Count(ctx_, collection_);
    ASSERT_TRUE(count.ok());
    EXPECT_EQ(*count, oracle_.size());
  }

  void Get(const Conditions& conditions,
           const std::vector<const testing::OracleRecord*>& expected) {
    engine::GetRequest request;
    request.ids = conditions.ids;
    request.where = conditions.where;
    request.where_document = conditions.where_document;
    request.offset = Below(3) == 0 ? static_cast<uint32_t>(Below(10)) : 0;
    if (Below(2) == 0) request.limit = static_cast<uint32_t>(Below(20));
    request.include = model::kIncludeDocuments | model::kIncludeMetadatas |
                      model::kIncludeEmbeddings | model::kIncludeUris;
    auto records = engine().Get(ctx_, collection_, request);
    if (!IsServed(records.status(), Refusal(conditions))) return;
    const size_t begin = std::min<size_t>(request.offset, expected.size());
    const size_t n = std::min<size_t>(request.limit.value_or(UINT32_MAX), expected.size() - begin);
    ASSERT_EQ(records->ids.size(), n);
    for (size_t i = 0; i < n; ++i) CheckRecord(*records, i, *expected[begin + i]);
  }

  void CheckRecord(const executor::Records& records, size_t i,
                   const testing::OracleRecord& expected) {
    ASSERT_EQ(records.ids[i], expected.id);
    EXPECT_EQ(records.documents[i], expected.document) << expected.id;
    EXPECT_EQ(records.uris[i], expected.uri) << expected.id;
    const bool shown = !expected.metadata.empty() || expected.uri;
    EXPECT_EQ(records.metadatas[i], shown ? std::optional(expected.metadata) : std::nullopt)
        << expected.id;
    const float* vector = records.embeddings.row(i);
    EXPECT_EQ(std::vector<float>(vector, vector + dimension()), expected.vector) << expected.id;
  }

  void Query(const Conditions& conditions,
             const std::vector<const testing::OracleRecord*>& expected) {
    engine::QueryRequest request;
    request.ids = conditions.ids;
    request.where = conditions.where;
    request.where_document = conditions.where_document;
    request.queries.values = RandomVector();
    request.queries.dimension = dimension();
    request.query_lengths = {dimension()};
    request.n_results = static_cast<uint32_t>(IsLarge() && Chance(30) ? 2 * ids() : Below(30));
    request.include = model::kIncludeDistances;
    auto result = engine().Query(ctx_, collection_, request);
    if (!IsServed(result.status(), Refusal(conditions))) return;
    const auto ranked = oracle_.Rank(expected, request.queries.values.data());
    const size_t n = std::min<size_t>(request.n_results, ranked.size());
    ASSERT_EQ(result->records.size(), 1u);
    ASSERT_EQ(result->records[0].ids.size(), n);
    if (IsLarge() && n < ranked.size()) {
      CheckNeighbors(result->records[0].ids, result->distances[0], ranked);
      return;
    }
    for (size_t i = 0; i < n; ++i) {
      // Equal distances may come in another order; the distances themselves may not differ.
      EXPECT_NEAR(result->distances[0][i], ranked[i].distance,
                  1e-4 * (1 + std::abs(ranked[i].distance)));
    }
  }

  static bool AnyIs(const std::vector<executor::Step>& steps, const std::string& how) {
    return std::any_of(steps.begin(), steps.end(), [&how](const executor::Step& step) {
      return step.how.find(how) != std::string::npos || AnyIs(step.steps, how);
    });
  }
  // Without it a large world would test nothing that small ones do not.
  void CheckSearch() {
    Refresh();
    engine::QueryRequest query;
    query.queries = {dimension(), RandomVector()};
    query.query_lengths = {dimension()};
    const auto result = engine().Explain(ctx_, collection_, {query, {}});
    ASSERT_TRUE(result.ok()) << result.status().ToString();
    EXPECT_TRUE(AnyIs(result->steps, is_indexed_ ? "vector indexes over" : "by their signs"));
  }

  // A walk through a vector index may pass over a neighbour: what it finds are records that match,
  // the nearest first, at their distances.
  void CheckNeighbors(const std::vector<std::string>& ids, const std::vector<float>& distances,
                      const std::vector<testing::OracleNeighbor>& ranked) {
    std::map<std::string, double> expected;
    for (const testing::OracleNeighbor& neighbor : ranked) {
      expected[neighbor.id] = neighbor.distance;
    }
    for (size_t i = 0; i < ids.size(); ++i) {
      const auto found = expected.extract(ids[i]);  // each comes once
      ASSERT_FALSE(found.empty()) << ids[i];
      const double tolerance = 1e-4 * (1 + std::abs(found.mapped()));
      EXPECT_NEAR(distances[i], found.mapped(), tolerance);
      if (i > 0) {
        EXPECT_LE(distances[i - 1], distances[i]);
      }
      near_ += found.mapped() <= ranked[ids.size() - 1].distance + tolerance ? 1 : 0;
    }
    found_ += static_cast<int>(ids.size());
  }

  void CheckAll() {
    Refresh();
    Get({}, Expected({}));
    EXPECT_GE(near_, found_ * 9 / 10);
  }

  const bool is_indexed_;
  int found_ = 0;  // by walks or signs, and
  int near_ = 0;   // how many of them are among the nearest
};

class OracleTest : public ::testing::TestWithParam<Mode> {};

TEST_P(OracleTest, EngineAgreesWithOracle) {
  ForEachSeed(12, std::string("*/") + GetParam().name,
              [](uint64_t seed) { World(seed, GetParam()).Run(250); });
}

TEST(LargeOracleTest, EngineAgreesWithOracle) {
  ForEachSeed(3, "LargeOracleTest*", [](uint64_t seed) { World(seed, kLargeMode, 3'000).Run(60); });
}

TEST(UnindexedOracleTest, EngineAgreesWithOracle) {
  ForEachSeed(3, "UnindexedOracleTest*",
              [](uint64_t seed) { World(seed, kUnindexedMode, 6'000).Run(40); });
}

INSTANTIATE_TEST_SUITE_P(Modes, OracleTest, ::testing::ValuesIn(kModes),
                         [](const auto& mode) { return std::string(mode.param.name); });

}  // namespace
}  // namespace chroma
