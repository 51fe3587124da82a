#include "runtime/context.h"

#include <gtest/gtest.h>

namespace chroma::runtime {
namespace {

class FixedClock final : public Clock {
 public:
  int64_t MonotonicNs() override { return now_ns; }
  int64_t UnixNs() override { return now_ns; }
  void SleepNs(int64_t duration_ns) override { now_ns += duration_ns; }
  int64_t now_ns = 0;
};

TEST(Context, ChecksDeadlineAndCancellation) {
  FixedClock clock;
  Context context(clock, 100);
  EXPECT_TRUE(context.Check().ok());
  clock.now_ns = 99;
  EXPECT_TRUE(context.Check().ok());
  clock.now_ns = 100;
  EXPECT_EQ(context.Check().code(), StatusCode::kDeadlineExceeded);
  context.Cancel();
  EXPECT_EQ(context.Check().code(), StatusCode::kCancelled);
}

TEST(Context, IsCancelledWhileItsFlagIsSet) {
  std::atomic<bool> flag = true;
  Context context;
  EXPECT_TRUE(context.Check().ok());
  context.CancelWhen(&flag);
  EXPECT_EQ(context.Check().code(), StatusCode::kCancelled);
  flag = false;
  EXPECT_TRUE(context.Check().ok());
}

TEST(Context, WithoutDeadlineNeverExpires) {
  FixedClock clock;
  clock.now_ns = INT64_MAX;
  EXPECT_TRUE(Context(clock).Check().ok());
}

TEST(ContextTest, AnswersShareABudget) {
  MemoryBudget budget(100);
  Context unlimited;
  EXPECT_TRUE(unlimited.ReserveAnswer(uint64_t{1} << 40).ok());
  {
    Context first(Clock::System(), Context::kNoDeadline, &budget);
    Context second(Clock::System(), Context::kNoDeadline, &budget);
    EXPECT_TRUE(first.ReserveAnswer(60).ok());
    EXPECT_EQ(second.ReserveAnswer(50).code(), StatusCode::kUnavailable);
    EXPECT_TRUE(second.ReserveAnswer(40).ok());
    EXPECT_EQ(first.ReserveAnswer(1).code(), StatusCode::kUnavailable);
    EXPECT_EQ(budget.taken_bytes(), 100u);
  }
  EXPECT_EQ(budget.taken_bytes(), 0u);
  // Alone it may be larger than the budget, also in steps.
  Context large(Clock::System(), Context::kNoDeadline, &budget);
  EXPECT_TRUE(large.ReserveAnswer(1000).ok());
  EXPECT_TRUE(large.ReserveAnswer(1000).ok());
  Context late(Clock::System(), Context::kNoDeadline, &budget);
  EXPECT_EQ(late.ReserveAnswer(1).code(), StatusCode::kUnavailable);
}

TEST(Context, AtOnceMayNotWait) {
  Context context;
  EXPECT_TRUE(context.CheckMayWait().ok());
  {
    const Context::AtOnce at_once(context);
    EXPECT_TRUE(context.at_once());
    EXPECT_EQ(context.CheckMayWait().code(), StatusCode::kUnavailable);
    EXPECT_TRUE(context.Check().ok());
  }
  EXPECT_FALSE(context.at_once());
  EXPECT_TRUE(context.CheckMayWait().ok());
}

TEST(Context, SomeMayWaitForLong) {
  Slots slots(2);
  Context unlimited;
  Context limited(Clock::System(), Context::kNoDeadline, nullptr, &slots);
  for (int round = 0; round < 2; ++round) {
    const Context::LongWait first(limited);
    const Context::LongWait second(limited);
    const Context::LongWait third(limited);
    EXPECT_TRUE(first.granted());
    EXPECT_TRUE(second.granted());
    EXPECT_FALSE(third.granted());
    EXPECT_TRUE(Context::LongWait(unlimited).granted());
  }
}

}  // namespace
}  // namespace chroma::runtime
