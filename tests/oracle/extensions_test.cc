// Lists, facets and explanations against the naive oracle, over random records and conditions,
// under several configurations. A failure prints its seed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "model/metadata_order.h"
#include "random_world.h"

namespace chroma {
namespace {

using model::MetadataValue;

struct ByValue {
  bool operator()(const MetadataValue& a, const MetadataValue& b) const {
    return model::CompareValues(a, b) < 0;
  }
};

// The different values that a record counts for: itself, or the elements of an array.
std::vector<MetadataValue> CountedValues(const MetadataValue& value) {
  std::map<MetadataValue, bool, ByValue> distinct;
  if (const auto* ints = std::get_if<std::vector<int64_t>>(&value)) {
    for (const int64_t one : *ints) distinct[one];
  } else if (const auto* floats = std::get_if<std::vector<double>>(&value)) {
    for (const double one : *floats) distinct[one];
  } else if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) {
    for (const std::string& one : *texts) distinct[one];
  } else if (const auto* bools = std::get_if<model::BoolArray>(&value)) {
    for (const uint8_t one : bools->values) distinct[one != 0];
  } else if (!std::holds_alternative<model::SparseVector>(value)) {
    distinct[value];
  }
  std::vector<MetadataValue> values;
  for (const auto& [one, unused] : distinct) values.push_back(one);
  return values;
}

class ExtensionWorld : private RandomWorld {
 public:
  ExtensionWorld(uint64_t seed, const Mode& mode, int ids = 90)
      : RandomWorld(seed, mode,
                    {.space = static_cast<model::Space>(seed % 3),
                     .dimension = 5,
                     .ids = ids,
                     .exact_distances = true}) {}

  void Run(int steps) {
    Create();
    if (IsLarge()) Fill();
    for (int step = 0; step < steps && !::testing::Test::HasFailure(); ++step) {
      const double dice = Uniform();
      if (Disturb(dice)) continue;
      if (dice < 0.5) {
        Apply(RandomBatch());
      } else {
        Refresh();
        CheckFacets();
        CheckList();
        CheckExplain();
      }
    }
  }

 private:
  // The key is null where the record lacks it.
  static MetadataValue ValueOf(const testing::OracleRecord& record, const std::string& key) {
    if (key == model::kIdKey) return record.id;
    const MetadataValue* value = record.metadata.Find(key);
    return value == nullptr ? MetadataValue() : *value;
  }

  static bool ComesBefore(const std::vector<model::SortKey>& order_by,
                          const testing::OracleRecord& a, const testing::OracleRecord& b) {
    for (const model::SortKey& key : order_by) {
      const MetadataValue value_a = ValueOf(a, key.key);
      const MetadataValue value_b = ValueOf(b, key.key);
      const bool none_a = model::TypeOf(value_a) == model::ValueType::kNull;
      const bool none_b = model::TypeOf(value_b) == model::ValueType::kNull;
      if (none_a != none_b) return none_b;
      const auto order = model::CompareValues(value_a, value_b);
      if (order != 0) return key.descending ? order > 0 : order < 0;
    }
    return a.id < b.id;
  }

  engine::ListRequest RandomList(const Conditions& conditions) {
    engine::ListRequest request;
    request.ids = conditions.ids;
    request.where = conditions.where;
    request.where_document = conditions.where_document;
    for (int i = Below(4); i > 0; --i) {
      request.order_by.push_back(
          {Chance(10) ? std::string(model::kIdKey) : RandomKey(), Chance(50)});
    }
    if (Chance(70)) request.limit = static_cast<uint32_t>(Below(20));
    if (Chance(40)) request.offset = static_cast<uint32_t>(Below(20));
    return request;
  }

  // All that match, in the order.
  std::vector<const testing::OracleRecord*> Sorted(const engine::ListRequest& request,
                                                   const Conditions& conditions) const {
    auto records = Expected(conditions);
    if (!request.order_by.empty()) {
      std::sort(records.begin(), records.end(), [&](const auto* a, const auto* b) {
        return ComesBefore(request.order_by, *a, *b);
      });
    }
    return records;
  }
  static bool IsInPage(const engine::ListRequest& request, size_t place) {
    return place >= request.offset && place - request.offset < request.limit.value_or(UINT32_MAX);
  }

  void CheckList() {
    const Conditions conditions = RandomConditions();
    engine::ListRequest request = RandomList(conditions);
    request.highlight.emplace();
    const auto result = engine().List(ctx_, collection_, request);
    if (!IsServed(result.status(), Refusal(conditions))) return;
    const auto records = Sorted(request, conditions);
    size_t shown = 0;
    for (size_t place = 0; place < records.size(); ++place) {
      if (!IsInPage(request, place)) continue;
      ASSERT_LT(shown, result->records.ids.size());
      EXPECT_EQ(result->records.ids[shown], records[place]->id) << "place " << place;
      EXPECT_EQ(result->records.documents[shown], records[place]->document);
      EXPECT_EQ(result->highlights[shown].has_value(), records[place]->document.has_value());
      ++shown;
    }
    EXPECT_EQ(result->records.ids.size(), shown);
  }

  void CheckExplain() {
    const Conditions conditions = RandomConditions();
    engine::ExplainRequest request;
    request.request = RandomList(conditions);
    const auto& list = std::get<engine::ListRequest>(request.request);
    for (int i = 0; i < 5; ++i) request.records.push_back(RandomId());
    const auto result = engine().Explain(ctx_, collection_, request);
    if (!IsServed(result.status(), Refusal(conditions))) return;
    const auto records = Sorted(list, conditions);
    size_t shown = 0;
    for (size_t place = 0; place < records.size(); ++place) shown += IsInPage(list, place) ? 1 : 0;
    EXPECT_EQ(result->returned, shown);
    EXPECT_EQ(result->records, oracle_.size());
    for (const executor::RecordVerdict& verdict : result->verdicts) {
      EXPECT_EQ(verdict.exists, oracle_.records().contains(verdict.id)) << verdict.id;
      const auto at = std::find_if(records.begin(), records.end(),
                                   [&](const auto* record) { return record->id == verdict.id; });
      ASSERT_EQ(verdict.matches, at != records.end()) << verdict.id << ": " << verdict.reason;
      if (at == records.end()) continue;
      const auto place = static_cast<size_t>(at - records.begin());
      EXPECT_EQ(verdict.place, place) << verdict.id;
      EXPECT_EQ(verdict.returned, IsInPage(list, place)) << verdict.id;
    }
    // What an index passes over has no place.
    if (!IsLarge()) ExplainQuery(conditions);
  }

  void ExplainQuery(const Conditions& conditions) {
    if (!collection_->dimension) return;
    engine::QueryRequest query;
    query.ids = conditions.ids;
    query.where = conditions.where;
    query.where_document = conditions.where_document;
    const std::vector<float> vector = RandomVector();
    query.queries = {dimension(), vector};
    query.query_lengths = {dimension()};
    query.n_results = static_cast<uint32_t>(Below(20));
    const std::string id = RandomId();
    const auto result = engine().Explain(ctx_, collection_, {query, {id}});
    if (!IsServed(result.status(), Refusal(conditions))) return;
    const auto ranked = oracle_.Rank(Expected(conditions), vector.data());
    const auto at = std::find_if(ranked.begin(), ranked.end(),
                                 [&](const auto& neighbor) { return neighbor.id == id; });
    const executor::RecordVerdict& verdict = result->verdicts[0];
    ASSERT_EQ(verdict.matches, at != ranked.end()) << verdict.reason;
    EXPECT_EQ(result->returned, std::min<size_t>(query.n_results, ranked.size()));
    if (at == ranked.end()) return;
    EXPECT_EQ(verdict.place, static_cast<size_t>(at - ranked.begin()));
    EXPECT_EQ(verdict.score, static_cast<float>(at->distance));
    // Which of the equally near ones make the cut is free.
    const size_t last = std::min<size_t>(query.n_results, ranked.size());
    if (last > 0 && at->distance == ranked[last - 1].distance) return;
    EXPECT_EQ(verdict.returned, *verdict.place < query.n_results);
  }

  void CheckFacets() {
    engine::FacetsRequest request;
    const Conditions conditions = RandomConditions();
    request.ids = conditions.ids;
    request.where = conditions.where;
    request.where_document = conditions.where_document;
    for (int i = Below(3); i >= 0; --i) {
      request.facets.push_back({RandomKey(), static_cast<uint32_t>(Below(12)), Chance(50)});
    }
    const auto result = engine().Facets(ctx_, collection_, request);
    if (!IsServed(result.status(), Refusal(conditions))) return;
    const auto records = Expected(conditions);
    EXPECT_EQ(result->count, records.size());
    ASSERT_EQ(result->facets.size(), request.facets.size());
    for (size_t i = 0; i < request.facets.size(); ++i) {
      CheckFacet(request.facets[i], records, result->facets[i]);
    }
  }

  static void CheckFacet(const model::Facet& facet,
                         const std::vector<const testing::OracleRecord*>& records,
                         const executor::FacetValues& found) {
    uint64_t with_key = 0;
    std::map<MetadataValue, uint64_t, ByValue> counts;
    for (const testing::OracleRecord* record : records) {
      const MetadataValue* value = record->metadata.Find(facet.key);
      if (value == nullptr) continue;
      ++with_key;
      for (const MetadataValue& one : CountedValues(*value)) ++counts[one];
    }
    std::vector<std::pair<MetadataValue, uint64_t>> expected(counts.begin(), counts.end());
    if (!facet.by_value) {
      std::stable_sort(expected.begin(), expected.end(),
                       [](const auto& a, const auto& b) { return a.second > b.second; });
    }
    expected.resize(std::min<size_t>(expected.size(), facet.limit));
    EXPECT_EQ(found.records, with_key);
    EXPECT_EQ(found.distinct, counts.size());
    ASSERT_EQ(found.values.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      EXPECT_TRUE(model::CompareValues(found.values[i].value, expected[i].first) == 0);
      EXPECT_EQ(found.values[i].count, expected[i].second);
    }
  }
};

class ExtensionOracleTest : public ::testing::TestWithParam<Mode> {};

TEST_P(ExtensionOracleTest, EngineAgreesWithOracle) {
  ForEachSeed(6, std::string("*ExtensionOracleTest*/") + GetParam().name,
              [&](uint64_t seed) { ExtensionWorld(seed, GetParam()).Run(120); });
}

TEST(LargeExtensionOracleTest, EngineAgreesWithOracle) {
  ForEachSeed(3, "LargeExtensionOracleTest*",
              [](uint64_t seed) { ExtensionWorld(seed, kLargeMode, 3'000).Run(20); });
}

INSTANTIATE_TEST_SUITE_P(Modes, ExtensionOracleTest, ::testing::ValuesIn(kModes),
                         [](const auto& mode) { return std::string(mode.param.name); });

}  // namespace
}  // namespace chroma
