#include "runtime/mutex.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "runtime/scheduler.h"

#if defined(__clang__)
// The tests break on purpose the order that the analysis asks for.
#pragma clang diagnostic ignored "-Wthread-safety-analysis"
#endif

namespace chroma::runtime {
namespace {

TEST(Mutex, Excludes) {
  Mutex mutex;
  int count = 0;
  {
    std::vector<std::unique_ptr<Task>> tasks;
    for (int t = 0; t < 4; ++t) {
      tasks.push_back(Scheduler::System().Start("count", [&] {
        for (int i = 0; i < 10000; ++i) {
          MutexLock lock(mutex);
          ++count;
        }
      }));
    }
  }
  EXPECT_EQ(count, 40000);
}

TEST(Mutex, TryLock) {
  Mutex mutex;
  ASSERT_TRUE(mutex.TryLock());
  bool taken = true;
  Scheduler::System()
      .Start("try",
             [&] {
               taken = mutex.TryLock();
               if (taken) mutex.Unlock();
             })
      ->Join();
  EXPECT_FALSE(taken);
  mutex.Unlock();
}

TEST(CondVar, HandsOverBetweenThreads) {
  Mutex mutex;
  CondVar changed;
  int turn = 0;
  auto task = Scheduler::System().Start("pong", [&] {
    for (int i = 0; i < 200; ++i) {
      MutexLock lock(mutex);
      while (turn % 2 == 0) changed.Wait(mutex);
      ++turn;
      changed.NotifyOne();
    }
  });
  for (int i = 0; i < 200; ++i) {
    MutexLock lock(mutex);
    while (turn % 2 == 1) changed.Wait(mutex);
    ++turn;
    changed.NotifyAll();
  }
  task->Join();
  EXPECT_EQ(turn, 400);
}

TEST(CondVar, TimesOut) {
  Mutex mutex;
  CondVar never;
  MutexLock lock(mutex);
  const int64_t before = Clock::System().MonotonicNs();
  // A spurious wake-up may come first, which is allowed.
  while (never.WaitFor(mutex, 2 * kMillisecond)) {
  }
  EXPECT_GE(Clock::System().MonotonicNs() - before, 2 * kMillisecond);
  while (never.WaitFor(mutex, -1)) {
  }
}

TEST(CondVar, TheLongestTimeoutDoesNotOverflow) {
  Mutex mutex;
  CondVar changed;
  bool done = false;
  MutexLock lock(mutex);
  auto task = Scheduler::System().Start("wake", [&] {
    MutexLock inner(mutex);
    done = true;
    changed.NotifyAll();
  });
  while (!done) ASSERT_TRUE(changed.WaitFor(mutex, INT64_MAX));
}

// Plays the other fibers: `on_block` is what they do while this one waits.
class ScriptedHooks final : public FiberHooks {
 public:
  ScriptedHooks() { Install(this); }
  ~ScriptedHooks() override { Install(nullptr); }
  void Yield() override {}
  bool Block(const void* key, int64_t timeout_ns) override {
    calls.push_back("block " + std::to_string(timeout_ns));
    blocked_on = key;
    return on_block == nullptr || on_block();
  }
  void Wake(const void* key, bool all) override {
    calls.push_back(all ? "wake all" : "wake one");
    woken = key;
  }

  std::function<bool()> on_block;
  const void* blocked_on = nullptr;
  const void* woken = nullptr;
  std::vector<std::string> calls;
};

using Calls = std::vector<std::string>;

TEST(FiberMutex, GivesWayInsteadOfBlockingTheThread) {
  ScriptedHooks hooks;
  Mutex mutex;
  mutex.Lock();
  EXPECT_FALSE(mutex.TryLock());
  int waits = 0;
  hooks.on_block = [&] {
    if (++waits == 3) mutex.Unlock();  // woken twice in vain: another fiber was faster
    return true;
  };
  mutex.Lock();
  EXPECT_EQ(hooks.blocked_on, &mutex);
  EXPECT_EQ(hooks.calls, (Calls{"block -1", "block -1", "block -1", "wake one"}));
  mutex.Unlock();
  EXPECT_EQ(hooks.woken, &mutex);
  EXPECT_TRUE(mutex.TryLock());
  mutex.Unlock();
}

TEST(FiberCondVar, ReleasesTheMutexWhileItWaits) {
  ScriptedHooks hooks;
  Mutex mutex;
  CondVar changed;
  mutex.Lock();
  hooks.on_block = [&] {
    EXPECT_TRUE(mutex.TryLock());
    mutex.Unlock();
    return true;
  };
  changed.Wait(mutex);
  EXPECT_EQ(hooks.blocked_on, &changed);
  EXPECT_FALSE(mutex.TryLock());
  hooks.on_block = [] { return false; };
  EXPECT_FALSE(changed.WaitFor(mutex, 77));
  EXPECT_EQ(hooks.calls.back(), "block 77");
  hooks.on_block = [] { return true; };
  EXPECT_TRUE(changed.WaitFor(mutex, 77));
  mutex.Unlock();
  changed.NotifyAll();
  EXPECT_EQ(hooks.woken, &changed);
  EXPECT_EQ(hooks.calls.back(), "wake all");
  changed.NotifyOne();
  EXPECT_EQ(hooks.calls.back(), "wake one");
}

}  // namespace
}  // namespace chroma::runtime
