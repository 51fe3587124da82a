#include "runtime/scheduler.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>

#include <atomic>

#include "runtime/clock.h"

namespace chroma::runtime {
namespace {

TEST(Scheduler, RunsAndJoins) {
  std::atomic<int> ran{0};
  auto task = Scheduler::System().Start("one", [&] {
    Clock::System().SleepNs(kMillisecond);
    ran = 1;
  });
  task->Join();
  EXPECT_EQ(ran, 1);
  task->Join();
  {
    auto other = Scheduler::System().Start("two", [&] {
      Clock::System().SleepNs(kMillisecond);
      ran = 2;
    });
  }
  EXPECT_EQ(ran, 2);
  EXPECT_GE(Scheduler::System().Parallelism(), 1);
}

TEST(Scheduler, NamesTheThreadAndBlocksItsSignals) {
  std::string name;
  bool blocked = false;
  Scheduler::System()
      .Start("a-name-longer-than-fifteen",
             [&] {
               char buffer[16];
               pthread_getname_np(pthread_self(), buffer, sizeof(buffer));
               name = buffer;
               sigset_t mask;
               pthread_sigmask(SIG_SETMASK, nullptr, &mask);
               blocked = sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGINT) == 1;
             })
      ->Join();
  EXPECT_EQ(name, "a-name-longer-t");
  EXPECT_TRUE(blocked);
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  EXPECT_EQ(sigismember(&mask, SIGTERM), 0);  // the starter's mask is as before
}

}  // namespace
}  // namespace chroma::runtime
