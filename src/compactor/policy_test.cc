#include "compactor/policy.h"

#include <gtest/gtest.h>

#include <numeric>

namespace chroma::compactor {
namespace {

constexpr uint64_t kMb = 1 << 20;

std::vector<SegmentSize> Sizes(std::vector<uint64_t> mb) {
  std::vector<SegmentSize> sizes;
  for (uint64_t m : mb) sizes.push_back({m * kMb, m * 1000, 0});
  return sizes;
}

using Indices = std::vector<size_t>;

TEST(PickMerge, NothingToDoForOneCleanSegment) {
  const Policy policy;
  for (Activity activity : {Activity::kBusy, Activity::kIdle, Activity::kSettled}) {
    EXPECT_EQ(PickMerge(policy, activity, Sizes({100}), 0), Indices{});
  }
}

TEST(PickMerge, BusyMergesAFullTierWithTheSmallerOnes) {
  const Policy policy;
  EXPECT_EQ(PickMerge(policy, Activity::kBusy, Sizes({100, 3, 3, 3}), 0), Indices{});
  EXPECT_EQ(PickMerge(policy, Activity::kBusy, Sizes({100, 3, 3, 3, 3}), 0), (Indices{1, 2, 3, 4}));
  EXPECT_EQ(PickMerge(policy, Activity::kBusy, Sizes({100, 10, 2, 12, 9, 11}), 0),
            (Indices{1, 2, 3, 4, 5}));
}

TEST(PickMerge, RewritesWhatIsMostlyDeadEvenWhenBusy) {
  const Policy policy;
  std::vector<SegmentSize> sizes = Sizes({100, 10});
  sizes[0].dead = sizes[0].rows / 2;
  EXPECT_EQ(PickMerge(policy, Activity::kBusy, sizes, 0), Indices{0});
}

TEST(PickMerge, IdleMergesAllOnlyWhenWorthIt) {
  const Policy policy;
  EXPECT_EQ(PickMerge(policy, Activity::kIdle, Sizes({1000, 1}), 0), Indices{});
  EXPECT_EQ(PickMerge(policy, Activity::kIdle, Sizes({1000, 200}), 0), (Indices{0, 1}));
  EXPECT_EQ(PickMerge(policy, Activity::kIdle, Sizes({1000}), 200 * kMb), Indices{0});
}

TEST(PickMerge, SettledLeavesOneSegment) {
  const Policy policy;
  EXPECT_EQ(PickMerge(policy, Activity::kSettled, Sizes({1000, 1}), 0), (Indices{0, 1}));
  std::vector<SegmentSize> one = Sizes({1000});
  one[0].dead = 1;
  EXPECT_EQ(PickMerge(policy, Activity::kSettled, one, 0), Indices{0});
}

// Every flush adds a segment; the sum of all bytes ever merged stays logarithmic.
TEST(PickMerge, WriteAmplificationIsLogarithmic) {
  const Policy policy;
  std::vector<SegmentSize> segments;
  uint64_t written = 0, added = 0;
  for (int flush = 0; flush < 1000; ++flush) {
    SegmentSize fresh{8 * kMb, 8000, 0};
    added += fresh.size_bytes;
    const Indices picked = PickMerge(policy, Activity::kBusy, segments, fresh.size_bytes);
    std::vector<SegmentSize> kept;
    for (size_t i = 0, p = 0; i < segments.size(); ++i) {
      if (p < picked.size() && picked[p] == i) {
        fresh.size_bytes += segments[i].size_bytes;
        fresh.rows += segments[i].rows;
        ++p;
      } else {
        kept.push_back(segments[i]);
      }
    }
    written += fresh.size_bytes;
    kept.push_back(fresh);
    segments = kept;
    ASSERT_LE(segments.size(), 24u);
  }
  EXPECT_LT(static_cast<double>(written) / static_cast<double>(added), 8.0);
}

}  // namespace
}  // namespace chroma::compactor
