#include "index/vector/calibration.h"

#include <gtest/gtest.h>

#include <random>

namespace chroma::index {
namespace {

void InOrder(size_t n, const std::function<void(size_t)>& job) {
  for (size_t i = 0; i < n; ++i) job(i);
}

TEST(Calibration, TakesTheLeastEffortThatIsEnough) {
  const Calibration calibration = {{16, .9F}, {32, .95F}, {64, .99F}};
  EXPECT_EQ(EffortFor(calibration, .5), 16U);
  EXPECT_EQ(EffortFor(calibration, .94), 32U);
  EXPECT_EQ(EffortFor(calibration, .98), 64U);
  EXPECT_GT(EffortFor(calibration, .995), 64U);
  EXPECT_EQ(EffortFor({}, .98), 0U);
}

TEST(Calibration, MoreEffortFindsMore) {
  constexpr uint32_t kRows = 3000;
  constexpr uint32_t kDimension = 64;
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> values(size_t{kRows} * kDimension);
  for (float& value : values) value = normal(random);
  std::vector<const float*> rows;
  for (uint32_t row = 0; row < kRows; ++row)
    rows.push_back(values.data() + size_t{row} * kDimension);
  const RowCoder coder(simd::ActiveCodeKernels(),
                       ChooseCodeSpace(model::Space::kL2, kDimension, 1, rows));
  std::vector<int8_t> codes(size_t{kRows} * coder.padded());
  std::vector<RowScale> scales(kRows);
  for (uint32_t row = 0; row < kRows; ++row) {
    coder.Encode(rows[row], codes.data() + size_t{row} * coder.padded(), &scales[row]);
  }
  const RowCodes view{codes.data(), scales.data(), kRows, coder.padded()};
  GraphBuilder builder(coder, view, {}, InOrder, nullptr, nullptr);
  ASSERT_TRUE(builder.Build().ok());
  VectorSource source;
  source.row_pointers = rows.data();
  source.n = kRows;
  source.dimension = kDimension;
  const Graph graph{view, Edges::Of(builder.neighbors().data()), builder.entry()};
  const auto calibration = Calibrate(coder, graph, source, InOrder, nullptr);
  ASSERT_TRUE(calibration.ok());
  ASSERT_FALSE(calibration->empty());
  EXPECT_LT(calibration->front().recall, .99F);
  EXPECT_GT(calibration->back().recall, .98F);
  EXPECT_GT(EffortFor(*calibration, .98), calibration->front().effort);

  const auto cancelled =
      Calibrate(coder, graph, source, InOrder, [] { return Status::Cancelled("enough"); });
  EXPECT_EQ(cancelled.status().code(), StatusCode::kCancelled);
}

}  // namespace
}  // namespace chroma::index
