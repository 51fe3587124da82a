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

TEST(Context, WithoutDeadlineNeverExpires) {
  FixedClock clock;
  clock.now_ns = INT64_MAX;
  EXPECT_TRUE(Context(clock).Check().ok());
}

}  // namespace
}  // namespace chroma::runtime
