#include "runtime/mutex.h"

#include <algorithm>
#include <chrono>

#include "base/check.h"

namespace chroma::runtime {
namespace {

constinit thread_local FiberHooks* current_hooks = nullptr;

// Added to the present instant, a longer wait would overflow.
constexpr int64_t kWaitNsMax = int64_t{1} << 60;

}  // namespace

FiberHooks* FiberHooks::Current() {
  return current_hooks;
}
void FiberHooks::Install(FiberHooks* hooks) {
  current_hooks = hooks;
}

void Mutex::Lock() {
  if (current_hooks == nullptr) {
    mutex_.lock();
    return;
  }
  current_hooks->Yield();
  while (held_by_fiber_) current_hooks->Block(this, -1);
  held_by_fiber_ = true;
}

bool Mutex::TryLock() {
  if (current_hooks == nullptr) return mutex_.try_lock();
  if (held_by_fiber_) return false;
  held_by_fiber_ = true;
  return true;
}

void Mutex::Unlock() {
  if (current_hooks == nullptr) {
    mutex_.unlock();
    return;
  }
  CHECK(held_by_fiber_);
  held_by_fiber_ = false;
  current_hooks->Wake(this, /*all=*/false);
}

void CondVar::Wait(Mutex& mutex) {
  if (current_hooks == nullptr) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
    return;
  }
  // Wake() does not switch fibers, so no notification can fall between these two calls.
  mutex.Unlock();
  current_hooks->Block(this, -1);
  mutex.Lock();
}

bool CondVar::WaitFor(Mutex& mutex, int64_t timeout_ns) {
  timeout_ns = std::clamp<int64_t>(timeout_ns, 0, kWaitNsMax);
  if (current_hooks == nullptr) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const auto status = condition_.wait_for(lock, std::chrono::nanoseconds(timeout_ns));
    lock.release();
    return status == std::cv_status::no_timeout;
  }
  mutex.Unlock();
  const bool woken = current_hooks->Block(this, timeout_ns);
  mutex.Lock();
  return woken;
}

void CondVar::NotifyOne() {
  if (current_hooks == nullptr) {
    condition_.notify_one();
  } else {
    current_hooks->Wake(this, /*all=*/false);
  }
}

void CondVar::NotifyAll() {
  if (current_hooks == nullptr) {
    condition_.notify_all();
  } else {
    current_hooks->Wake(this, /*all=*/true);
  }
}

}  // namespace chroma::runtime
