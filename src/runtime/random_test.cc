#include "runtime/random.h"

#include <gtest/gtest.h>

#include <set>

namespace chroma::runtime {
namespace {

TEST(Random, DoesNotRepeatAndUsesEveryBit) {
  std::set<uint64_t> seen;
  uint64_t set_bits = 0;
  uint64_t clear_bits = 0;
  for (int i = 0; i < 1000; ++i) {
    const uint64_t bits = Random::System().Next();
    EXPECT_TRUE(seen.insert(bits).second);
    set_bits |= bits;
    clear_bits |= ~bits;
  }
  EXPECT_EQ(set_bits, UINT64_MAX);
  EXPECT_EQ(clear_bits, UINT64_MAX);
}

}  // namespace
}  // namespace chroma::runtime
