#include "base/top_k.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace chroma {
namespace {

TEST(TopK, EqualsSortingForEveryCutOfTheStream) {
  const unsigned seed = 3;
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 200; ++round) {
    const size_t n = random() % 100;
    const size_t k = random() % 30;
    std::vector<Neighbor> all;
    for (size_t i = 0; i < n; ++i) {
      // Few distinct distances, so that ties occur.
      all.push_back({static_cast<float>(random() % 10), i, 0, static_cast<uint32_t>(i)});
    }
    std::shuffle(all.begin(), all.end(), random);
    TopK top(k);
    for (const Neighbor& neighbor : all) {
      const float bound = top.bound();
      const bool full = top.Full();
      top.Push(neighbor);
      EXPECT_TRUE(full || bound == std::numeric_limits<float>::infinity() || k == 0);
    }
    std::sort(all.begin(), all.end());
    all.resize(std::min(n, k));
    const auto got = top.Take();
    ASSERT_EQ(got.size(), all.size());
    for (size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i].order, all[i].order);
  }
}

TEST(TopK, NothingEntersAnEmptyOne) {
  TopK top(0);
  EXPECT_TRUE(top.Full());
  EXPECT_EQ(top.bound(), -std::numeric_limits<float>::infinity());
  top.Push({1, 0, 0, 0});
  EXPECT_TRUE(top.Take().empty());
}

}  // namespace
}  // namespace chroma
