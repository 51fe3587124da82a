// Estimates against what Match() finds.
#include "segment/column_statistics.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "segment/test_support.h"

namespace chroma::segment {
namespace {

using model::CompareOperator;
using model::MetadataPredicate;
using model::MetadataValue;

// Errors are shares of the rows. Ranges: 1.63 / sqrt(4096), which the Dvoretzky-Kiefer-Wolfowitz
// inequality allows for one column in a hundred; seeds are fixed. One value: four standard
// deviations of one that the sample has with a share of 5 %, which is that much seldom.
constexpr double kExact = 1e-9;
constexpr double kRange = .0255;
constexpr double kValue = .0137;

class StatisticsTest : public ::testing::Test {
 protected:
  using Generate = std::function<MetadataValue(RowGenerator&, uint32_t row)>;

  // Rows with generate()'s values under "k"; monostate: none.
  void Fill(uint32_t n, const Generate& generate) {
    RowGenerator generator(7);
    std::vector<OracleRow> rows(n);
    for (uint32_t row = 0; row < n; ++row) {
      rows[row].id = std::to_string(row);
      rows[row].insertion_offset = row;
      MetadataValue value = generate(generator, row);
      if (model::TypeOf(value) != model::ValueType::kNull) rows[row].metadata.Set("k", value);
    }
    bytes_ = WriteSegment(rows, 0);
    rows_ = n;
    auto opened = SegmentReader::Open(ctx_, std::make_shared<MemoryBlob>("test", bytes_));
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    segment_ = *opened;
  }

  // How far the estimate is off, as a share of the rows.
  double Error(CompareOperator op, const MetadataValue& operand) {
    const MetadataPredicate predicate{"k", op, operand};
    const auto found = segment_->Match(ctx_, predicate);
    const auto estimate = segment_->EstimateMatch(predicate);
    EXPECT_TRUE(found.ok() && estimate.ok() && estimate->has_value());
    EXPECT_GE(**estimate, 0);
    EXPECT_LE(**estimate, rows_);
    return std::abs(**estimate - static_cast<double>(found->Count())) / rows_;
  }

  // All operators with numbers that the values have, and that they have not.
  void CheckNumbers(const std::vector<MetadataValue>& operands, double range, double value) {
    for (const MetadataValue& operand : operands) {
      for (const auto op : {CompareOperator::kLess, CompareOperator::kLessOrEqual,
                            CompareOperator::kGreater, CompareOperator::kGreaterOrEqual}) {
        EXPECT_LE(Error(op, operand), range) << static_cast<int>(op) << " " << Show(operand);
      }
      EXPECT_LE(Error(CompareOperator::kEqual, operand), value) << Show(operand);
    }
  }
  static std::string Show(const MetadataValue& value) {
    if (const auto* integer = std::get_if<int64_t>(&value)) return std::to_string(*integer);
    if (const auto* real = std::get_if<double>(&value)) return std::to_string(*real);
    return "value";
  }

  runtime::Context ctx_;
  Bytes bytes_;
  uint32_t rows_ = 0;
  std::shared_ptr<const SegmentReader> segment_;
};

constexpr uint32_t kRows = 50'000;

// The number of rank 1 … `values`, each as often as the reciprocal of its rank.
int64_t Zipf(RowGenerator& generator, double values) {
  const double u = static_cast<double>(generator.Below(1 << 30)) / (1 << 30);
  return static_cast<int64_t>(std::exp(u * std::log(values)));
}

TEST_F(StatisticsTest, FewIntegersAreCounted) {
  Fill(kRows, [](RowGenerator& generator, uint32_t) {
    return static_cast<int64_t>(generator.Below(1000)) - 300;
  });
  CheckNumbers({int64_t{-301}, int64_t{-300}, int64_t{0}, 0.5, -0.0, int64_t{699}, int64_t{700},
                1e300, -1e300, std::numeric_limits<double>::infinity(),
                std::numeric_limits<double>::quiet_NaN(), INT64_MAX, INT64_MIN},
               kExact, kExact);
  EXPECT_LE(Error(CompareOperator::kIn, std::vector<int64_t>{1, 1, 5, 9, -300, 5000}), kExact);
  EXPECT_LE(Error(CompareOperator::kIn, std::vector<double>{1, 5.5, 9, -300}), kExact);
}

TEST_F(StatisticsTest, SkewedIntegers) {
  Fill(kRows, [](RowGenerator& generator, uint32_t) { return Zipf(generator, 5000); });
  CheckNumbers({int64_t{0}, int64_t{1}, int64_t{2}, int64_t{50}, int64_t{4999}}, kExact, kExact);
  Fill(kRows, [](RowGenerator& generator, uint32_t) { return Zipf(generator, 1e9); });
  CheckNumbers({int64_t{0}, int64_t{1}, int64_t{2}, int64_t{3}, int64_t{10}, int64_t{1000},
                int64_t{99'999'999}},
               kRange, kValue);
}

TEST_F(StatisticsTest, AllEqual) {
  Fill(kRows, [](RowGenerator&, uint32_t) { return int64_t{1} << 60; });
  CheckNumbers({int64_t{1} << 60, (int64_t{1} << 60) + 1, (int64_t{1} << 60) - 1, 1e18, 2e18},
               kExact, kExact);
  Fill(kRows, [](RowGenerator&, uint32_t) { return 2.5; });
  CheckNumbers({2.5, 2.0, int64_t{3}}, kExact, kExact);
}

TEST_F(StatisticsTest, AllDifferent) {
  Fill(kRows, [](RowGenerator&, uint32_t row) { return int64_t{row} * 1'000'003; });
  CheckNumbers({int64_t{0}, int64_t{1'000'003}, int64_t{25'000} * 1'000'003, int64_t{7}, INT64_MAX},
               kRange, 2.0 / kRows);
  std::vector<int64_t> many;
  for (int64_t i = 0; i < 1000; ++i) many.push_back(i * 20 * 1'000'003);
  EXPECT_LE(Error(CompareOperator::kIn, many), .005);
  Fill(kRows, [](RowGenerator&, uint32_t row) { return "value " + std::to_string(row); });
  EXPECT_LE(Error(CompareOperator::kEqual, std::string("value 77")), kExact);
  EXPECT_LE(Error(CompareOperator::kEqual, std::string("no value")), kExact);
  EXPECT_LE(Error(CompareOperator::kIn, std::vector<std::string>{"value 1", "value 2", "none"}),
            kExact);
}

TEST_F(StatisticsTest, RealNumbers) {
  Fill(kRows, [](RowGenerator& generator, uint32_t) {
    const double u = static_cast<double>(generator.Below(1 << 30)) / (1 << 30);
    return generator.Chance(30) ? -0.0 : std::exp(20 * u) - 1000;
  });
  CheckNumbers({0.0, int64_t{0}, -1000.5, -999.0, 1e3, 1e8, int64_t{1} << 60}, kRange, 4 * .0072);
}

TEST_F(StatisticsTest, ValuesThatComeInTurnAndThatLieTogether) {
  Fill(kRows, [](RowGenerator&, uint32_t row) { return (row % 16) * 1e6 + 0.5; });
  CheckNumbers({4e6, 8e6 + 0.5, 15e6 + 0.5}, kRange, 4 * .0038);
  Fill(kRows, [](RowGenerator&, uint32_t row) { return (row / 4000) * 1e6 + 0.5; });
  CheckNumbers({4e6, 8e6 + 0.5, 12e6 + 0.5}, kRange, 4 * .0042);
}

TEST_F(StatisticsTest, Strings) {
  Fill(kRows, [](RowGenerator& generator, uint32_t) {
    return "topic " + std::to_string(Zipf(generator, 300));
  });
  for (const char* topic : {"topic 1", "topic 17", "topic 299", "nothing", ""}) {
    EXPECT_LE(Error(CompareOperator::kEqual, std::string(topic)), kExact) << topic;
  }
  EXPECT_LE(Error(CompareOperator::kIn, std::vector<std::string>{"topic 1", "topic 9", "none"}),
            kExact);
  // A dictionary too large to count.
  Fill(kRows, [](RowGenerator& generator, uint32_t) {
    return "user " + std::to_string(generator.Chance(20) ? 0 : 1 + generator.Below(18'000));
  });
  EXPECT_LE(Error(CompareOperator::kEqual, std::string("user 0")), 4 * .0063);
  EXPECT_LE(Error(CompareOperator::kEqual, std::string("user 17")), .0005);
  // No dictionary, and a value that is none of many.
  Fill(kRows, [](RowGenerator& generator, uint32_t row) {
    return generator.Chance(40) ? std::string("none") : "unique " + std::to_string(row);
  });
  EXPECT_LE(Error(CompareOperator::kEqual, std::string("none")), kExact);
}

TEST_F(StatisticsTest, Booleans) {
  Fill(kRows, [](RowGenerator& generator, uint32_t) { return generator.Chance(3); });
  EXPECT_LE(Error(CompareOperator::kEqual, true), kExact);
  EXPECT_LE(Error(CompareOperator::kEqual, false), kExact);
  EXPECT_LE(Error(CompareOperator::kIn, model::BoolArray{{1, 0, 1}}), kExact);
}

TEST_F(StatisticsTest, ArraysCountRowsAndNotElements) {
  Fill(kRows, [](RowGenerator& generator, uint32_t) {
    const auto tag = "tag " + std::to_string(Zipf(generator, 500));
    return std::vector<std::string>{tag, "tag " + std::to_string(generator.Below(10)), tag, tag};
  });
  for (const char* tag : {"tag 1", "tag 9", "tag 300", "nothing"}) {
    EXPECT_LE(Error(CompareOperator::kArrayContains, std::string(tag)), kExact) << tag;
  }
  Fill(kRows, [](RowGenerator& generator, uint32_t) {
    model::BoolArray flags;
    for (uint64_t i = 1 + generator.Below(4); i > 0; --i) flags.values.push_back(1);
    if (generator.Chance(10)) flags.values.push_back(0);
    return flags;
  });
  EXPECT_LE(Error(CompareOperator::kArrayContains, true), kExact);
  EXPECT_LE(Error(CompareOperator::kArrayContains, false), kExact);
  Fill(kRows, [](RowGenerator& generator, uint32_t) {
    std::vector<double> numbers{generator.Chance(25) ? 0.5 : 1.5};
    for (int i = 0; i < 20; ++i) numbers.push_back(static_cast<double>(generator.Next()));
    numbers.push_back(numbers[0]);
    return numbers;
  });
  // Of fewer rows: 32,768 elements are kept.
  EXPECT_LE(Error(CompareOperator::kArrayContains, 0.5), 4 * .011);
  EXPECT_LE(Error(CompareOperator::kArrayContains, 7.25), .0005);
}

TEST_F(StatisticsTest, MissingKeysMixedTypesAndLargeIntegers) {
  Fill(kRows, [](RowGenerator& generator, uint32_t) -> MetadataValue {
    switch (generator.Below(5)) {
      case 0:
        return {};
      case 1:
        return int64_t{9'007'199'254'740'992} + static_cast<int64_t>(generator.Below(4));
      case 2:
        return 9'007'199'254'740'992.0 + 2 * static_cast<double>(generator.Below(2));
      case 3:
        return std::string("text");
      default:
        return generator.Chance(50);
    }
  });
  // Beyond 2^53 neighbouring integers are one double; the estimate tells them apart all the same.
  for (int64_t i = -1; i <= 4; ++i) {
    const int64_t operand = 9'007'199'254'740'992 + i;
    CheckNumbers({operand, static_cast<double>(operand)}, kRange, kRange);
  }
  EXPECT_LE(Error(CompareOperator::kEqual, std::string("text")), kExact);
  EXPECT_LE(Error(CompareOperator::kEqual, true), kExact);
  EXPECT_EQ(**segment_->EstimateMatch({"nothing", CompareOperator::kEqual, true}), 0);
}

TEST_F(StatisticsTest, AllOfFewRowsAreCounted) {
  for (const uint32_t rows : {1U, 2U, 63U, 1000U, 4096U}) {
    Fill(rows, [](RowGenerator& generator, uint32_t) -> MetadataValue {
      if (generator.Chance(20)) return {};
      return generator.Chance(50) ? MetadataValue(generator.Integer())
                                  : MetadataValue(generator.Float());
    });
    CheckNumbers({int64_t{0}, 0.5, int64_t{100}, -1e9, 1e9}, kExact, kExact);
  }
}

TEST_F(StatisticsTest, TakeNoMoreThanAByteARow) {
  const auto size_of = [](const std::vector<int64_t>& values) {
    format::MetadataColumnWriter writer(model::ValueType::kInt);
    for (uint32_t row = 0; row < values.size(); ++row) writer.Add(row, values[row]);
    Bytes bytes;
    writer.Encode(bytes, static_cast<uint32_t>(values.size()));
    ByteReader in(bytes);
    const auto column = format::MetadataColumnReader::Read(in, model::ValueType::kInt,
                                                           static_cast<uint32_t>(values.size()));
    EXPECT_TRUE(in.ok());
    return ColumnStatistics::Of(column).SizeBytes();
  };
  std::vector<int64_t> values(200'000);
  for (const int64_t distinct : {10, 1000, 40'000, 60'000, 1 << 30}) {
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] = static_cast<int64_t>(i * 2'654'435'761 % static_cast<uint64_t>(distinct));
    }
    EXPECT_LE(size_of(values), values.size()) << distinct;
  }
  EXPECT_LE(size_of({1, 500, 65'000}), 1024U);
}

}  // namespace
}  // namespace chroma::segment
