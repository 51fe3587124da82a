#include "runtime/memory_usage.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace chroma::runtime {
namespace {

TEST(MemoryUsage, SeesWhatIsTouched) {
  constexpr size_t kBytes = 64 << 20;
  const uint64_t before = ResidentBytes();
  ASSERT_GT(before, 0U);
  std::vector<char> memory(kBytes, 'x');
  EXPECT_GE(ResidentBytes(), before + kBytes / 2);
  EXPECT_EQ(memory[kBytes / 3], 'x');
}

TEST(MemoryUsage, TheMachineHasMoreThanThisTest) {
  EXPECT_GT(MachineMemoryBytes(), ResidentBytes());
}

}  // namespace
}  // namespace chroma::runtime
