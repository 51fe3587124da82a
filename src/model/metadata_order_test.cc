#include "model/metadata_order.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace chroma::model {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

TEST(MetadataOrderTest, FloatsAreTotallyOrdered) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float ascending[] = {-nan, -kInf, -1.5f, -0.0f, 0.0f, 1e-40f, 2, kInf, nan};
  for (size_t i = 0; i < std::size(ascending); ++i) {
    for (size_t j = 0; j < std::size(ascending); ++j) {
      EXPECT_EQ(CompareTotally(ascending[i], ascending[j]), i <=> j) << i << " " << j;
      EXPECT_EQ(
          CompareTotally(static_cast<double>(ascending[i]), static_cast<double>(ascending[j])),
          i <=> j);
    }
  }
}

TEST(MetadataOrderTest, TypesAndValuesAscend) {
  const int64_t big = (int64_t{1} << 53) + 1;
  const MetadataValue ascending[] = {
      std::monostate(),
      false,
      true,
      int64_t{-2},
      -1.5,
      int64_t{1},
      1.5,
      static_cast<double>(big - 1),
      big,
      std::string(""),
      std::string("B"),
      std::string("a"),
      std::string("ab"),
      SparseVector{{1}, {2}, {}},
      SparseVector{{1}, {3}, {}},
      SparseVector{{2}, {1}, {}},
      BoolArray{{0}},
      BoolArray{{0, 1}},
      std::vector<int64_t>{1, 2},
      std::vector<int64_t>{2},
      std::vector<double>{0.5},
      std::vector<std::string>{"a"},
  };
  for (size_t i = 0; i < std::size(ascending); ++i) {
    for (size_t j = 0; j < std::size(ascending); ++j) {
      EXPECT_EQ(CompareValues(ascending[i], ascending[j]), i <=> j) << i << " " << j;
    }
  }
}

TEST(MetadataOrderTest, EqualNumbersOfDifferentTypesAreEqual) {
  EXPECT_EQ(CompareValues(int64_t{1}, 1.0), std::weak_ordering::equivalent);
  EXPECT_EQ(CompareValues(-0.0, 0.0), std::weak_ordering::equivalent);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(CompareValues(int64_t{1}, nan), std::weak_ordering::less);
  EXPECT_EQ(CompareValues(nan, nan), std::weak_ordering::equivalent);
}

}  // namespace
}  // namespace chroma::model
