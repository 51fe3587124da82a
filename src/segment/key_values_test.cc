#include "segment/key_values.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "model/metadata_order.h"
#include "segment/test_support.h"

namespace chroma::segment {
namespace {

using model::MetadataValue;
using model::ValueType;

// A segment whose rows have keys of one type, of two kinds of numbers, and of all types.
class KeyValuesTest : public ::testing::TestWithParam<uint64_t> {
 protected:
  KeyValuesTest() : random_(GetParam()) {
    for (uint32_t i = 0; i < 400; ++i) {
      OracleRow row;
      row.id = "id" + std::to_string(1000 + i);
      row.insertion_offset = i;
      row.vector = {0};
      for (const auto& [key, type] : Typed()) {
        if (random_.Chance(80)) row.metadata.Set(key, random_.Value(type));
      }
      row.metadata.Set("number",
                       random_.Value(random_.Chance(50) ? ValueType::kInt : ValueType::kFloat));
      if (random_.Chance(80)) row.metadata.Set("any", random_.AnyValue());
      if (random_.Chance(50)) row.metadata.Set("lang", std::string(1, "edf"[random_.Below(3)]));
      rows_.push_back(std::move(row));
      if (random_.Chance(60)) some_.Add(i);
    }
    auto blob = std::make_shared<MemoryBlob>("segment", WriteSegment(rows_, 1));
    segment_ = *SegmentReader::Open(ctx_, std::move(blob));
  }

  static std::vector<std::pair<std::string, ValueType>> Typed() {
    return {{"bool", ValueType::kBool},          {"int", ValueType::kInt},
            {"float", ValueType::kFloat},        {"string", ValueType::kString},
            {"ints", ValueType::kIntArray},      {"strings", ValueType::kStringArray},
            {"sparse", ValueType::kSparseVector}};
  }
  static std::vector<std::string> Keys() {
    std::vector<std::string> keys = {"number", "any", "lang", "nothing"};
    for (const auto& [key, type] : Typed()) keys.push_back(key);
    return keys;
  }
  MetadataValue Stored(uint32_t row, const std::string& key) const {
    const MetadataValue* value = rows_[row].metadata.Find(key);
    return value == nullptr ? MetadataValue() : *value;
  }

  runtime::Context ctx_;
  RowGenerator random_;
  std::vector<OracleRow> rows_;
  Bitmap some_;
  std::shared_ptr<const SegmentReader> segment_;
};

TEST_P(KeyValuesTest, ValuesAreThoseOfTheRows) {
  for (const std::string& key : Keys()) {
    const auto values = *segment_->Key(key, some_);
    for (uint32_t row = 0; row < rows_.size(); ++row) {
      ASSERT_EQ(ToValue(values->At(row)), Stored(row, key)) << key << " of row " << row;
    }
  }
}

TEST_P(KeyValuesTest, CodesCompareAsValuesDo) {
  for (const std::string& key : Keys()) {
    const auto values = *segment_->Key(key, some_);
    const bool scalar =
        key == "bool" || key == "int" || key == "float" || key == "lang" || key == "nothing";
    if (key != "string") {
      EXPECT_EQ(values->has_codes(), scalar) << key;
    }
    if (!values->has_codes()) continue;
    for (uint32_t a = 0; a < rows_.size(); ++a) {
      const uint32_t b = static_cast<uint32_t>(random_.Below(rows_.size()));
      const auto code_a = values->Code(a);
      const auto code_b = values->Code(b);
      ASSERT_EQ(code_a.has_value(), rows_[a].metadata.Find(key) != nullptr);
      if (!code_a || !code_b) continue;
      ASSERT_EQ(std::weak_ordering(*code_a <=> *code_b),
                model::CompareValues(Stored(a, key), Stored(b, key)))
          << key << " of rows " << a << " and " << b;
    }
  }
}

TEST_P(KeyValuesTest, ViewsCompareAsValuesDo) {
  for (int i = 0; i < 2000; ++i) {
    const MetadataValue a = random_.AnyValue();
    const MetadataValue b = random_.Chance(20) ? a : random_.AnyValue();
    ASSERT_EQ(CompareViews(ViewOf(a), ViewOf(b)), model::CompareValues(a, b));
  }
}

// The different scalars of a value.
std::vector<MetadataValue> Scalars(const MetadataValue& value) {
  std::vector<MetadataValue> scalars;
  const auto add = [&](MetadataValue one) {
    const auto equal = [&](const MetadataValue& other) {
      return model::CompareValues(one, other) == 0;
    };
    if (std::none_of(scalars.begin(), scalars.end(), equal)) scalars.push_back(std::move(one));
  };
  if (const auto* ints = std::get_if<std::vector<int64_t>>(&value)) {
    for (const int64_t one : *ints) add(one);
  } else if (const auto* floats = std::get_if<std::vector<double>>(&value)) {
    for (const double one : *floats) add(one);
  } else if (const auto* strings = std::get_if<std::vector<std::string>>(&value)) {
    for (const std::string& one : *strings) add(one);
  } else if (const auto* bools = std::get_if<model::BoolArray>(&value)) {
    for (const uint8_t one : bools->values) add(one != 0);
  } else if (model::TypeOf(value) != ValueType::kSparseVector) {
    add(value);
  }
  return scalars;
}

TEST_P(KeyValuesTest, CountsAreThoseOfTheRows) {
  const auto before = [](const MetadataValue& a, const MetadataValue& b) {
    return model::CompareValues(a, b) < 0;
  };
  for (const std::string& key : Keys()) {
    std::map<MetadataValue, uint64_t, decltype(before)> expected(before);
    uint64_t records = 0;
    ValueCounts from_rows;
    some_.ForEach([&](uint32_t row) {
      const MetadataValue* value = rows_[row].metadata.Find(key);
      if (value == nullptr) return true;
      ++records;
      CountValue(*value, &from_rows);
      for (const MetadataValue& one : Scalars(*value)) ++expected[one];
      return true;
    });
    ValueCounts from_columns;
    ASSERT_TRUE((*segment_->Key(key, some_))->Count(ctx_, some_, &from_columns).ok());
    for (const ValueCounts* counts : {&from_rows, &from_columns}) {
      EXPECT_EQ(counts->records(), records) << key;
      const std::vector<ValueCount> counted = counts->Take();
      EXPECT_EQ(counted.size(), expected.size()) << key;
      for (const ValueCount& one : counted) EXPECT_EQ(one.count, expected[one.value]) << key;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, KeyValuesTest, ::testing::Values(1, 2, 3));

TEST(ValueCountsTest, NumbersAreCountedByTheirWorth) {
  ValueCounts counts;
  counts.Add(1.0);
  counts.Add(int64_t{1});
  counts.Add(-0.0);
  counts.Add(0.0);
  counts.Add(0.5, 3);
  counts.Add(9223372036854775808.0);
  counts.Add(int64_t{INT64_MAX});
  counts.Add(true, 2);
  std::vector<ValueCount> taken = counts.Take();
  std::sort(taken.begin(), taken.end(), [](const ValueCount& a, const ValueCount& b) {
    return model::CompareValues(a.value, b.value) < 0;
  });
  ASSERT_EQ(taken.size(), 6u);
  EXPECT_EQ(taken[0].value, MetadataValue(true));
  EXPECT_EQ(taken[1].value, MetadataValue(0.0));
  EXPECT_EQ(taken[1].count, 2u);
  EXPECT_EQ(taken[2].count, 3u);
  EXPECT_EQ(taken[3].value, MetadataValue(int64_t{1}));
  EXPECT_EQ(taken[3].count, 2u);
  EXPECT_EQ(taken[4].value, MetadataValue(int64_t{INT64_MAX}));
  EXPECT_EQ(taken[5].value, MetadataValue(9223372036854775808.0));
}

}  // namespace
}  // namespace chroma::segment
