// Random searches through the engine against the naive oracle, over random records, schemas,
// filters and expressions, under several configurations. A failure prints its seed.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "model/schema.h"
#include "random_world.h"
#include "testing/search_oracle.h"

namespace chroma {
namespace {

using model::Operation;
using model::Rank;
using model::RankOperator;

// Numbers are such that every distance is exact, however it is summed up.
class SearchWorld : private RandomWorld {
 public:
  SearchWorld(uint64_t seed, const Mode& mode)
      : RandomWorld(seed, mode, seed % 2 == 0 ? model::Space::kL2 : model::Space::kInnerProduct,
                    3 + static_cast<uint32_t>(seed % 9)) {}

  // How many searches were compared.
  int Run(int steps) {
    engine::CreateCollectionRequest things;
    things.schema = SchemaOfThings();
    Open(things);
    for (int step = 0; step < steps && !::testing::Test::HasFailure(); ++step) {
      const double dice = Uniform();
      if (Disturb(dice)) continue;
      if (dice < 0.5) {
        Write();
      } else {
        Search();
      }
    }
    return compared_;
  }

 private:
  float Coordinate() { return static_cast<float>(Below(65) - 32) / 16; }

  model::Schema SchemaOfThings() const {
    model::Schema schema;
    for (const char* key : {"s", "t", "bm25"}) {
      model::ValueTypes& types = schema.keys[key];
      types.has_sparse_vector = true;
      types.sparse_vector_index.emplace().enabled = true;
      if (key == std::string("bm25")) types.sparse_vector_index->config.bm25 = true;
    }
    model::ValueTypes& embedding = schema.keys[std::string(model::kEmbeddingKey)];
    embedding.has_float_list = true;
    embedding.vector_index.emplace().enabled = true;
    embedding.vector_index->config.space = space_;
    return schema;
  }

  std::string RandomId() { return "id" + std::to_string(Below(90)); }
  std::string RandomText() {
    static const char* kWords[] = {"red", "green", "blue", "École"};
    std::string text;
    for (int i = Below(3); i >= 0; --i) text += std::string(kWords[Below(4)]) + " ";
    return text;
  }

  model::SparseVector RandomSparse(int size_max) {
    model::SparseVector vector;
    for (uint32_t index = 0; index < 12; ++index) {
      if (Below(12) >= size_max) continue;
      vector.indices.push_back(index * 1000);
      vector.values.push_back(static_cast<float>(Below(513) - 200) / 64);
    }
    return vector;
  }

  model::MetadataValue RandomValue() {
    switch (Below(7)) {
      case 0:
        return Chance(50);
      case 1:
        return int64_t{Below(4)};
      case 2:
        return 0.5 * Below(8);
      case 3:
        return std::string(1, static_cast<char>('a' + Below(3)));
      case 4:
        return std::vector<int64_t>{Below(2), Below(2)};
      case 5:
        return std::vector<std::string>{"a", std::string(1, static_cast<char>('a' + Below(2)))};
      default:
        return std::vector<double>{0.5 * Below(3)};
    }
  }
  std::string RandomKey() { return std::string(1, static_cast<char>('k' + Below(3))); }

  std::vector<float> RandomVector() {
    std::vector<float> vector(dimension_);
    for (float& value : vector) value = Coordinate();
    return vector;
  }

  void Write() {
    model::RecordBatch batch;
    batch.operation = static_cast<Operation>(Below(4));
    const bool is_delete = batch.operation == Operation::kDelete;
    for (int i = Chance(40) ? 1 + Below(50) : 1 + Below(4); i > 0; --i) {
      batch.ids.push_back(RandomId());
      if (!is_delete) AddColumns(&batch);
    }
    Apply(batch);
  }

  void AddColumns(model::RecordBatch* batch) {
    const bool has_vector = batch->operation != Operation::kUpdate || Chance(50);
    batch->has_vector.push_back(has_vector ? 1 : 0);
    if (has_vector) Append(RandomVector(), batch);
    batch->documents.push_back(Chance(30) ? std::nullopt : std::optional(RandomText()));
    model::Metadata& metadata = batch->metadatas.emplace_back().emplace();
    for (int keys = Below(4); keys > 0; --keys) metadata.Set(RandomKey(), RandomValue());
    for (const char* key : {"s", "t", "bm25"}) {
      if (Chance(60)) metadata.Set(key, RandomSparse(3));
      if (Chance(5)) metadata.Set(key, std::string("text"));
      if (batch->operation != Operation::kAdd && Chance(10)) metadata.Set(key, std::monostate());
    }
  }

  model::Filter RandomFilter(int depth) {
    if (depth > 0 && Chance(40)) {
      model::LogicalFilter logical;
      logical.op = static_cast<model::LogicalOperator>(Below(2));
      for (int i = 1 + Below(3); i > 0; --i) logical.children.push_back(RandomFilter(depth - 1));
      return {std::move(logical)};
    }
    if (Chance(20)) {
      static const char* kPatterns[] = {"red", "É", "blue ", "zzz"};
      return {model::DocumentPredicate{static_cast<model::DocumentOperator>(Below(4)),
                                       kPatterns[Below(4)]}};
    }
    if (Chance(20)) {
      std::vector<std::string> ids;
      for (int i = 1 + Below(40); i > 0; --i) ids.push_back(RandomId());
      return {model::MetadataPredicate{
          std::string(model::kIdKey),
          Chance(50) ? model::CompareOperator::kIn : model::CompareOperator::kNotIn,
          std::move(ids)}};
    }
    return {model::MetadataPredicate{RandomKey(), static_cast<model::CompareOperator>(Below(6)),
                                     0.5 * Below(8)}};
  }

  model::Knn RandomKnn() {
    model::Knn knn;
    if (Chance(50)) {
      knn.query = RandomVector();
    } else {
      knn.query = RandomSparse(5);
      knn.key = Chance(50) ? "s" : "t";
    }
    knn.limit = static_cast<uint32_t>(Chance(20) ? Below(3) : Below(60));
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
    if (search.rank && Chance(40)) {
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
    Refresh();
    engine::SearchRequest request;
    for (int i = 1 + Below(3); i > 0; --i) request.searches.push_back(RandomSearch());
    auto result = engine().Search(ctx_, collection_, request);
    ASSERT_TRUE(result.ok()) << result.status().ToString();
    ASSERT_EQ(result->records.size(), request.searches.size());
    for (size_t i = 0; i < request.searches.size(); ++i) {
      Compare(request.searches[i], result->records[i], result->scores[i]);
    }
    SearchByRarity();
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
      EXPECT_EQ(std::vector<float>(vector, vector + dimension_), record.vector);
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

  // Scaled weights are not exact, so that the order of nearly equal ones is not compared.
  void SearchByRarity() {
    model::Search search;
    model::Knn knn;
    knn.query = RandomSparse(5);
    knn.key = "bm25";
    knn.limit = 1000;
    search.rank.emplace().AddKnn(knn);
    if (Chance(50)) search.filter = RandomFilter(1);
    search.select.score = true;
    auto result = engine().Search(ctx_, collection_, {{search}});
    ASSERT_TRUE(result.ok()) << result.status().ToString();
    const auto expected = testing::RunSearch(oracle_, search, {"bm25"}).hits;
    ASSERT_EQ(result->scores[0].size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      EXPECT_NEAR(result->scores[0][i], expected[i].score,
                  1e-4 * (1 + std::abs(expected[i].score)));
    }
  }

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

INSTANTIATE_TEST_SUITE_P(Modes, SearchOracleTest,
                         ::testing::Values(Mode{"Memory", false, 0.02, 0},
                                           Mode{"Disk", true, 0.02, 0.02},
                                           Mode{"CompactOften", false, 0.2, 0},
                                           Mode{"RestartOften", true, 0.1, 0.1},
                                           Mode{"SwitchIndexes", false, 0.05, 0, 0.1}),
                         [](const auto& mode) { return std::string(mode.param.name); });

}  // namespace
}  // namespace chroma
