#include "index/sparse/bit_packing.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <vector>

namespace chroma::index {
namespace {

TEST(BitPackingTest, KeepsRowsOfEveryWidth) {
  std::mt19937_64 random(1);
  for (uint32_t width = 0; width <= kWidthMax; ++width) {
    for (uint32_t n = 1; n <= kPackedBlock; ++n) {
      SCOPED_TRACE("width " + std::to_string(width) + ", " + std::to_string(n) + " rows");
      // Rows may pass 2^32 and begin anew; they are compared as they are.
      std::array<uint32_t, kPackedBlock> gaps{};
      std::vector<uint32_t> expected{static_cast<uint32_t>(random())};
      for (uint32_t i = 1; i < n; ++i) {
        gaps[i] = width == 0 ? 0 : static_cast<uint32_t>(random()) >> (32 - width);
        expected.push_back(expected.back() + 1 + gaps[i]);
      }
      Bytes bytes;
      std::array<uint32_t, kPackedBlock> rows{};
      if (n == kPackedBlock) {
        PackFull(gaps.data(), width, bytes);
        ASSERT_EQ(bytes.size(), FullBlockBytes(width));
        UnpackFull(bytes.data(), width, expected[0], rows.data());
      } else {
        PackShort(gaps.data(), n, width, bytes);
        ASSERT_EQ(bytes.size(), ShortBlockBytes(n - 1, width));
        UnpackShort(bytes.data(), n, width, expected[0], rows.data());
      }
      ASSERT_EQ(std::vector<uint32_t>(rows.begin(), rows.begin() + n), expected);
    }
  }
}

TEST(BitPackingTest, FindsTheWidth) {
  EXPECT_EQ(BitWidth(0), 0U);
  EXPECT_EQ(BitWidth(1), 1U);
  EXPECT_EQ(BitWidth(255), 8U);
  EXPECT_EQ(BitWidth(UINT32_MAX), 32U);
}

}  // namespace
}  // namespace chroma::index
