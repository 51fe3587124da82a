#include "http/body_buffer.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace chroma::http {
namespace {

TEST(BodyBufferTest, TakesMemoryAsBytesCome) {
  runtime::MemoryBudget budget(1 << 30);
  BodyBuffer body(budget);
  constexpr uint64_t kSize = 40 << 20;
  uint64_t filled = 0;
  while (filled < kSize) {
    const std::span<char> room = body.Room(kSize);
    ASSERT_FALSE(room.empty());
    EXPECT_LE(budget.taken_bytes(), std::max<uint64_t>(1 << 20, filled * 8));
    const size_t n = std::min<size_t>(room.size(), 100'000);
    std::fill_n(room.data(), n, static_cast<char>('a' + filled % 7));
    body.Commit(n);
    filled += n;
  }
  EXPECT_TRUE(body.Room(kSize).empty());
  const std::string bytes = body.Take();
  EXPECT_EQ(bytes.size(), kSize);
  EXPECT_EQ(bytes.find('\0'), std::string::npos);
  EXPECT_EQ(budget.taken_bytes(), kSize);
  body.GiveBack();
  EXPECT_EQ(budget.taken_bytes(), 0u);
}

TEST(BodyBufferTest, SmallBodiesTakeWhatTheyNeed) {
  runtime::MemoryBudget budget(100);
  {
    BodyBuffer body(budget);
    EXPECT_EQ(body.Room(100).size(), 100u);
    BodyBuffer other(budget);
    EXPECT_TRUE(other.Room(1).empty());
  }
  EXPECT_EQ(budget.taken_bytes(), 0u);
}

TEST(BodyBufferTest, AppendsUntilTheBudgetEnds) {
  runtime::MemoryBudget budget(1 << 20);
  BodyBuffer body(budget);
  const std::string piece(10'000, 'x');
  int appended = 0;
  while (appended < 1000 && body.Append(piece)) ++appended;
  EXPECT_GT(appended, 40);
  EXPECT_LT(appended, 105);
  EXPECT_EQ(body.Take().size(), piece.size() * static_cast<size_t>(appended));
}

}  // namespace
}  // namespace chroma::http
