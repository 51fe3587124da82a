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

TEST(RecentTextBlocksTest, HoldsAThousandAtMost) {
  RecentTextBlocks recent;
  for (uint64_t number = 0; number < 5000; ++number) recent.Keep(number, BlockOf(100));
  size_t kept = 0;
  for (uint64_t number = 0; number < 5000; ++number) kept += recent.Find(number) ? 1 : 0;
  EXPECT_EQ(kept, 1024U);
  EXPECT_NE(recent.Find(4999), nullptr) << "the last ones stay";
  EXPECT_EQ(recent.Find(0), nullptr);
}

TEST(RecentTextBlocksTest, LargeOnesAreNotKept) {
  RecentTextBlocks recent;
  recent.Keep(0, BlockOf(100'000));
  EXPECT_EQ(recent.Find(0), nullptr);
}

}  // namespace
}  // namespace chroma::format
