#include "runtime/fork.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <memory>

#include "runtime/clock.h"
#include "runtime/scheduler.h"

namespace chroma::runtime {
namespace {

// The exit code of `body` in a forked child.
template <typename Body>
int InChild(Body body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool IsOpen(int fd) {
  return fcntl(fd, F_GETFD) != -1;
}

TEST(Fork, MarkedDescriptorsAreClosedInTheChildOnly) {
  int marked[2];
  int kept[2];
  {
    const NoFork no_fork;
    ASSERT_EQ(pipe(marked), 0);
    CloseInChild(marked[0]);
    CloseInChild(marked[1]);
  }
  ASSERT_EQ(pipe(kept), 0);
  EXPECT_EQ(
      InChild([&] { return !IsOpen(marked[0]) && !IsOpen(marked[1]) && IsOpen(kept[0]) ? 0 : 1; }),
      0);
  EXPECT_TRUE(IsOpen(marked[0]));
  {
    const NoFork no_fork;
    ForgetDescriptor(marked[0]);
    close(marked[0]);
    ForgetDescriptor(marked[1]);
  }
  EXPECT_EQ(InChild([&] { return IsOpen(marked[1]) ? 0 : 1; }), 0);
  for (int fd : {marked[1], kept[0], kept[1]}) close(fd);
}

TEST(Fork, CallbacksRunInTheChildUntilCancelled) {
  int runs = 0;
  const uint64_t registration = OnForkedChild([&] { ++runs; });
  EXPECT_EQ(InChild([&] { return runs; }), 1);
  EXPECT_EQ(runs, 0);
  CancelOnForkedChild(registration);
  EXPECT_EQ(InChild([&] { return runs; }), 0);
}

TEST(Fork, ACallbackMayUseNoForkAndSoMayGrandchildren) {
  const uint64_t registration = OnForkedChild([] { const NoFork no_fork; });
  EXPECT_EQ(InChild([&] {
              const NoFork outer;
              const NoFork inner;
              return 0;
            }),
            0);
  EXPECT_EQ(InChild([&] { return InChild([] { return 7; }); }), 7);
  CancelOnForkedChild(registration);
}

TEST(Fork, WaitsForTheSectionsOfOtherThreads) {
  // Two values that are equal outside of sections, in the child too.
  std::atomic<bool> stop{false};
  std::atomic<int> one{0};
  std::atomic<int> two{0};
  auto task = Scheduler::System().Start("changer", [&] {
    while (!stop.load()) {
      const NoFork no_fork;
      ++one;
      Clock::System().SleepNs(200 * kMicrosecond);
      ++two;
    }
  });
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(InChild([&] { return one.load() == two.load() ? 0 : 1; }), 0);
  }
  stop = true;
  task->Join();
}

}  // namespace
}  // namespace chroma::runtime
