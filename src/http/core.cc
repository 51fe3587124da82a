#include "http/core.h"

namespace chroma::http {

int64_t Core::RequestDeadlineNs() const {
  if (options.request_timeout_ms == 0) return runtime::Context::kNoDeadline;
  return env.clock->MonotonicNs() + options.request_timeout_ms * runtime::kMillisecond;
}

void Core::ConnectionClosed() {
  // The lock, so that a waiter that has just looked at the count does not miss the wake-up.
  const runtime::MutexLock lock(mutex_);
  if (connections.fetch_sub(1) == 1) gone_.NotifyAll();
}

bool Core::WaitUntilNoConnections(int64_t timeout_ns) {
  const int64_t until_ns = env.clock->MonotonicNs() + timeout_ns;
  const runtime::MutexLock lock(mutex_);
  while (connections.load() > 0) {
    const int64_t left_ns = until_ns - env.clock->MonotonicNs();
    if (left_ns <= 0) return false;
    static_cast<void>(gone_.WaitFor(mutex_, left_ns));
  }
  return true;
}

}  // namespace chroma::http
