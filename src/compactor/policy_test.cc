#include "compactor/policy.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "testing/seeded_random.h"

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
    EXPECT_EQ(PickMerge(policy, activity, Sizes({100})), Indices{});
  }
}

TEST(PickMerge, BusyMergesAFullTierWithTheSmallerOnes) {
  const Policy policy;
  EXPECT_EQ(PickMerge(policy, Activity::kBusy, Sizes({100, 3, 3, 3})), Indices{});
  EXPECT_EQ(PickMerge(policy, Activity::kBusy, Sizes({100, 3, 3, 3, 3})), (Indices{1, 2, 3, 4}));
  EXPECT_EQ(PickMerge(policy, Activity::kBusy, Sizes({100, 10, 2, 12, 9, 11})),
            (Indices{1, 2, 3, 4, 5}));
}

TEST(PickMerge, RewritesWhatIsMostlyDeadEvenWhenBusy) {
  const Policy policy;
  std::vector<SegmentSize> sizes = Sizes({100, 10});
  sizes[0].dead = sizes[0].rows / 2;
  EXPECT_EQ(PickMerge(policy, Activity::kBusy, sizes), Indices{0});
}

TEST(PickMerge, IdleMergesAllOnlyWhenWorthIt) {
  const Policy policy;
  EXPECT_EQ(PickMerge(policy, Activity::kIdle, Sizes({1000, 1})), Indices{});
  EXPECT_EQ(PickMerge(policy, Activity::kIdle, Sizes({1000, 200})), (Indices{0, 1}));
  EXPECT_EQ(PickMerge(policy, Activity::kIdle, Sizes({1000}), {200 * kMb, 200'000, 0}), Indices{0});
}

TEST(PickMerge, SettledLeavesOneSegment) {
  const Policy policy;
  EXPECT_EQ(PickMerge(policy, Activity::kSettled, Sizes({1000, 1})), (Indices{0, 1}));
  std::vector<SegmentSize> one = Sizes({1000});
  one[0].dead = 1;
  EXPECT_EQ(PickMerge(policy, Activity::kSettled, one), Indices{0});
}

// Every flush adds a segment; the sum of all bytes ever merged stays logarithmic.
TEST(PickMerge, WriteAmplificationIsLogarithmic) {
  const Policy policy;
  std::vector<SegmentSize> segments;
  uint64_t written = 0, added = 0;
  for (int flush = 0; flush < 1000; ++flush) {
    SegmentSize fresh{8 * kMb, 8000, 0};
    added += fresh.size_bytes;
    const Indices picked = PickMerge(policy, Activity::kBusy, segments, fresh);
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

// ---- the cap

Policy CappedAt(uint64_t mb) {
  Policy policy;
  policy.segment_bytes_max = mb * kMb;
  return policy;
}

TEST(PickMerge, NothingLargerThanTheCapIsMade) {
  const Policy policy = CappedAt(100);
  for (Activity activity : {Activity::kIdle, Activity::kSettled}) {
    EXPECT_EQ(PickMerge(policy, activity, Sizes({80, 40, 50})), (Indices{1, 2}));
    EXPECT_EQ(PickMerge(policy, activity, Sizes({80, 40, 50}), {20 * kMb, 1, 0}), (Indices{1}));
    EXPECT_EQ(PickMerge(policy, activity, Sizes({60, 70, 51})), Indices{});
    EXPECT_EQ(PickMerge(policy, activity, Sizes({60, 70, 51}), {60 * kMb, 1, 0}), Indices{});
  }
  Policy rows;
  rows.segment_rows_max = 100'000;
  EXPECT_EQ(PickMerge(rows, Activity::kSettled, Sizes({80, 40, 50})), (Indices{1, 2}));
  EXPECT_EQ(PickMerge(rows, Activity::kSettled, Sizes({60, 70, 51})), Indices{});
  EXPECT_EQ(PickMerge(rows, Activity::kSettled, Sizes({60}), {1, 60'000, 0}), Indices{});
}

TEST(PickMerge, WhatIsFullIsLeftWhileBusy) {
  const Policy policy = CappedAt(100);
  EXPECT_EQ(PickMerge(policy, Activity::kBusy, Sizes({60, 60, 60, 60, 60, 1, 1})), Indices{});
  EXPECT_EQ(PickMerge(policy, Activity::kBusy, Sizes({60, 60, 60, 60, 1, 1, 1, 1})),
            (Indices{4, 5, 6, 7}));
  EXPECT_EQ(PickMerge(policy, Activity::kBusy, Sizes({40, 40, 40, 40})), (Indices{0, 1}));
}

TEST(PickMerge, DeadRowsOfFullSegmentsGo) {
  const Policy policy = CappedAt(100);
  std::vector<SegmentSize> sizes = Sizes({90, 95, 300});
  sizes[1].dead = 1;
  EXPECT_EQ(PickMerge(policy, Activity::kSettled, sizes), Indices{1});
  EXPECT_EQ(PickMerge(policy, Activity::kSettled, sizes, {6 * kMb, 1, 0}), Indices{0});
  EXPECT_EQ(PickMerge(policy, Activity::kSettled, sizes, {11 * kMb, 1, 0}), Indices{});
  sizes[1].dead = 0;
  sizes[2].dead = sizes[2].rows / 2;  // 150 MiB are left: more than fits, less than it was
  for (Activity activity : {Activity::kBusy, Activity::kIdle, Activity::kSettled}) {
    EXPECT_EQ(PickMerge(policy, activity, sizes), Indices{2});
    EXPECT_EQ(PickMerge(policy, activity, sizes, {11 * kMb, 1, 0}), Indices{2});
  }
  sizes[2].dead = sizes[2].rows - 1;
  EXPECT_EQ(PickMerge(policy, Activity::kSettled, sizes), (Indices{0, 2}));
}

// What the compactor does with what is picked, if nothing shrinks but by dead rows.
uint64_t Apply(const Indices& picked, SegmentSize tail, std::vector<SegmentSize>* segments) {
  SegmentSize merged = tail;
  std::vector<SegmentSize> kept;
  for (size_t i = 0; i < segments->size(); ++i) {
    const SegmentSize& s = (*segments)[i];
    if (std::find(picked.begin(), picked.end(), i) == picked.end()) {
      kept.push_back(s);
      continue;
    }
    merged.rows += s.rows - s.dead;
    merged.size_bytes += s.rows == 0 ? 0 : s.size_bytes * (s.rows - s.dead) / s.rows;
  }
  if (merged.rows > 0) kept.push_back(merged);
  *segments = std::move(kept);
  return merged.size_bytes;
}

TEST(PickMerge, SettlingEnds) {
  for (uint64_t seed = 0; seed < 500; ++seed) {
    testing::SeededRandom random(seed);
    SCOPED_TRACE("seed " + std::to_string(seed));
    Policy policy = CappedAt(random.Between(1, 200));
    if (random.Chance(1, 2)) policy.segment_rows_max = random.Between(1, 100'000);
    std::vector<SegmentSize> segments;
    for (uint64_t i = random.Below(20); i > 0; --i) {
      SegmentSize s{random.Between(1, 150) * kMb, random.Between(1, 50'000), 0};
      if (random.Chance(1, 3)) s.dead = random.Below(s.rows + 1);
      segments.push_back(s);
    }
    SegmentSize tail{random.Below(50) * kMb, random.Below(1000), 0};
    const size_t rounds_max = 2 * segments.size() + 2;
    for (size_t round = 0;; ++round) {
      ASSERT_LT(round, rounds_max);
      const Indices picked = PickMerge(policy, Activity::kSettled, segments, tail);
      if (picked.empty() && tail.rows == 0) break;
      const uint64_t made = Apply(picked, tail, &segments);
      if (picked.size() > 1) {
        EXPECT_LE(made, policy.segment_bytes_max);
      }
      tail = {};
    }
    for (const SegmentSize& a : segments) {
      EXPECT_EQ(a.dead, 0u);
      for (const SegmentSize& b : segments) {
        if (&a == &b) continue;
        EXPECT_TRUE(a.size_bytes + b.size_bytes > policy.segment_bytes_max ||
                    a.rows + b.rows > policy.segment_rows_max);
      }
    }
  }
}

// Nor does a collection of any size make merges dearer.
TEST(PickMerge, WriteAmplificationIsBoundedByTheCap) {
  const Policy policy = CappedAt(256);
  std::vector<SegmentSize> segments;
  uint64_t written = 0, added = 0;
  for (int flush = 0; flush < 4000; ++flush) {
    const SegmentSize fresh{8 * kMb, 8000, 0};
    added += fresh.size_bytes;
    written += Apply(PickMerge(policy, Activity::kBusy, segments, fresh), fresh, &segments);
  }
  EXPECT_LT(static_cast<double>(written) / static_cast<double>(added), 4.0);
  EXPECT_LT(segments.size(), 4000u * 8 / 128 + 24);
}

TEST(IsSettled, SaysWhetherAnythingIsLeftToBeMerged) {
  const Policy policy = CappedAt(100);
  format::Manifest manifest;
  EXPECT_TRUE(IsSettled(policy, manifest));
  manifest.segments.push_back({.blob = "a", .rows = 10, .size_bytes = 60 * kMb, .deleted = {}});
  manifest.segments.push_back({.blob = "b", .rows = 10, .size_bytes = 60 * kMb, .deleted = {}});
  EXPECT_TRUE(IsSettled(policy, manifest));
  EXPECT_FALSE(IsSettled(Policy(), manifest));
  manifest.segments[1].deleted.Add(3);
  EXPECT_FALSE(IsSettled(policy, manifest));
  manifest.segments[1].deleted = Bitmap();
  manifest.carried = "updates";
  EXPECT_FALSE(IsSettled(policy, manifest));
}

}  // namespace
}  // namespace chroma::compactor
