// Random searches through the engine against the naive oracle, over random records, schemas,
// filters and expressions, under several configurations. A failure prints its seed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>

#include "base/json_value.h"
#include "random_world.h"
#include "testing/search_oracle.h"

namespace chroma {
namespace {

using model::Rank;
using model::RankOperator;

// Keys with sparse vectors: "s" and "t" that records bring along, of exact numbers; "bm25" with
// queries that are scaled; "words" and "title" that are made of documents and of the key "m".
const std::map<std::string, model::SparseIndexConfig>& SparseKeys() {
  static const auto* const kKeys = [] {
    auto* keys = new std::map<std::string, model::SparseIndexConfig>;
    (*keys)["s"] = (*keys)["t"] = {};
    (*keys)["bm25"].bm25 = true;
    for (const auto& [key, source] : {std::pair("words", "#document"), {"title", "m"}}) {
      model::SparseIndexConfig& made = (*keys)[key];
      made.embedding_function = {model::EmbeddingFunction::Type::kKnown, "chroma_bm25",
                                 *ParseJson("{}")};
      made.source_key = source;
      made.bm25 = key == std::string("words");
    }
    return keys;
  }();
  return *kKeys;
}

class SearchWorld : private RandomWorld {
 public:
  SearchWorld(uint64_t seed, const Mode& mode, int ids = 90)
      : RandomWorld(seed, mode,
                    {.space = static_cast<model::Space>(seed % 3),
                     .dimension = 5 + static_cast<uint32_t>(seed % 9),
                     .ids = ids,
                     .exact_distances = true}) {
    sparse_keys_ = {{"s", 60}, {"t", 60}, {"bm25", 60}, {"words", 10}, {"title", 10}};
  }

  // How many searches were compared.
  int Run(int steps) {
    Create(SparseKeys());
    if (IsLarge()) Fill();
    for (int step = 0; step < steps && !::testing::Test::HasFailure(); ++step) {
      const double dice = Uniform();
      if (Disturb(dice)) continue;
      if (dice < 0.5) {
        Apply(RandomBatch());
      } else {
        Refresh();
        Search();
        SearchInexactly();
        Explain();
      }
    }
    return compared_;
  }

 private:
  model::Knn RandomKnn() {
    model::Knn knn;
    if (Chance(50)) {
      knn.query = RandomVector();
    } else {
      knn.query = RandomSparse(5);
      knn.key = Chance(50) ? "s" : "t";
    }
    knn.limit = static_cast<uint32_t>(Chance(20) ? Below(3) : Below(60));
    // A walk through a vector index may pass over a record, but not when it is to find all.
    if (IsLarge() && knn.sparse() == nullptr) knn.limit = kAll;
    if (Chance(40)) knn.default_score = Coordinate();
    knn.return_rank = Chance(30);
    return knn;
  }

  Rank RandomRank(int depth) {
    Rank rank;
    if (depth == 0 || Chance(25)) {
      if (Chance(20)) {
        rank.AddValue(Coordinate());
      } else {
        rank.AddKnn(RandomKnn());
      }
      return rank;
    }
    const auto op = static_cast<RankOperator>(2 + Below(9));
    const bool unary = op >= RankOperator::kAbs;
    const bool binary = op == RankOperator::kSubtract || op == RankOperator::kDivide;
    const int operands = unary ? 1 : binary ? 2 : Below(4);
    for (int i = 0; i < operands; ++i) rank.Append(RandomRank(depth - 1));
    rank.AddOperator(op, static_cast<uint32_t>(operands));
    return rank;
  }

  model::Search RandomSearch() {
    model::Search search;
    if (Chance(50)) search.filter = RandomFilter(2);
    if (Chance(90)) search.rank = RandomRank(Below(4));
    if (search.rank && Chance(IsLarge() ? 5 : 40)) {
      model::Aggregate aggregate{Chance(50), {}, static_cast<uint32_t>(1 + Below(3))};
      for (int i = 1 + Below(2); i > 0; --i) {
        search.group_by.keys.push_back(RandomKey());
        aggregate.keys.push_back(Chance(50) ? "#score" : RandomKey());
      }
      search.group_by.aggregate = std::move(aggregate);
    }
    if (Chance(40)) search.offset = static_cast<uint32_t>(Below(10));
    if (Chance(60)) search.limit = static_cast<uint32_t>(Below(20));
    std::vector<std::string> keys;
    for (const char* key : {"#document", "#embedding", "#metadata", "#score", "k", "s"}) {
      if (Chance(50)) keys.emplace_back(key);
    }
    search.select = model::Select::FromKeys(keys);
    search.select.score = true;
    return search;
  }

  void Search() {
    engine::SearchRequest request;
    for (int i = 1 + Below(3); i > 0; --i) request.searches.push_back(RandomSearch());
    auto result = engine().Search(ctx_, collection_, request);
    if (!IsServed(result.status(), schema_.Refusal(request.searches))) return;
    ASSERT_EQ(result->records.size(), request.searches.size());
    for (size_t i = 0; i < request.searches.size(); ++i) {
      Compare(request.searches[i], result->records[i], result->scores[i]);
    }
  }

  // Who is among the results, and whom the filter passes.
  void Explain() {
    const model::Search search = RandomSearch();
    const std::vector<std::string> ids = {RandomId()};
    auto result = engine().Explain(ctx_, collection_, {search, ids});
    if (!IsServed(result.status(), schema_.Refusal(std::vector{search}))) return;
    const executor::RecordVerdict& verdict = result->verdicts[0];
    EXPECT_EQ(verdict.exists, oracle_.records().contains(ids[0]));
    const auto matching = oracle_.Select(&ids, search.filter ? &*search.filter : nullptr, nullptr);
    EXPECT_EQ(verdict.matches, !matching.empty()) << verdict.reason;
    const testing::OracleSearch expected = testing::RunSearch(oracle_, search, {});
    if (expected.is_free) return;
    EXPECT_EQ(result->returned, expected.hits.size());
    const bool is_returned = std::any_of(expected.hits.begin(), expected.hits.end(),
                                         [&](const auto& hit) { return hit.record->id == ids[0]; });
    EXPECT_EQ(verdict.returned, is_returned) << verdict.reason;
  }

  void Compare(const model::Search& search, const executor::Records& records,
               const std::vector<float>& scores) {
    const testing::OracleSearch expected = testing::RunSearch(oracle_, search, {});
    if (expected.is_free) return;
    ++compared_;
    ASSERT_EQ(records.ids.size(), expected.hits.size());
    ASSERT_EQ(scores.size(), expected.hits.size());
    for (size_t i = 0; i < scores.size(); ++i) {
      const testing::OracleRecord& record = *expected.hits[i].record;
      ASSERT_EQ(records.ids[i], record.id) << "place " << i;
      const float score = expected.hits[i].score;
      EXPECT_TRUE(scores[i] == score || (std::isnan(scores[i]) && std::isnan(score)))
          << scores[i] << " instead of " << score;
      CheckColumns(search.select, records, i, record);
    }
  }

  void CheckColumns(const model::Select& select, const executor::Records& records, size_t i,
                    const testing::OracleRecord& record) {
    if (select.document) {
      EXPECT_EQ(records.documents[i], record.document);
    }
    if (select.embedding) {
      const float* vector = records.embeddings.row(i);
      EXPECT_EQ(std::vector<float>(vector, vector + dimension()), record.vector);
    }
    EXPECT_EQ(records.metadatas.size(), select.ShowsMetadata() ? records.ids.size() : 0);
    if (!select.ShowsMetadata()) return;
    model::Metadata shown;
    for (const auto& [key, value] : record.metadata) {
      const bool named =
          std::find(select.fields.begin(), select.fields.end(), key) != select.fields.end();
      if (select.metadata || named) shown.Set(key, value);
    }
    EXPECT_EQ(records.metadatas[i], shown.empty() ? std::nullopt : std::optional(shown));
  }

  // ---- of weights that are not exact, so that the order of nearly equal scores is free

  model::Knn RandomWeightedKnn() {
    static const char* kKeys[] = {"bm25", "words", "title", "words", "s"};
    model::Knn knn;
    knn.key = kKeys[Below(5)];
    const bool is_made = knn.key == "words" || knn.key == "title";
    if (is_made && Chance(80)) {
      knn.query = RandomText();
    } else {
      knn.query = RandomSparse(5);
    }
    return knn;
  }

  void SearchInexactly() {
    if (Chance(50)) {
      SearchBest();
    } else {
      SearchHybrid();
    }
  }

  // The best scores of one $knn.
  void SearchBest() {
    model::Knn knn = RandomWeightedKnn();
    knn.limit = Chance(50) ? static_cast<uint32_t>(Below(20)) : kAll;
    model::Search search;
    search.rank.emplace().AddKnn(knn);
    Check(search, [](const executor::Records& records, const std::vector<float>& scores,
                     const std::vector<testing::OracleHit>& expected) {
      ASSERT_EQ(records.ids.size(), expected.size());
      for (size_t i = 0; i < expected.size(); ++i) ExpectNear(scores[i], expected[i].score);
    });
  }

  // All scores of an expression over several, with operators that add no error of their own.
  void SearchHybrid() {
    model::Search search;
    Rank& rank = search.rank.emplace();
    const int operands = 1 + Below(3);
    for (int i = 0; i < operands; ++i) {
      rank.AddValue(Coordinate());
      model::Knn knn;
      if (Chance(30)) {
        knn.query = RandomVector();
      } else {
        knn = RandomWeightedKnn();
      }
      knn.limit = kAll;
      if (Chance(60)) knn.default_score = Coordinate();
      rank.AddKnn(std::move(knn));
      rank.AddOperator(RankOperator::kMultiply, 2);
    }
    static const RankOperator kOperators[] = {RankOperator::kSum, RankOperator::kMax,
                                              RankOperator::kMin};
    rank.AddOperator(kOperators[Below(3)], static_cast<uint32_t>(operands));
    Check(search, [](const executor::Records& records, const std::vector<float>& scores,
                     const std::vector<testing::OracleHit>& expected) {
      std::map<std::string, float> expected_scores;
      for (const testing::OracleHit& hit : expected) expected_scores[hit.record->id] = hit.score;
      ASSERT_EQ(records.ids.size(), expected.size());
      for (size_t i = 0; i < expected.size(); ++i) {
        ASSERT_TRUE(expected_scores.contains(records.ids[i])) << records.ids[i];
        ExpectNear(scores[i], expected_scores[records.ids[i]]);
        if (i > 0) {
          EXPECT_LE(scores[i - 1], scores[i]);
        }
      }
    });
  }

  static void ExpectNear(float score, float expected) {
    EXPECT_NEAR(score, expected, 1e-4 * (1 + std::abs(expected)));
  }

  template <typename CheckHits>
  void Check(model::Search& search, const CheckHits& check) {
    if (Chance(50)) search.filter = RandomFilter(1);
    search.select.score = true;
    auto result = engine().Search(ctx_, collection_, {{search}});
    if (!IsServed(result.status(), schema_.Refusal(std::vector{search}))) return;
    check(result->records[0], result->scores[0],
          testing::RunSearch(oracle_, search, {"bm25", "words"}).hits);
  }

  static constexpr uint32_t kAll = 10'000;
  int compared_ = 0;
};

class SearchOracleTest : public ::testing::TestWithParam<Mode> {};

TEST_P(SearchOracleTest, EngineAgreesWithOracle) {
  int compared = 0;
  ForEachSeed(8, std::string("*SearchOracleTest*/") + GetParam().name,
              [&](uint64_t seed) { compared += SearchWorld(seed, GetParam()).Run(120); });
  if (std::getenv("CHROMA_TEST_SEED") == nullptr && !HasFailure()) {
    EXPECT_GT(compared, 300);
  }
}

TEST(LargeSearchOracleTest, EngineAgreesWithOracle) {
  ForEachSeed(3, "LargeSearchOracleTest*",
              [](uint64_t seed) { SearchWorld(seed, kLargeMode, 3'000).Run(30); });
}

INSTANTIATE_TEST_SUITE_P(Modes, SearchOracleTest, ::testing::ValuesIn(kModes),
                         [](const auto& mode) { return std::string(mode.param.name); });

}  // namespace
}  // namespace chroma
