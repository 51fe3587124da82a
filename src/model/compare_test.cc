#include "model/compare.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <random>

#include "base/json_value.h"

namespace chroma::model {
namespace {

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kTwo53 = 9007199254740992.0;
constexpr double kTwo63 = 9223372036854775808.0;

TEST(CompareNumbers, IsExactAtTheEdges) {
  struct Case {
    int64_t a;
    double b;
    int order;  // of a against b
  };
  const int64_t two53 = int64_t{1} << 53;
  const Case cases[] = {
      {0, 0.0, 0},
      {0, -0.0, 0},
      {0, 0.5, -1},
      {0, -0.5, 1},
      {0, 5e-324, -1},
      {0, -5e-324, 1},
      {2, 2.5, -1},
      {3, 2.5, 1},
      {-2, -2.5, 1},
      {-3, -2.5, -1},
      {two53, kTwo53, 0},
      {two53 + 1, kTwo53, 1},
      {two53 - 1, kTwo53, -1},
      {-two53, -kTwo53, 0},
      {-two53 - 1, -kTwo53, -1},
      {-two53 + 1, -kTwo53, 1},
      {two53 + 1, kTwo53 + 2, -1},
      {kMax, kTwo63, -1},
      {kMax, std::nextafter(kTwo63, 0), 1},
      {kMax - 1023, std::nextafter(kTwo63, 0), 0},
      {kMax - 1024, std::nextafter(kTwo63, 0), -1},
      {kMin, -kTwo63, 0},
      {kMin + 1, -kTwo63, 1},
      {kMin, std::nextafter(-kTwo63, -kInfinity), 1},
      {kMin, std::nextafter(-kTwo63, 0), -1},
      {kMin + 1024, std::nextafter(-kTwo63, 0), 0},
      {kMax, 1e300, -1},
      {kMin, -1e300, 1},
      {kMax, kInfinity, -1},
      {kMin, -kInfinity, 1},
  };
  for (const Case& c : cases) {
    const auto order = CompareNumbers(c.a, c.b);
    EXPECT_EQ(std::is_lt(order), c.order < 0) << c.a << " " << c.b;
    EXPECT_EQ(std::is_eq(order), c.order == 0) << c.a << " " << c.b;
    EXPECT_EQ(std::is_gt(order), c.order > 0) << c.a << " " << c.b;
    const auto reverse = CompareNumbers(MetadataValue(c.b), MetadataValue(c.a));
    EXPECT_EQ(std::is_lt(reverse), c.order > 0) << c.a << " " << c.b;
    EXPECT_EQ(std::is_eq(reverse), c.order == 0) << c.a << " " << c.b;
  }
  EXPECT_EQ(CompareNumbers(1, std::nan("")), std::partial_ordering::unordered);
  EXPECT_EQ(CompareNumbers(MetadataValue("1"), MetadataValue(1.0)),
            std::partial_ordering::unordered);
}

TEST(CompareNumbers, AgreesWithLongDouble) {
  // x86 long double holds every int64 and every double exactly.
  if (std::numeric_limits<long double>::digits < 64) GTEST_SKIP();
  const unsigned seed = 7;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 200'000; ++round) {
    const auto a = static_cast<int64_t>(random()) >> (random() % 64);
    double b = std::ldexp(static_cast<double>(static_cast<int64_t>(random())),
                          -static_cast<int>(random() % 70));
    if (round % 2 == 0) b = static_cast<double>(a) + static_cast<double>(random() % 3) - 1;
    const auto exact = static_cast<long double>(a) <=> static_cast<long double>(b);
    ASSERT_EQ(CompareNumbers(a, b), exact) << a << " " << b;
  }
}

// The records of semantics.md §8.1: the value under "x", by record.
const std::vector<std::pair<std::string, MetadataValue>>& Records() {
  static const std::vector<std::pair<std::string, MetadataValue>> records = {
      {"none", std::monostate()},
      {"i2", int64_t{2}},
      {"i3", int64_t{3}},
      {"f2", 2.0},
      {"f25", 2.5},
      {"s2", "2"},
      {"bt", true},
      {"bf", false},
      {"i1", int64_t{1}},
      {"i0", int64_t{0}},
      {"neg", int64_t{-2}},
      {"y", std::monostate()},
      {"as", std::vector<std::string>{"a", "b"}},
      {"ai", std::vector<int64_t>{1, 2}},
      {"af", std::vector<double>{1.5, 2.0}},
      {"ab", BoolArray{{1, 0}}},
      {"sA", "abc"},
      {"big", int64_t{9007199254740993}},
  };
  return records;
}

bool Evaluate(const Filter& filter, const std::map<std::string, MetadataValue>& record) {
  if (const auto* logical = std::get_if<LogicalFilter>(&filter.node)) {
    const bool all = logical->op == LogicalOperator::kAnd;
    for (const Filter& child : logical->children) {
      if (Evaluate(child, record) != all) return !all;
    }
    return all;
  }
  const auto& predicate = std::get<MetadataPredicate>(filter.node);
  const auto at = record.find(predicate.key);
  const MetadataValue* value = at == record.end() ? nullptr : &at->second;
  const bool matches = MatchesValue(predicate, value);
  EXPECT_EQ(PredicateMatcher(predicate).Matches(value), matches) << predicate.key;
  return matches;
}

struct FilterCase {
  std::string_view where;
  std::string_view ids;  // "-a b": all but those
};

class SemanticsTable : public testing::TestWithParam<FilterCase> {};

TEST_P(SemanticsTable, ReturnsTheExactColumn) {
  auto json = ParseJson(GetParam().where);
  ASSERT_TRUE(json.ok());
  auto filter = ParseWhere(*json);
  ASSERT_TRUE(filter.ok()) << filter.status().ToString();
  const std::string_view ids = GetParam().ids;
  const bool complement = ids.starts_with('-');
  const std::string listed = " " + std::string(complement ? ids.substr(1) : ids) + " ";
  for (const auto& [id, value] : Records()) {
    std::map<std::string, MetadataValue> record;
    if (id == "y") record["y"] = int64_t{1};
    if (!std::holds_alternative<std::monostate>(value)) record["x"] = value;
    const bool in_list = listed.find(" " + id + " ") != std::string::npos;
    EXPECT_EQ(Evaluate(*filter, record), in_list != complement) << id;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Filters, SemanticsTable,
    testing::Values(
        FilterCase{R"({"x":2})", "i2 f2"}, FilterCase{R"({"x":2.0})", "i2 f2"},
        FilterCase{R"({"x":2.5})", "f25"}, FilterCase{R"({"x":"2"})", "s2"},
        FilterCase{R"({"x":true})", "bt"}, FilterCase{R"({"x":1})", "i1"},
        FilterCase{R"({"x":{"$ne":2}})", "-i2 f2"}, FilterCase{R"({"x":{"$ne":2.5}})", "-f25"},
        FilterCase{R"({"x":{"$gt":2}})", "i3 f25 big"},
        FilterCase{R"({"x":{"$gt":2.5}})", "i3 big"},
        FilterCase{R"({"x":{"$gte":2.5}})", "i3 f25 big"},
        FilterCase{R"({"x":{"$lt":2.5}})", "i2 f2 i1 i0 neg"},
        FilterCase{R"({"x":{"$lte":2.5}})", "i2 f2 f25 i1 i0 neg"},
        FilterCase{R"({"x":{"$gt":-2.5}})", "i2 i3 f2 f25 i1 i0 big neg"},
        FilterCase{R"({"x":{"$eq":-2.5}})", ""}, FilterCase{R"({"x":{"$in":[2,3]}})", "i2 i3 f2"},
        FilterCase{R"({"x":{"$in":[2.5,3]}})", "i3 f25"},
        FilterCase{R"({"x":{"$nin":[2,3]}})", "-i2 i3 f2"},
        FilterCase{R"({"x":{"$in":[2.5,9007199254740993,3]}})", "i3 f25 big"},
        FilterCase{R"({"x":{"$in":[2.5,9007199254740992]}})", "f25"},
        FilterCase{R"({"x":{"$nin":[2.5,9007199254740993]}})", "-f25 big"},
        FilterCase{R"({"x":{"$nin":["2"]}})", "-s2"},
        FilterCase{R"({"x":{"$nin":[true,false]}})", "-bt bf"},
        FilterCase{R"({"x":{"$lt":1e300}})", "i2 i3 f2 f25 i1 i0 neg big"},
        FilterCase{R"({"x":9007199254740992})", ""}, FilterCase{R"({"x":9007199254740992.0})", ""},
        FilterCase{R"({"x":9007199254740993})", "big"},
        FilterCase{R"({"x":{"$contains":"a"}})", "as"},
        FilterCase{R"({"x":{"$contains":1}})", "ai"},
        FilterCase{R"({"x":{"$contains":2.0}})", "af"},
        FilterCase{R"({"x":{"$contains":true}})", "ab"},
        FilterCase{R"({"x":{"$contains":"abc"}})", ""},
        FilterCase{R"({"x":{"$not_contains":2}})", "-ai"}, FilterCase{R"({"$and":[]})", "-"},
        FilterCase{R"({"$or":[]})", ""},
        FilterCase{R"({"$and":[{"x":{"$ne":2}},{"x":{"$gt":0}}]})", "i3 f25 i1 big"},
        FilterCase{R"({"nokey":{"$ne":1}})", "-"}, FilterCase{R"({"nokey":{"$nin":[1]}})", "-"},
        FilterCase{R"({"nokey":{"$not_contains":1}})", "-"}, FilterCase{R"({"":1})", ""}));

TEST(PredicateMatcher, FindsWhatALinearSearchFinds) {
  const unsigned seed = 99;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const auto small = [&] { return static_cast<int64_t>(random() % 11) - 5; };
  for (int round = 0; round < 500; ++round) {
    MetadataPredicate predicate{
        "k", round % 2 == 0 ? CompareOperator::kIn : CompareOperator::kNotIn, {}};
    const size_t n = 1 + random() % 6;
    if (round % 3 == 0) {
      std::vector<int64_t> list(n);
      for (auto& value : list) value = small();
      predicate.operand = list;
    } else if (round % 3 == 1) {
      std::vector<double> list(n);
      for (auto& value : list) value = static_cast<double>(small()) / 2;
      predicate.operand = list;
    } else {
      std::vector<std::string> list(n);
      for (auto& value : list) value = std::to_string(small());
      predicate.operand = list;
    }
    const PredicateMatcher matcher(predicate);
    for (int64_t i = -6; i <= 6; ++i) {
      const MetadataValue values[] = {i, static_cast<double>(i) / 2, std::to_string(i), i > 0,
                                      std::vector<int64_t>{i}};
      for (const MetadataValue& value : values) {
        ASSERT_EQ(matcher.Matches(&value), MatchesValue(predicate, &value)) << round << " " << i;
      }
    }
    ASSERT_EQ(matcher.Matches(nullptr), predicate.op == CompareOperator::kNotIn);
  }
}

}  // namespace
}  // namespace chroma::model
