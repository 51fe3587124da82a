#include "index/text/char_set.h"

#include <bitset>
#include <random>
#include <string>

#include "gtest/gtest.h"
#include "index/text/unicode.h"

namespace chroma::index {
namespace {

using Bits = std::bitset<64>;

CharSet FromBits(const Bits& bits) {
  std::vector<CharRange> ranges;
  for (uint32_t i = 64; i-- > 0;) {
    if (bits[i]) ranges.push_back({i, i});
  }
  return CharSet(ranges);
}

TEST(CharSetTest, AlgebraAgreesWithBits) {
  constexpr uint32_t kSeed = 11;
  std::mt19937_64 random(kSeed);
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  for (int round = 0; round < 500; ++round) {
    const Bits a(random() & random()), b(random() | random());
    CharSet set = FromBits(a);
    set.Union(FromBits(b));
    EXPECT_EQ(FromBits(a | b), set);
    set = FromBits(a);
    set.Intersect(FromBits(b));
    EXPECT_EQ(FromBits(a & b), set);
    set = FromBits(b);
    set.Subtract(FromBits(a));
    EXPECT_EQ(FromBits(b & ~a), set);
    set = FromBits(a);
    set.Negate(63);
    EXPECT_EQ(FromBits(~a), set);
    for (uint32_t i = 0; i < 64; ++i) EXPECT_EQ(!a[i], set.Contains(i));
  }
}

TEST(CharSetTest, HoldsNoSurrogates) {
  CharSet all({{0, kScalarMax}});
  EXPECT_EQ(2U, all.ranges().size());
  EXPECT_FALSE(all.Contains(0xD800));
  EXPECT_FALSE(all.Contains(0xDFFF));
  EXPECT_TRUE(all.Contains(0xE000));
  all.Negate();
  EXPECT_TRUE(all.empty());
}

TEST(UnicodeTest, PropertiesAndCase) {
  EXPECT_TRUE(IsWordChar(0xE9));
  EXPECT_FALSE(IsWordChar(0x2014));
  EXPECT_TRUE(DigitSet().Contains(0x0663));
  EXPECT_TRUE(SpaceSet().Contains(0x3000));
  CharSet set;
  EXPECT_EQ(PropertyError::kNone, FindProperty("greek", &set));
  EXPECT_TRUE(set.Contains(0x3B1));
  EXPECT_EQ(PropertyError::kNone, FindPropertyValue("Age", "3.0", &set));
  EXPECT_EQ(PropertyError::kNameNotFound, FindProperty("Klingon", &set));
  EXPECT_EQ(PropertyError::kValueNotFound, FindPropertyValue("sc", "Klingon", &set));
  set = CharSet({{'k', 'k'}});
  FoldCase(&set);
  EXPECT_EQ(CharSet({{'K', 'K'}, {'k', 'k'}, {0x212A, 0x212A}}), set);
}

}  // namespace
}  // namespace chroma::index
