// Locks and condition variables. Engine code uses these and never std::mutex: in a simulation
// every task is a fiber on one thread, and a fiber that must wait gives way to another instead
// of blocking the thread. Production pays one thread-local load for that.
//
// Annotated for clang's -Wthread-safety: every guarded member carries CHROMA_GUARDED_BY.
#pragma once

#include <condition_variable>
#include <mutex>

#include "runtime/clock.h"

#if defined(__clang__)
#define CHROMA_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define CHROMA_THREAD_ANNOTATION(x)
#endif
#define CHROMA_GUARDED_BY(mu) CHROMA_THREAD_ANNOTATION(guarded_by(mu))
#define CHROMA_REQUIRES(mu) CHROMA_THREAD_ANNOTATION(requires_capability(mu))
#define CHROMA_EXCLUDES(mu) CHROMA_THREAD_ANNOTATION(locks_excluded(mu))

namespace chroma::runtime {

class CHROMA_THREAD_ANNOTATION(capability("mutex")) Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;
  void Lock() CHROMA_THREAD_ANNOTATION(acquire_capability());
  bool TryLock() CHROMA_THREAD_ANNOTATION(try_acquire_capability(true));
  void Unlock() CHROMA_THREAD_ANNOTATION(release_capability());

 private:
  friend class CondVar;
  std::mutex mutex_;
  bool held_by_fiber_ = false;
};

class CHROMA_THREAD_ANNOTATION(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) CHROMA_THREAD_ANNOTATION(acquire_capability(mutex))
      : mutex_(mutex) {
    mutex_.Lock();
  }
  ~MutexLock() CHROMA_THREAD_ANNOTATION(release_capability()) { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits release the mutex, which the caller holds. Wake-ups may be spurious: wait in a loop.
class CondVar {
 public:
  void Wait(Mutex& mutex) CHROMA_REQUIRES(mutex);
  // False when `timeout_ns` passed first.
  bool WaitFor(Mutex& mutex, int64_t timeout_ns) CHROMA_REQUIRES(mutex);
  void NotifyOne();
  void NotifyAll();

 private:
  std::condition_variable condition_;
};

// What a simulation installs for the fibers of its thread; null in production.
class FiberHooks {
 public:
  virtual ~FiberHooks() = default;
  // Another fiber may run now: called before a mutex is taken.
  virtual void Yield() = 0;
  // Suspends the running fiber until Wake(key), or until `timeout_ns` of simulated time when it
  // is not negative; false on time-out.
  virtual bool Block(const void* key, int64_t timeout_ns) = 0;
  virtual void Wake(const void* key, bool all) = 0;

  static FiberHooks* Current();
  static void Install(FiberHooks* hooks);  // for the calling thread
};

}  // namespace chroma::runtime
