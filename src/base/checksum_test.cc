#include "base/checksum.h"

#include <gtest/gtest.h>

namespace chroma {
namespace {

// Values at rest: these may never change.
TEST(Checksum, IsXxh3) {
  EXPECT_EQ(Checksum(""), 0x2d06800538d394c2u);
  EXPECT_EQ(Checksum("a"), 0xe6c632b61e964e1fu);
  EXPECT_EQ(Checksum("abc"), 0x78af5f94892f3950u);
  EXPECT_EQ(Hash64("abc"), Checksum("abc"));
}

TEST(Checksum, SeesEveryBit) {
  Bytes bytes(300, 'x');
  const uint64_t before = Checksum(bytes);
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] ^= 1;
    EXPECT_NE(Checksum(bytes), before) << i;
    bytes[i] ^= 1;
  }
}

}  // namespace
}  // namespace chroma
