// A bounded pool of workers over a bounded queue. A worker starts when there is a job that no
// other is free to take: a pool that is not used costs no thread. Thread safe.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/mutex.h"
#include "runtime/scheduler.h"

namespace chroma::runtime {

class ThreadPool {
 public:
  ThreadPool(Scheduler& scheduler, std::string name, int workers, size_t queue_max);
  // Runs what is queued, then joins.
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // False, and `job` is dropped, when the queue is full or the pool is stopping.
  bool TrySubmit(std::function<void()> job);
  // Runs job(0) … job(n - 1), on the workers and on the calling thread, and returns when all are
  // done. May be called from a worker: the caller always makes progress itself.
  void ParallelFor(size_t n, const std::function<void(size_t)>& job);
  int workers() const { return workers_; }

 private:
  void Work();

  Scheduler& scheduler_;
  const std::string name_;
  const int workers_;
  const size_t queue_max_;
  Mutex mutex_;
  CondVar wake_;
  std::deque<std::function<void()>> queue_ CHROMA_GUARDED_BY(mutex_);
  bool stopping_ CHROMA_GUARDED_BY(mutex_) = false;
  size_t idle_ CHROMA_GUARDED_BY(mutex_) = 0;  // workers that wait for a job
  std::vector<std::unique_ptr<Task>> tasks_ CHROMA_GUARDED_BY(mutex_);
};

}  // namespace chroma::runtime
