// Match() against MatchesValue() row by row.
#include <string>
#include <vector>

#include "model/compare.h"
#include "segment/test_support.h"

namespace chroma::segment {
namespace {

using model::CompareOperator;
using model::MetadataPredicate;
using model::MetadataValue;
using model::ValueType;

// A value that some row holds, more often than not; else one nearby or any.
MetadataValue Operand(RowGenerator& generator, const std::vector<OracleRow>& rows,
                      const std::string& key) {
  for (int attempt = 0; attempt < 5 && !rows.empty() && !generator.Chance(20); ++attempt) {
    const MetadataValue* value = rows[generator.Below(rows.size())].metadata.Find(key);
    if (value == nullptr) continue;
    const auto* integer = std::get_if<int64_t>(value);
    if (integer != nullptr && generator.Chance(40)) {
      return static_cast<double>(*integer) + (generator.Chance(50) ? 0.5 : 0.0);
    }
    const auto* real = std::get_if<double>(value);
    if (real != nullptr && generator.Chance(40) && *real > -9e18 && *real < 9e18) {
      return static_cast<int64_t>(*real);
    }
    return *value;
  }
  return generator.AnyValue();
}

MetadataValue ListOf(RowGenerator& generator, const std::vector<OracleRow>& rows,
                     const std::string& key) {
  std::vector<MetadataValue> members;
  const size_t n = 1 + generator.Below(generator.Chance(20) ? 300 : 6);
  for (size_t i = 0; i < n; ++i) members.push_back(Operand(generator, rows, key));
  const auto pick = [&](auto array) {
    using Element = typename decltype(array)::value_type;
    for (const MetadataValue& member : members) {
      if (const auto* element = std::get_if<Element>(&member)) array.push_back(*element);
    }
    return MetadataValue(array);
  };
  switch (generator.Below(4)) {
    case 0:
      return pick(std::vector<int64_t>());
    case 1:
      return pick(std::vector<double>());
    case 2:
      return pick(std::vector<std::string>());
    default: {
      model::BoolArray list;
      for (const MetadataValue& member : members) {
        if (const auto* element = std::get_if<bool>(&member)) list.values.push_back(*element);
      }
      return list;
    }
  }
}

MetadataPredicate RandomPredicate(RowGenerator& generator, const std::vector<OracleRow>& rows) {
  static constexpr CompareOperator kPositive[] = {
      CompareOperator::kEqual,          CompareOperator::kLess,
      CompareOperator::kLessOrEqual,    CompareOperator::kGreater,
      CompareOperator::kGreaterOrEqual, CompareOperator::kIn,
      CompareOperator::kArrayContains};
  static const char* const kKeys[] = {"", "ключ", "missing"};
  MetadataPredicate predicate;
  predicate.key = generator.Chance(30)
                      ? kKeys[generator.Below(3)]
                      : (generator.Chance(80) ? "k" : "c") + std::to_string(1 + generator.Below(9));
  predicate.op = kPositive[generator.Below(std::size(kPositive))];
  if (predicate.op == CompareOperator::kIn) {
    predicate.operand = ListOf(generator, rows, predicate.key);
    return predicate;
  }
  predicate.operand = Operand(generator, rows, predicate.key);
  // The members of arrays are what kArrayContains looks for.
  const MetadataValue value = predicate.operand;
  if (const auto* ints = std::get_if<std::vector<int64_t>>(&value)) {
    predicate.operand = ints->front();
  } else if (const auto* floats = std::get_if<std::vector<double>>(&value)) {
    predicate.operand = floats->front();
  } else if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) {
    predicate.operand = texts->front();
  } else if (const auto* bools = std::get_if<model::BoolArray>(&value)) {
    predicate.operand = bools->values.front() != 0;
  }
  return predicate;
}

TEST(MatchTest, AgreesWithTheOracle) {
  uint64_t matched = 0;
  for (uint64_t seed = 1; seed <= 24; ++seed) {
    RowGenerator generator(seed);
    const uint32_t sizes[] = {1, 70, 300, 600, 10'000, 40};
    const std::vector<OracleRow> rows = generator.Rows(sizes[seed % 6], 0);
    runtime::Context ctx;
    auto segment =
        SegmentReader::Open(ctx, std::make_shared<MemoryBlob>("test", WriteSegment(rows, 0)));
    ASSERT_TRUE(segment.ok());
    const int predicates = rows.size() > 5000 ? 30 : 250;
    for (int i = 0; i < predicates; ++i) {
      const MetadataPredicate predicate = RandomPredicate(generator, rows);
      Bitmap expected;
      for (uint32_t row = 0; row < rows.size(); ++row) {
        if (MatchesValue(predicate, rows[row].metadata.Find(predicate.key))) expected.Add(row);
      }
      auto actual = (*segment)->Match(ctx, predicate);
      ASSERT_TRUE(actual.ok()) << actual.status().ToString();
      ASSERT_TRUE(*actual == expected)
          << "seed " << seed << ", predicate " << i << " on key " << predicate.key << ", operator "
          << static_cast<int>(predicate.op) << ", operand type "
          << static_cast<int>(TypeOf(predicate.operand)) << ": " << actual->Count() << " rows, not "
          << expected.Count();
      matched += expected.Count();
    }
  }
  EXPECT_GT(matched, 5'000u);
}

TEST(MatchTest, RangesOfIntegersAgainstFractionsAreExact) {
  std::vector<OracleRow> rows(7);
  const int64_t values[] = {INT64_MIN, -2, 2, 3, (int64_t{1} << 53) + 1, INT64_MAX - 1, INT64_MAX};
  for (size_t i = 0; i < rows.size(); ++i) {
    rows[i].id = std::to_string(i);
    rows[i].insertion_offset = i;
    rows[i].metadata.Set("x", values[i]);
  }
  runtime::Context ctx;
  auto segment =
      SegmentReader::Open(ctx, std::make_shared<MemoryBlob>("test", WriteSegment(rows, 0)));
  ASSERT_TRUE(segment.ok());
  const auto match = [&](CompareOperator op, double operand) {
    return (*segment)->Match(ctx, {"x", op, operand})->ToVector();
  };
  using Rows = std::vector<uint32_t>;
  EXPECT_EQ(match(CompareOperator::kEqual, 2.5), Rows());
  EXPECT_EQ(match(CompareOperator::kEqual, 2.0), Rows({2}));
  EXPECT_EQ(match(CompareOperator::kLess, 2.5), Rows({0, 1, 2}));
  EXPECT_EQ(match(CompareOperator::kGreaterOrEqual, 2.5), Rows({3, 4, 5, 6}));
  EXPECT_EQ(match(CompareOperator::kGreater, -2.5), Rows({1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(match(CompareOperator::kEqual, 9007199254740992.0), Rows());
  EXPECT_EQ(match(CompareOperator::kGreater, 9007199254740992.0), Rows({4, 5, 6}));
  EXPECT_EQ(match(CompareOperator::kLess, 9223372036854775808.0), Rows({0, 1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(match(CompareOperator::kGreaterOrEqual, 9223372036854775808.0), Rows());
  EXPECT_EQ(match(CompareOperator::kLessOrEqual, -9223372036854775808.0), Rows({0}));
  EXPECT_EQ(match(CompareOperator::kLess, -9223372036854775808.0), Rows());
}

}  // namespace
}  // namespace chroma::segment
