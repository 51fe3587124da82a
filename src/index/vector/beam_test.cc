#include "index/vector/beam.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace chroma::index {
namespace {

TEST(Beam, TakesTheNearestThatIsLeft) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    const size_t capacity = 1 + random() % 40;
    Beam beam;
    beam.Reset(capacity);
    std::map<float, uint32_t> kept;  // all distances differ
    std::set<uint32_t> taken;
    for (uint32_t row = 0; row < 300; ++row) {
      const float distance = static_cast<float>(random()) + static_cast<float>(row) * 1e-3F;
      beam.Push(distance, row);
      kept.emplace(distance, row);
      if (kept.size() > capacity) kept.erase(std::prev(kept.end()));
      if (kept.size() == capacity) {
        ASSERT_EQ(beam.bound(), kept.rbegin()->first);
      }
      if (random() % 3 != 0) continue;
      uint32_t expected = kNoRow;
      float expected_distance = -1;
      for (const auto& [d, r] : kept) {
        if (taken.count(r) == 0) {
          expected = r;
          expected_distance = d;
          break;
        }
      }
      ASSERT_EQ(beam.Peek(), expected);
      uint32_t got = kNoRow;
      float got_distance = -1;
      ASSERT_EQ(beam.Take(&got, &got_distance), expected != kNoRow);
      ASSERT_EQ(got_distance, expected_distance);
      if (expected != kNoRow) {
        ASSERT_EQ(got, expected);
        taken.insert(got);
      }
    }
  }
}

TEST(KnownRows, KnowsRowsAndVisits) {
  std::mt19937 random(2);
  KnownRows known;
  for (int round = 0; round < 20; ++round) {
    known.Reset(16);
    std::set<uint32_t> expected;
    std::set<uint32_t> visited;
    for (int i = 0; i < 3000; ++i) {
      const uint32_t row = random() % 2000;
      ASSERT_EQ(known.Contains(row), expected.count(row) != 0);
      if (random() % 2 == 0) {
        ASSERT_EQ(known.Insert(row), expected.insert(row).second);
      } else {
        ASSERT_EQ(known.Visit(row), visited.insert(row).second);
        expected.insert(row);
      }
    }
  }
}

TEST(Beam, KeepsMoreOnceItIsWidened) {
  Beam beam;
  beam.Reset(2);
  for (uint32_t row = 0; row < 5; ++row) beam.Push(static_cast<float>(row), row);
  EXPECT_EQ(beam.bound(), 1);
  beam.Widen(4);
  EXPECT_EQ(beam.bound(), std::numeric_limits<float>::infinity());
  beam.Widen(3);  // it is wider
  for (uint32_t row = 5; row < 9; ++row) beam.Push(static_cast<float>(row), row);
  EXPECT_EQ(beam.bound(), 6);
  std::vector<uint32_t> taken;
  float distance = 0;
  for (uint32_t row; beam.Take(&row, &distance);) taken.push_back(row);
  EXPECT_EQ(taken, (std::vector<uint32_t>{0, 1, 5, 6}));
}

}  // namespace
}  // namespace chroma::index
