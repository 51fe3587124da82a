#include "runtime/processor_reserve.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>

#include "runtime/clock.h"
#include "runtime/scheduler.h"

namespace chroma::runtime {
namespace {

int Processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  EXPECT_EQ(::sched_getaffinity(0, sizeof(set), &set), 0);
  return CPU_COUNT(&set);
}

class ProcessorReserveTest : public testing::Test {
 protected:
  ProcessorReserve reserve_;
  const int all_ = Processors();
  const int confined_ = all_ > 1 ? all_ - 1 : 1;
  int64_t now_ns_ = 1000 * kSecond;
};

TEST_F(ProcessorReserveTest, LongWorkLeavesAProcessorToShortRequestsWhileTheyCome) {
  reserve_.BeginLong(now_ns_);
  EXPECT_EQ(Processors(), all_) << "nobody asks";
  reserve_.NoteShort(now_ns_);
  EXPECT_EQ(Processors(), confined_);
  reserve_.EndLong();
  EXPECT_EQ(Processors(), all_);
  reserve_.BeginLong(now_ns_ + kMillisecond);
  EXPECT_EQ(Processors(), confined_);
  reserve_.EndLong();
  reserve_.BeginLong(now_ns_ + kSecond);
  EXPECT_EQ(Processors(), all_) << "nobody has asked for a second";
  reserve_.EndLong();
  EXPECT_EQ(Processors(), all_);
}

TEST_F(ProcessorReserveTest, OtherThreadsAreConfinedAndReleased) {
  std::atomic<bool> confined{false};
  std::atomic<bool> released{false};
  std::atomic<int> begun{0};
  const auto work = Scheduler::System().Start("long", [&] {
    reserve_.BeginLong(now_ns_);
    begun = 1;
    while (!confined.load()) Clock::System().SleepNs(kMillisecond);
    EXPECT_EQ(Processors(), confined_);
    begun = 2;
    while (!released.load()) Clock::System().SleepNs(kMillisecond);
    EXPECT_EQ(Processors(), all_);
    reserve_.EndLong();
  });
  while (begun.load() < 1) Clock::System().SleepNs(kMillisecond);
  reserve_.NoteShort(now_ns_);
  EXPECT_EQ(Processors(), all_) << "who asks is not confined";
  confined = true;
  while (begun.load() < 2) Clock::System().SleepNs(kMillisecond);
  // The next that begins finds that nobody asks any more.
  reserve_.BeginLong(now_ns_ + kSecond);
  reserve_.EndLong();
  released = true;
  work->Join();
}

TEST_F(ProcessorReserveTest, ThreadsThatAConfinedOneStartsAreNot) {
  Scheduler& scheduler = Scheduler::System();
  const int64_t now_ns = Clock::System().MonotonicNs();
  int started = 0;
  {
    const LongWork work(scheduler, now_ns);
    scheduler.NoteShort(now_ns);
    EXPECT_EQ(Processors(), confined_);
    scheduler.Start("started", [&] { started = Processors(); })->Join();
  }
  EXPECT_EQ(started, all_);
  EXPECT_EQ(Processors(), all_);
}

TEST_F(ProcessorReserveTest, AForkedChildHasNoneOfTheThreads) {
  reserve_.NoteShort(now_ns_);
  reserve_.BeginLong(now_ns_);
  ASSERT_EQ(Processors(), confined_);
  const pid_t child = ::fork();
  if (child == 0) {
    // The thread that forked goes on as it was; it is no worker any more, and can become one.
    reserve_.EndLong();
    if (Processors() != confined_) ::_exit(1);
    reserve_.BeginLong(now_ns_);
    reserve_.NoteShort(now_ns_);
    reserve_.EndLong();
    ::_exit(Processors() == confined_ ? 0 : 2);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  reserve_.EndLong();
  EXPECT_EQ(Processors(), all_);
}

TEST_F(ProcessorReserveTest, WhereSomebodyElseHasPutAThreadItStays) {
  cpu_set_t before;
  ASSERT_EQ(::sched_getaffinity(0, sizeof(before), &before), 0);
  reserve_.NoteShort(now_ns_);
  reserve_.BeginLong(now_ns_);
  cpu_set_t one;
  CPU_ZERO(&one);
  int first = 0;
  while (!CPU_ISSET(first, &before)) ++first;
  CPU_SET(first, &one);
  ASSERT_EQ(::sched_setaffinity(0, sizeof(one), &one), 0);
  reserve_.EndLong();
  EXPECT_EQ(Processors(), 1);
  ASSERT_EQ(::sched_setaffinity(0, sizeof(before), &before), 0);
}

}  // namespace
}  // namespace chroma::runtime
