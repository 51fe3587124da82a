#include "runtime/clock.h"

#include <gtest/gtest.h>

namespace chroma::runtime {
namespace {

TEST(Clock, SleepTakesAtLeastItsTime) {
  Clock& clock = Clock::System();
  const int64_t before = clock.MonotonicNs();
  clock.SleepNs(3 * kMillisecond);
  EXPECT_GE(clock.MonotonicNs() - before, 3 * kMillisecond);
  clock.SleepNs(0);
  clock.SleepNs(-5);
}

TEST(Clock, UnixTimeIsInThisEra) {
  EXPECT_GT(Clock::System().UnixNs(), 1'600'000'000 * kSecond);
}

}  // namespace
}  // namespace chroma::runtime
