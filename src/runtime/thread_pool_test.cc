#include "runtime/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>

namespace chroma::runtime {
namespace {

// Holds jobs back until Open().
class Gate {
 public:
  void Open() {
    MutexLock lock(mutex_);
    open_ = true;
    changed_.NotifyAll();
  }
  void Pass() {
    MutexLock lock(mutex_);
    while (!open_) changed_.Wait(mutex_);
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool open_ CHROMA_GUARDED_BY(mutex_) = false;
};

TEST(ThreadPool, DestructorRunsWhatIsQueued) {
  std::atomic<int> ran{0};
  {
    ThreadPool pool(Scheduler::System(), "test", 3, 1000);
    for (int i = 0; i < 500; ++i) ASSERT_TRUE(pool.TrySubmit([&] { ++ran; }));
  }
  EXPECT_EQ(ran, 500);
}

TEST(ThreadPool, TakesNothingOnceItWasStopped) {
  std::atomic<int> ran{0};
  ThreadPool pool(Scheduler::System(), "test", 3, 1000);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(pool.TrySubmit([&] { ++ran; }));
  pool.Stop();
  EXPECT_EQ(ran, 100);
  EXPECT_FALSE(pool.TrySubmit([&] { ++ran; }));
  pool.ParallelFor(5, [&](size_t) { ++ran; });  // the caller alone
  EXPECT_EQ(ran, 105);
  pool.Stop();
}

TEST(ThreadPool, StartsAWorkerOnlyWhenNobodyIsIdle) {
  // Counts the tasks started, each a real thread.
  class Counting final : public Scheduler {
   public:
    std::unique_ptr<Task> Start(std::string name, std::function<void()> body) override {
      ++started;
      return Scheduler::System().Start(std::move(name), std::move(body));
    }
    int Parallelism() const override { return 4; }
    int started = 0;
  } scheduler;
  ThreadPool pool(scheduler, "test", 8, 100);
  EXPECT_EQ(scheduler.started, 0);
  Gate gate;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(pool.TrySubmit([&] { gate.Pass(); }));
  EXPECT_EQ(scheduler.started, 3);
  gate.Open();
  for (int i = 0; i < 20; ++i) {
    Gate done;
    Clock::System().SleepNs(kMillisecond);  // until the worker of the job before is idle
    ASSERT_TRUE(pool.TrySubmit([&] { done.Open(); }));
    done.Pass();
  }
  EXPECT_LE(scheduler.started, 4);
}

TEST(ThreadPool, RefusesWithoutAnyThread) {
  class None final : public Scheduler {
   public:
    std::unique_ptr<Task> Start(std::string, std::function<void()>) override { return nullptr; }
    int Parallelism() const override { return 1; }
  } scheduler;
  ThreadPool pool(scheduler, "test", 2, 10);
  EXPECT_FALSE(pool.TrySubmit([] {}));
  int ran = 0;
  pool.ParallelFor(5, [&](size_t) { ++ran; });
  EXPECT_EQ(ran, 5);
}

TEST(ThreadPool, RefusesWhenFull) {
  Gate gate;
  Gate started;
  std::atomic<int> ran{0};
  {
    ThreadPool pool(Scheduler::System(), "test", 1, 2);
    ASSERT_TRUE(pool.TrySubmit([&] {
      started.Open();
      gate.Pass();
    }));
    started.Pass();
    EXPECT_TRUE(pool.TrySubmit([&] { ++ran; }));
    EXPECT_TRUE(pool.TrySubmit([&] { ++ran; }));
    EXPECT_FALSE(pool.TrySubmit([&] { ++ran; }));
    gate.Open();
  }
  EXPECT_EQ(ran, 2);
}

TEST(ThreadPool, ParallelForRunsEachIndexOnce) {
  ThreadPool pool(Scheduler::System(), "test", 3, 4);
  for (const size_t n : {0, 1, 2, 3, 100, 5000}) {
    std::vector<std::atomic<int>> runs(n);
    pool.ParallelFor(n, [&](size_t i) { ++runs[i]; });
    for (const auto& count : runs) ASSERT_EQ(count, 1);
  }
}

TEST(ThreadPool, ParallelForOnABusyPoolIsDoneByTheCaller) {
  Gate gate;
  Gate started;
  ThreadPool pool(Scheduler::System(), "test", 1, 1);
  ASSERT_TRUE(pool.TrySubmit([&] {
    started.Open();
    gate.Pass();
  }));
  started.Pass();
  std::atomic<int> ran{0};
  pool.ParallelFor(50, [&](size_t) { ++ran; });
  EXPECT_EQ(ran, 50);
  gate.Open();
}

TEST(ThreadPool, ParallelForFromWithinWorkers) {
  ThreadPool pool(Scheduler::System(), "test", 2, 100);
  std::atomic<int> ran{0};
  pool.ParallelFor(8, [&](size_t) {
    pool.ParallelFor(8, [&](size_t) { pool.ParallelFor(4, [&](size_t) { ++ran; }); });
  });
  EXPECT_EQ(ran, 8 * 8 * 4);
}

TEST(ThreadPool, WithoutWorkersTheCallerDoesItAll) {
  ThreadPool pool(Scheduler::System(), "test", 0, 10);
  EXPECT_FALSE(pool.TrySubmit([] {}));
  int ran = 0;
  pool.ParallelFor(10, [&](size_t) { ++ran; });
  EXPECT_EQ(ran, 10);
}

TEST(ThreadPool, ExceptionsOfLibrariesReachTheCallerAndSpareTheWorkers) {
  std::atomic<int> ran{0};
  auto pool = std::make_unique<ThreadPool>(Scheduler::System(), "test", 2, 100);
  EXPECT_THROW(pool->ParallelFor(100,
                                 [&](size_t i) {
                                   ++ran;
                                   if (i == 50) throw std::runtime_error("library");
                                 }),
               std::runtime_error);
  EXPECT_EQ(ran, 100);
  testing::internal::CaptureStderr();
  Gate after;
  ASSERT_TRUE(pool->TrySubmit([] { throw std::runtime_error("library"); }));
  ASSERT_TRUE(pool->TrySubmit([&] { pool->ParallelFor(3, [&](size_t) { ++ran; }); }));
  ASSERT_TRUE(pool->TrySubmit([&] { after.Open(); }));
  after.Pass();
  pool.reset();  // waits for all of them
  EXPECT_NE(testing::internal::GetCapturedStderr().find("background job failed error=library"),
            std::string::npos);
}

}  // namespace
}  // namespace chroma::runtime
