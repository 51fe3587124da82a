#include "base/flipped_bit.h"

#include <gtest/gtest.h>

#include "base/checksum.h"

namespace chroma {
namespace {

TEST(FlippedBitTest, EveryOneComesBack) {
  const Bytes whole = "some bytes that were whole once";
  const uint64_t checksum = Checksum(whole);
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    Bytes bytes = whole;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
    ASSERT_TRUE(FlipBack(bytes, checksum));
    ASSERT_EQ(bytes, whole);
  }
}

TEST(FlippedBitTest, TwoDoNot) {
  const Bytes whole(100, 'x');
  Bytes bytes = whole;
  bytes[3] ^= 1;
  bytes[70] ^= 4;
  const Bytes damaged = bytes;
  EXPECT_FALSE(FlipBack(bytes, Checksum(whole)));
  EXPECT_EQ(bytes, damaged);
}

TEST(FlippedBitTest, LongBytesAreNotTried) {
  Bytes bytes(kFlippedBitBytesMax + 1, '\0');
  EXPECT_FALSE(FlipBack(bytes, [](BytesView) { return true; }));
}

}  // namespace
}  // namespace chroma
