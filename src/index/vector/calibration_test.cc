#include "index/vector/calibration.h"

#include <gtest/gtest.h>

#include <random>

#include "index/vector/test_support.h"

namespace chroma::index {
namespace {

TEST(Calibration, TakesTheLeastEffortThatIsEnough) {
  const Calibration calibration = {.points = {{16, .9F}, {32, .95F}, {64, .99F}}};
  EXPECT_EQ(EffortFor(calibration, .5), 16U);
  EXPECT_EQ(EffortFor(calibration, .94), 32U);
  EXPECT_EQ(EffortFor(calibration, .98), 64U);
  EXPECT_GT(EffortFor(calibration, .995), 64U);
  EXPECT_EQ(EffortFor({}, .98), 0U);
}

TEST(Calibration, MoreEffortFindsMore) {
  constexpr uint32_t kDimension = 64;
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> values(size_t{3000} * kDimension);
  for (float& value : values) value = normal(random);
  const BuiltRows built(std::move(values), kDimension);
  const auto calibrate = [&](const std::function<Status()>& check) {
    return Calibrate(built.coder(), built.graph(), built.source(), InOrder, check);
  };
  const auto calibration = calibrate(nullptr);
  ASSERT_TRUE(calibration.ok());
  ASSERT_FALSE(calibration->points.empty());
  EXPECT_LT(calibration->points.front().recall, .99F);
  EXPECT_GT(calibration->points.back().recall, .98F);
  EXPECT_GT(EffortFor(*calibration, .98), calibration->points.front().effort);
  EXPECT_GT(calibration->spread, 0);

  const auto cancelled = calibrate([] { return Status::Cancelled("enough"); });
  EXPECT_EQ(cancelled.status().code(), StatusCode::kCancelled);
}

// In d dimensions that are filled evenly, m rows take the m-th root of d times the room of one.
TEST(Calibration, SpreadTellsTheDimensionsThatRowsFill) {
  constexpr uint32_t kDimension = 64;
  for (const uint32_t filled : {4U, 6U, 8U}) {
    std::mt19937 random(filled);
    std::uniform_real_distribution<float> uniform;
    std::vector<float> values(size_t{6000} * kDimension);
    for (size_t row = 0; row < 6000; ++row) {
      for (size_t d = 0; d < filled; ++d) values[row * kDimension + d] = uniform(random);
    }
    const BuiltRows built(std::move(values), kDimension);
    const auto spread = MeasureSpread(built.coder(), built.graph(), built.source());
    ASSERT_TRUE(spread.ok());
    EXPECT_NEAR(*spread * static_cast<float>(filled) / 2, 1, .25) << filled;
  }
}

TEST(Calibration, EqualRowsHaveNoSpread) {
  const BuiltRows built(std::vector<float>(size_t{3000} * 64, .5F), 64);
  const auto spread = MeasureSpread(built.coder(), built.graph(), built.source());
  ASSERT_TRUE(spread.ok());
  EXPECT_EQ(*spread, 0);
}

// What is among copies says how far codes err, not how distances grow.
TEST(Calibration, CopiesDoNotChangeTheSpread) {
  constexpr uint32_t kDimension = 64;
  constexpr size_t kRows = 6000;
  const auto spread_with = [](size_t copied) {
    std::mt19937 random(3);
    std::uniform_real_distribution<float> uniform;
    std::vector<float> values(kRows * kDimension);
    for (size_t row = 0; row < kRows; ++row) {
      for (size_t d = 0; d < 8; ++d) values[row * kDimension + d] = uniform(random);
    }
    for (size_t row = 0; row < copied; ++row) {
      std::copy_n(values.begin() + static_cast<ptrdiff_t>(row / 20 * 20 * kDimension), kDimension,
                  values.begin() + static_cast<ptrdiff_t>(row * kDimension));
    }
    const BuiltRows built(std::move(values), kDimension);
    return *MeasureSpread(built.coder(), built.graph(), built.source());
  };
  const float alone = spread_with(0);
  EXPECT_NEAR(spread_with(kRows / 4) / alone, 1, .2);
  EXPECT_NEAR(spread_with(kRows * 9 / 10) / alone, 1, .5);
}

}  // namespace
}  // namespace chroma::index
