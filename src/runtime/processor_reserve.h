// Keeps one processor free of long work while short requests come in.
//
// A thread that has run for long keeps its processor for some milliseconds more when another wakes
// up, which is many times what a search takes; neither priorities nor shorter slices mend that
// (docs/performance.md). So once short requests are noted, the threads that do long work share all
// processors but one, until they end or another begins and nobody has asked for a while. The index
// of a collection is not built under it: that has a low priority.
//
// Where threads have one processor only, or the system does not say which, nothing happens.
#pragma once

#include <sched.h>
#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "runtime/mutex.h"

namespace chroma::runtime {

// Thread safe.
class ProcessorReserve {
 public:
  ProcessorReserve();
  ~ProcessorReserve();
  ProcessorReserve(const ProcessorReserve&) = delete;
  ProcessorReserve& operator=(const ProcessorReserve&) = delete;

  // A short request has come. The first after a pause makes two system calls for each worker.
  void NoteShort(int64_t now_ns);

  // Around long work of the calling thread. Not for a thread that has begun and not ended it.
  // Without memory to note it in it is not confined.
  void BeginLong(int64_t now_ns) noexcept;
  void EndLong();

  // Where the calling thread runs when it is not confined, for threads that it starts, which would
  // inherit that; none: it is not.
  std::optional<cpu_set_t> Unconfined();

 private:
  struct Worker {
    cpu_set_t before;  // where it may run when it is not confined
    cpu_set_t within;
    bool confined = false;
  };
  bool ShortLately(int64_t now_ns) const;
  static void Confine(pid_t thread, Worker& worker);
  static void Release(pid_t thread, Worker& worker);

  // A forked child has none of the threads.
  void Forget();

  std::atomic<int64_t> last_short_ns_{INT64_MIN / 2};
  std::atomic<bool> reserved_{false};  // written with the lock
  Mutex mutex_;                        // locked in a NoFork
  std::unordered_map<pid_t, Worker> workers_ CHROMA_GUARDED_BY(mutex_);
  uint64_t on_forked_child_ = 0;
};

}  // namespace chroma::runtime
