#include "runtime/memory_usage.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
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

// The sanitizers' allocators keep what is freed.
#if !defined(CHROMA_ADDRESS_SANITIZER) && !defined(CHROMA_THREAD_SANITIZER)
TEST(MemoryUsage, GivesBackWhatLiesBelowMemoryInUse) {
  constexpr size_t kPieces = 64 << 10;
  std::vector<std::unique_ptr<char[]>> pieces(kPieces);
  for (auto& piece : pieces) {
    piece = std::make_unique<char[]>(1 << 10);
    piece[0] = 'x';
  }
  const uint64_t full = ResidentBytes();
  for (size_t i = 0; i + 1 < kPieces; ++i) pieces[i].reset();
  ReleaseFreedMemory();
  EXPECT_LE(ResidentBytes(), full - (kPieces << 10) / 2);
  EXPECT_EQ(pieces.back()[0], 'x');
}
#endif

TEST(MemoryUsage, TheMachineHasMoreThanThisTest) {
  EXPECT_GT(MachineMemoryBytes(), ResidentBytes());
}

}  // namespace
}  // namespace chroma::runtime
