// Starts the long-lived tasks of the engine (pool workers, compaction, group commit). In
// production a task is a thread; in a simulation a fiber. No task is ever detached.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace chroma::runtime {

class Task {
 public:
  virtual ~Task() = default;  // joins
  virtual void Join() = 0;    // waits until the body returned; idempotent
};

class Scheduler {
 public:
  virtual ~Scheduler() = default;
  // `name` (at most 15 bytes are kept) shows in debuggers and traces. Null when the system has no
  // thread for it.
  virtual std::unique_ptr<Task> Start(std::string name, std::function<void()> body) = 0;
  // The calling task gives way to all others from now on.
  virtual void LowerPriority() {}
  // Short requests, and around long work of the calling task: while the one come the others leave a
  // processor to them (processor_reserve.h). See LongWork.
  virtual void NoteShort(int64_t now_ns) { static_cast<void>(now_ns); }
  virtual void BeginLong(int64_t now_ns) { static_cast<void>(now_ns); }
  virtual void EndLong() {}
  // How many tasks run at once: the number of processors.
  virtual int Parallelism() const = 0;

  static Scheduler& System();
};

// Long work of the calling task, as long as this lives.
class LongWork {
 public:
  LongWork(Scheduler& scheduler, int64_t now_ns) : scheduler_(scheduler) {
    scheduler_.BeginLong(now_ns);
  }
  ~LongWork() { scheduler_.EndLong(); }
  LongWork(const LongWork&) = delete;
  LongWork& operator=(const LongWork&) = delete;

 private:
  Scheduler& scheduler_;
};

}  // namespace chroma::runtime
