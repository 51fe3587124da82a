// Keeps one processor free of long work while short requests come in.
//
// A thread that has run for long keeps its processor for some milliseconds more when another wakes
// up, which is many times what a search takes; neither priorities nor shorter slices mend that
// (docs/performance.md). So while short requests are noted, the threads that do long work share all
// processors but one. The index of a collection is not built under it: that has the lowest
// priority, and gives way at once.
//
// Where threads have one processor only, or the system does not say which, nothing happens.
#pragma once

#include <sched.h>
#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <unordered_map>

#include "runtime/mutex.h"

namespace chroma::runtime {

// Thread safe.
class ProcessorReserve {
 public:
  // A short request has come. Costs next to nothing but for the first after a pause.
  void NoteShort(int64_t now_ns);

  // Around long work of the calling thread. Not for a thread that has begun and not ended it.
  void BeginLong(int64_t now_ns);
  void EndLong();

 private:
  struct Worker {
    cpu_set_t before;  // where it may run when it is not confined
    cpu_set_t within;
    bool confined = false;
  };
  bool ShortLately(int64_t now_ns) const;
  static void Confine(pid_t thread, Worker& worker);
  static void Release(pid_t thread, Worker& worker);

  std::atomic<int64_t> last_short_ns_{INT64_MIN / 2};
  std::atomic<bool> reserved_{false};  // written with the lock
  Mutex mutex_;
  std::unordered_map<pid_t, Worker> workers_ CHROMA_GUARDED_BY(mutex_);
};

}  // namespace chroma::runtime
