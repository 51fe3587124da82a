#include "runtime/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <utility>

#include "base/check.h"
#include "runtime/log.h"

namespace chroma::runtime {
namespace {

// One ParallelFor. Shared with the queued helpers, which may start only after the loop is over;
// those find no index left and never touch `job`.
struct Loop {
  Loop(size_t count, const std::function<void(size_t)>& body) : n(count), job(body) {}

  // Takes indexes until none is left.
  void Run() {
    size_t finished = 0;
    std::exception_ptr error;
    for (size_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < n; ++finished) {
      try {
        job(i);
      } catch (...) {
        error = std::current_exception();
      }
    }
    if (finished == 0) return;
    MutexLock lock(mutex);
    done += finished;
    if (error && !first_error) first_error = error;
    if (done == n) all_done.NotifyAll();
  }

  void AwaitAll() {
    MutexLock lock(mutex);
    while (done < n) all_done.Wait(mutex);
    // The libraries below may throw (out of memory): the caller's edge catches it, as it would
    // have without the pool.
    if (first_error) std::rethrow_exception(first_error);
  }

  const size_t n;
  const std::function<void(size_t)>& job;
  std::atomic<size_t> next{0};
  Mutex mutex;
  CondVar all_done;
  size_t done CHROMA_GUARDED_BY(mutex) = 0;
  std::exception_ptr first_error CHROMA_GUARDED_BY(mutex);
};

}  // namespace

ThreadPool::ThreadPool(Scheduler& scheduler, std::string name, int workers, size_t queue_max,
                       Priority priority)
    : scheduler_(scheduler),
      name_(std::move(name)),
      workers_(workers),
      queue_max_(queue_max),
      priority_(priority) {
  CHECK(workers >= 0);
}

ThreadPool::~ThreadPool() {
  Stop();
}

void ThreadPool::Stop() {
  std::vector<std::unique_ptr<Worker>> started;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    started.swap(started_);
    for (Worker* worker : idle_) {
      worker->called = true;
      worker->wake.NotifyOne();
    }
    idle_.clear();
  }
  for (auto& worker : started) worker->task->Join();
}

bool ThreadPool::TrySubmit(std::function<void()> job) {
  Worker* called = nullptr;
  {
    MutexLock lock(mutex_);
    if (stopping_ || workers_ == 0 || queue_.size() >= queue_max_) return false;
    if (idle_.empty() && !StartWorker() && started_.empty()) return false;
    queue_.push_back(std::move(job));
    if (!idle_.empty()) {
      called = idle_.back();
      idle_.pop_back();
      called->called = true;
    }
  }
  if (called != nullptr) called->wake.NotifyOne();
  return true;
}

bool ThreadPool::StartWorker() {
  if (started_.size() >= static_cast<size_t>(workers_)) return false;
  auto worker = std::make_unique<Worker>();
  Worker& started = *worker;
  worker->task = scheduler_.Start(name_ + "-" + std::to_string(started_.size()),
                                  [this, &started] { Work(started); });
  if (worker->task == nullptr) return false;
  started_.push_back(std::move(worker));
  return true;
}

void ThreadPool::ParallelFor(size_t n, const std::function<void(size_t)>& job) {
  if (n == 0) return;
  if (n == 1 || workers_ == 0) {
    for (size_t i = 0; i < n; ++i) job(i);
    return;
  }
  auto loop = std::make_shared<Loop>(n, job);
  const size_t helpers = std::min(n - 1, static_cast<size_t>(workers_));
  for (size_t i = 0; i < helpers; ++i) {
    if (!TrySubmit([loop] { loop->Run(); })) break;
  }
  loop->Run();
  loop->AwaitAll();
}

void ThreadPool::Work(Worker& worker) {
  if (priority_ == Priority::kLow) scheduler_.LowerPriority();
  for (;;) {
    std::function<void()> job;
    {
      MutexLock lock(mutex_);
      while (queue_.empty() && !stopping_) {
        worker.called = false;
        idle_.push_back(&worker);
        while (!worker.called) worker.wake.Wait(mutex_);
      }
      if (queue_.empty()) return;
      job = std::move(queue_.front());
      queue_.pop_front();
    }
    try {
      job();
    } catch (const std::exception& error) {
      Log(LogLevel::kError, "background job failed", {{"error", error.what()}});
    }
  }
}

}  // namespace chroma::runtime
