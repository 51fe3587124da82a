#include "segment/index_policy.h"

#include "segment/test_support.h"

namespace chroma::segment {
namespace {

TEST(IndexPolicyTest, WhileItIsWrittenToSearchesDecide) {
  RowGenerator generator(1);
  runtime::Context ctx;
  auto segment = SegmentReader::Open(
      ctx, std::make_shared<MemoryBlob>("test", WriteSegment(generator.Rows(100, 2), 2)));
  ASSERT_TRUE(segment.ok());
  SnapshotPart part{*segment, std::make_shared<const Bitmap>()};
  IndexPolicy policy;
  policy.rows_min = 50;
  policy.busy_rows_min = 1000;
  policy.searched_rows_min = 60;
  policy.comparisons_max = 10;
  EXPECT_TRUE(NeedsIndex(policy, part, /*busy=*/false));
  EXPECT_FALSE(NeedsIndex(policy, part, /*busy=*/true));
  EXPECT_FALSE(NeedsIndex(policy, part, /*busy=*/true, 999));
  EXPECT_TRUE(NeedsIndex(policy, part, /*busy=*/true, 1000));
  // Of rows that an index does not hold yet.
  auto indexes = std::make_shared<PartIndexes>();
  indexes->unindexed = Bitmap::Range(0, 70);
  part.indexes = indexes;
  EXPECT_FALSE(NeedsIndex(policy, part, /*busy=*/true, 699));
  EXPECT_TRUE(NeedsIndex(policy, part, /*busy=*/true, 700));
  policy.searched_rows_min = 71;
  EXPECT_FALSE(NeedsIndex(policy, part, /*busy=*/true, 1'000'000));
  policy.busy_rows_min = 70;
  EXPECT_TRUE(NeedsIndex(policy, part, /*busy=*/true));
}

}  // namespace
}  // namespace chroma::segment
