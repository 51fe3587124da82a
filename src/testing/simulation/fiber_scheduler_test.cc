#include "testing/simulation/fiber_scheduler.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace chroma::testing {
namespace {

using runtime::CondVar;
using runtime::kMillisecond;
using runtime::kSecond;
using runtime::Mutex;
using runtime::MutexLock;

std::string Interleave(uint64_t seed) {
  Trace trace;
  FiberScheduler scheduler(seed, {}, trace);
  std::string order;
  const Status status = scheduler.Run([&] {
    Mutex mutex;
    std::vector<std::unique_ptr<runtime::Task>> tasks;
    for (const char name : {'a', 'b', 'c'}) {
      tasks.push_back(scheduler.Start(std::string(1, name), [&, name] {
        for (int i = 0; i < 8; ++i) {
          MutexLock lock(mutex);
          order += name;
        }
      }));
    }
  });
  EXPECT_TRUE(status.ok()) << status.ToString();
  return order;
}

TEST(FiberScheduler, SeedChoosesTheOrder) {
  EXPECT_EQ(Interleave(1), Interleave(1));
  EXPECT_NE(Interleave(1), Interleave(2));
  EXPECT_EQ(Interleave(3).size(), 24U);
}

TEST(FiberScheduler, TimePassesOnlyWhenAllWait) {
  Trace trace;
  FiberScheduler scheduler(7, {.spurious_percent = 0}, trace);
  std::vector<int64_t> seen_ms;
  const Status status = scheduler.Run([&] {
    const auto sleeper = [&](int64_t ms) {
      return [&, ms] {
        scheduler.SleepNs(ms * kMillisecond);
        seen_ms.push_back(scheduler.MonotonicNs() / kMillisecond);
      };
    };
    auto late = scheduler.Start("late", sleeper(500));
    auto early = scheduler.Start("early", sleeper(20));
    EXPECT_EQ(scheduler.MonotonicNs(), 0);
  });
  EXPECT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(seen_ms, (std::vector<int64_t>{20, 500}));
}

TEST(FiberScheduler, WaitsEndByNotificationOrTime) {
  Trace trace;
  FiberScheduler scheduler(7, {.spurious_percent = 0}, trace);
  const Status status = scheduler.Run([&] {
    Mutex mutex;
    CondVar changed;
    bool ready = false;
    auto waiter = scheduler.Start("waiter", [&] {
      MutexLock lock(mutex);
      EXPECT_FALSE(changed.WaitFor(mutex, kSecond));
      while (!ready) EXPECT_TRUE(changed.WaitFor(mutex, 100 * kSecond));
    });
    scheduler.SleepNs(3 * kSecond);
    MutexLock lock(mutex);
    ready = true;
    changed.NotifyOne();
  });
  EXPECT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(scheduler.MonotonicNs(), 3 * kSecond);
}

TEST(FiberScheduler, TellsWhoIsStuck) {
  Trace trace;
  static Mutex mutex;  // the stuck fiber holds it for ever
  FiberScheduler scheduler(7, {}, trace);
  const Status status = scheduler.Run([&]() CHROMA_THREAD_ANNOTATION(no_thread_safety_analysis) {
    mutex.Lock();
    mutex.Lock();
  });
  EXPECT_EQ(status.code(), StatusCode::kDeadlineExceeded);
  EXPECT_NE(status.message().find("main: waits for"), std::string::npos) << status.message();
}

}  // namespace
}  // namespace chroma::testing
