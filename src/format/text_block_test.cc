#include "format/text_block.h"

#include <gtest/gtest.h>

#include <string>

namespace chroma::format {
namespace {

std::shared_ptr<const TextBlock> BlockOf(size_t bytes) {
  auto block = std::make_shared<TextBlock>();
  block->raw = std::string(bytes, 'x');
  return block;
}

TEST(RecentTextBlocksTest, KeepsUntilCleared) {
  RecentTextBlocks recent;
  EXPECT_EQ(recent.Find(0), nullptr);
  const auto first = BlockOf(4096);
  const auto second = BlockOf(4097);
  recent.Keep(0, first);
  recent.Keep(1, second);
  EXPECT_EQ(recent.Find(0), first);
  EXPECT_EQ(recent.Find(1), second);
  EXPECT_EQ(recent.Find(2), nullptr);
  recent.Clear();
  EXPECT_EQ(recent.Find(0), nullptr);
  EXPECT_EQ(first.use_count(), 1);
  recent.Clear();
}

size_t Count(const RecentTextBlocks& recent) {
  size_t kept = 0;
  for (uint64_t number = 0; number < 10'000; ++number) kept += recent.Find(number) ? 1 : 0;
  return kept;
}

TEST(RecentTextBlocksTest, HoldsFourThousandAtMost) {
  RecentTextBlocks recent;
  for (uint64_t number = 0; number < 10'000; ++number) recent.Keep(number, BlockOf(100));
  EXPECT_EQ(Count(recent), 4096U);
  EXPECT_NE(recent.Find(9999), nullptr) << "the last ones stay";
  EXPECT_EQ(recent.Find(0), nullptr);
}

TEST(RecentTextBlocksTest, HoldsSixteenMegabytesAtMost) {
  RecentTextBlocks recent;
  for (int round = 0; round < 2; ++round) {
    for (uint64_t number = 0; number < 4096; ++number) recent.Keep(number, BlockOf(16'000));
    const size_t full = Count(recent);
    EXPECT_LE(full * 16'000, size_t{16} << 20);
    EXPECT_GT(full * 16'500, size_t{16} << 20);
    // Of slots that are full, and of those that made room.
    for (const uint64_t number : {4096, 5000, 6000, 7000, 8000}) {
      recent.Keep(number, BlockOf(16'000));
      EXPECT_NE(recent.Find(number), nullptr) << number << " in place of another one";
      EXPECT_EQ(Count(recent), full);
    }
    recent.Keep(9000, BlockOf(1));
    EXPECT_NE(recent.Find(9000), nullptr);
    EXPECT_GE(Count(recent), full);
    recent.Clear();
    EXPECT_EQ(Count(recent), 0U);
  }
}

// Texts of few records lie far apart: their places are most of a block.
TEST(RecentTextBlocksTest, ThoseOfManyRowsAreKept) {
  RecentTextBlocks recent;
  for (uint64_t number = 0; number < 1000; ++number) {
    auto block = std::make_shared<TextBlock>();
    block->raw = std::string(4100, 'x');
    block->places.resize(4000);
    recent.Keep(number, block);
    ASSERT_EQ(recent.Find(number), block);
  }
  const size_t most = (size_t{16} << 20) / (4000 * sizeof(TextBlock::Place));
  EXPECT_LE(Count(recent), most);
  EXPECT_GT(Count(recent), most * 9 / 10);
}

TEST(RecentTextBlocksTest, LargeOnesAreNotKept) {
  RecentTextBlocks recent;
  recent.Keep(0, BlockOf(100'000));
  EXPECT_EQ(recent.Find(0), nullptr);
}

}  // namespace
}  // namespace chroma::format
