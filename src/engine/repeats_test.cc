#include "engine/repeats.h"

#include <gtest/gtest.h>

namespace chroma::engine {
namespace {

TEST(Repeats, KeepsTheLatestOnly) {
  constexpr uint64_t kMany = 100'000;
  Repeats repeats;
  EXPECT_FALSE(repeats.Contains(1));
  for (uint64_t id = 1; id <= kMany; ++id) {
    repeats.Add(id);
    repeats.Add(id);
    EXPECT_TRUE(repeats.Contains(id));
  }
  EXPECT_TRUE(repeats.Contains(kMany - 65'535));
  EXPECT_FALSE(repeats.Contains(kMany - 65'536));
}

}  // namespace
}  // namespace chroma::engine
