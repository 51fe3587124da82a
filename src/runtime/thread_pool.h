// A bounded pool of workers over a bounded queue. Thread safe. A worker is started when there is
// work for it and nobody idle; of the idle ones the last that worked gets the next job, since its
// caches are warm, so a lightly loaded pool has few threads and uses fewer.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/mutex.h"
#include "runtime/scheduler.h"

namespace chroma::runtime {

enum class Priority : uint8_t { kNormal, kLow };

class ThreadPool {
 public:
  // The workers run at `priority`.
  ThreadPool(Scheduler& scheduler, std::string name, int workers, size_t queue_max,
             Priority priority = Priority::kNormal);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // Runs what is queued, joins, and takes no more: for those who may still submit, and so cannot
  // see it destroyed. The destructor calls it.
  void Stop();

  // False, and `job` is dropped, when the queue is full, the pool is stopping, or the system has
  // no thread for the first worker.
  bool TrySubmit(std::function<void()> job);
  // Runs job(0) … job(n - 1), on the workers and on the calling thread, and returns when all are
  // done. May be called from a worker: the caller always makes progress itself.
  void ParallelFor(size_t n, const std::function<void(size_t)>& job);
  int workers() const { return workers_; }

 private:
  struct Worker {
    CondVar wake;
    bool called = false;
    std::unique_ptr<Task> task;
  };
  void Work(Worker& worker);
  bool StartWorker() CHROMA_REQUIRES(mutex_);

  Scheduler& scheduler_;
  const std::string name_;
  const int workers_;
  const size_t queue_max_;
  const Priority priority_;
  Mutex mutex_;
  std::vector<std::unique_ptr<Worker>> started_ CHROMA_GUARDED_BY(mutex_);
  std::vector<Worker*> idle_ CHROMA_GUARDED_BY(mutex_);  // the last to become idle last
  std::deque<std::function<void()>> queue_ CHROMA_GUARDED_BY(mutex_);
  bool stopping_ CHROMA_GUARDED_BY(mutex_) = false;
};

}  // namespace chroma::runtime
