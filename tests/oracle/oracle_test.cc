// Random operations through the engine against the naive oracle, under several configurations:
// in memory, on disk, with compactions and restarts in between. A failure prints its seed.
#include <gtest/gtest.h>

#include <cmath>

#include "model/schema.h"
#include "random_world.h"

namespace chroma {
namespace {

using model::Operation;

class World : private RandomWorld {
 public:
  World(uint64_t seed, const Mode& mode)
      : RandomWorld(seed, mode, static_cast<model::Space>(seed % 3),
                    1 + static_cast<uint32_t>(seed % 17)) {}

  void Run(int steps) {
    engine::CreateCollectionRequest things;
    things.configuration.emplace();
    things.configuration->hnsw.emplace();
    things.configuration->hnsw->space = space_;
    Open(things);
    for (int step = 0; step < steps && !::testing::Test::HasFatalFailure(); ++step) {
      const double dice = Uniform();
      if (Disturb(dice)) continue;
      if (dice < 0.65) {
        Write();
      } else if (dice < 0.70) {
        DeleteMatching();
      } else {
        Read();
      }
    }
    CheckAll();
  }

 private:
  std::string RandomId() { return "id" + std::to_string(Below(120)); }
  std::string RandomText() {
    static const char* kWords[] = {"red", "green", "blue", "École", "100%", "a", "", "日本"};
    std::string text;
    for (int i = Below(4); i >= 0; --i) text += std::string(kWords[Below(8)]) + " ";
    return text;
  }

  model::MetadataValue RandomValue() {
    switch (Below(9)) {
      case 0:
        return Below(2) == 1;
      case 1:
        return int64_t{Below(5) - 2};
      case 2:
        return Below(3) == 0 ? 0x1p53 + 2 * Below(2) : 0.5 * (Below(9) - 4);
      case 3:
        return std::string(1, static_cast<char>('a' + Below(4)));
      case 4:
        return std::vector<int64_t>{Below(3), Below(3)};
      case 5:
        return std::vector<double>{0.5 * Below(3)};
      case 6:
        return std::vector<std::string>{"a", std::string(1, static_cast<char>('a' + Below(3)))};
      case 7:
        return (int64_t{1} << 53) + Below(3);
      default:
        return model::BoolArray{{static_cast<uint8_t>(Below(2))}};
    }
  }
  std::string RandomKey() { return std::string(1, static_cast<char>('k' + Below(3))); }

  std::vector<float> RandomVector() {
    std::vector<float> vector(dimension_);
    for (float& value : vector) value = static_cast<float>(std::round(Uniform() * 64) / 16 - 2);
    return vector;
  }

  void Write() {
    model::RecordBatch batch;
    batch.operation = static_cast<Operation>(Below(4));
    const int n = Below(3) == 0 ? 1 + Below(40) : 1 + Below(4);
    const bool is_delete = batch.operation == Operation::kDelete;
    for (int i = 0; i < n; ++i) {
      batch.ids.push_back(RandomId());
      if (is_delete) continue;
      const bool has_vector = batch.operation != Operation::kUpdate || Below(2) == 0;
      batch.has_vector.push_back(has_vector ? 1 : 0);
      if (has_vector) Append(RandomVector(), &batch);
      batch.documents.push_back(Below(3) == 0 ? std::nullopt : std::optional(RandomText()));
      batch.uris.push_back(Below(4) != 0 ? std::nullopt : std::optional(RandomText()));
      batch.metadatas.emplace_back();
      if (Below(5) == 0) continue;
      batch.metadatas.back().emplace();
      for (int keys = Below(4); keys > 0; --keys) {
        batch.metadatas.back()->Set(RandomKey(), RandomValue());
      }
      if (batch.operation != Operation::kAdd && Below(3) == 0) {
        batch.metadatas.back()->Set(RandomKey(), std::monostate());
      }
    }
    Apply(batch);
  }

  model::Filter RandomWhere(int depth) {
    if (depth > 0 && Below(3) == 0) {
      model::LogicalFilter logical;
      logical.op = static_cast<model::LogicalOperator>(Below(2));
      for (int i = Below(4); i > 0; --i) logical.children.push_back(RandomWhere(depth - 1));
      return {std::move(logical)};
    }
    if (Below(5) == 0) return {RandomDocumentPredicate()};
    model::MetadataPredicate predicate;
    predicate.key = RandomKey();
    predicate.op = static_cast<model::CompareOperator>(Below(10));
    model::MetadataValue value = RandomValue();
    while (model::IsArray(model::TypeOf(value))) value = RandomValue();
    using enum model::CompareOperator;
    const bool ordered = predicate.op >= kLess && predicate.op <= kGreaterOrEqual;
    if (ordered && !std::holds_alternative<int64_t>(value)) value = 0.5 * Below(5);
    if (predicate.op == kIn || predicate.op == kNotIn) {
      switch (Below(4)) {
        case 0:
          predicate.operand = std::vector<double>{0.5 * Below(5), 1.0};
          break;
        case 1:  // beyond what a double says exactly
          predicate.operand = std::vector<double>{0x1p53 + 2 * Below(2), 0.5};
          break;
        case 2:
          predicate.operand = std::vector<int64_t>{(int64_t{1} << 53) + Below(3), 1};
          break;
        default:
          predicate.operand = std::vector<std::string>{"a", "c"};
      }
    } else {
      predicate.operand = std::move(value);
    }
    return {std::move(predicate)};
  }

  model::DocumentPredicate RandomDocumentPredicate() {
    static const char* kPatterns[] = {"red",  "é", "École", "%",         "",  "blue ", "zzz",  "日",
                                      "een ", " ", "a red", "日本 blue", "d", "本",    "0% 日"};
    static const char* kRegexes[] = {"gr..n (red|blue)", "(?i)RED|école", "^red", "[0-9]+%", "a $"};
    const auto op = static_cast<model::DocumentOperator>(Below(4));
    const bool regex =
        op == model::DocumentOperator::kRegex || op == model::DocumentOperator::kNotRegex;
    if (regex && Below(2) == 0) return {op, kRegexes[Below(5)]};
    return {op, kPatterns[Below(15)]};
  }

  struct Conditions {
    std::optional<std::vector<std::string>> ids;
    std::optional<model::Filter> where, where_document;
  };
  Conditions RandomConditions() {
    Conditions conditions;
    if (Below(4) == 0) {
      conditions.ids.emplace();
      for (int i = Below(20); i > 0; --i) conditions.ids->push_back(RandomId());
    }
    if (Below(2) == 0) conditions.where = RandomWhere(3);
    if (Below(4) == 0) conditions.where_document = model::Filter{RandomDocumentPredicate()};
    return conditions;
  }
  std::vector<const testing::OracleRecord*> Expected(const Conditions& conditions) {
    return oracle_.Select(conditions.ids ? &*conditions.ids : nullptr,
                          conditions.where ? &*conditions.where : nullptr,
                          conditions.where_document ? &*conditions.where_document : nullptr);
  }

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
    ASSERT_TRUE(deleted.ok()) << deleted.status().ToString();
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
    ASSERT_TRUE(records.ok()) << records.status().ToString();
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
    EXPECT_EQ(std::vector<float>(vector, vector + dimension_), expected.vector) << expected.id;
  }

  void Query(const Conditions& conditions,
             const std::vector<const testing::OracleRecord*>& expected) {
    engine::QueryRequest request;
    request.ids = conditions.ids;
    request.where = conditions.where;
    request.where_document = conditions.where_document;
    request.queries.values = RandomVector();
    request.queries.dimension = dimension_;
    request.query_lengths = {dimension_};
    request.n_results = static_cast<uint32_t>(Below(30));
    request.include = model::kIncludeDistances;
    auto result = engine().Query(ctx_, collection_, request);
    ASSERT_TRUE(result.ok()) << result.status().ToString();
    const auto ranked = oracle_.Rank(expected, request.queries.values.data());
    const size_t n = std::min<size_t>(request.n_results, ranked.size());
    ASSERT_EQ(result->records.size(), 1u);
    ASSERT_EQ(result->records[0].ids.size(), n);
    for (size_t i = 0; i < n; ++i) {
      // Equal distances may come in another order; the distances themselves may not differ.
      EXPECT_NEAR(result->distances[0][i], ranked[i].distance,
                  1e-4 * (1 + std::abs(ranked[i].distance)));
    }
  }

  void CheckAll() {
    Refresh();
    Get({}, Expected({}));
  }
};

class OracleTest : public ::testing::TestWithParam<Mode> {};

TEST_P(OracleTest, EngineAgreesWithOracle) {
  ForEachSeed(12, std::string("*/") + GetParam().name,
              [](uint64_t seed) { World(seed, GetParam()).Run(250); });
}

INSTANTIATE_TEST_SUITE_P(Modes, OracleTest,
                         ::testing::Values(Mode{"Memory", false, 0.02, 0},
                                           Mode{"Disk", true, 0.02, 0.02},
                                           Mode{"CompactOften", false, 0.3, 0},
                                           Mode{"RestartOften", true, 0.1, 0.2},
                                           Mode{"SwitchIndexes", false, 0.05, 0, 0.1}),
                         [](const auto& mode) { return std::string(mode.param.name); });

}  // namespace
}  // namespace chroma
