// What travels with one request: its deadline, whether its caller has gone, and its trace id.
// Long loops call Check() every few thousand rows. Cancel() may be called from any thread; the
// rest belongs to the request's own task.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "chroma/status.h"
#include "runtime/clock.h"

namespace chroma::runtime {

class Context {
 public:
  static constexpr int64_t kNoDeadline = INT64_MAX;

  explicit Context(Clock& clock = Clock::System(), int64_t deadline_ns = kNoDeadline)
      : clock_(clock), deadline_ns_(deadline_ns) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  // kCancelled, kDeadlineExceeded, or OK.
  Status Check() const;
  void Cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  int64_t deadline_ns() const { return deadline_ns_; }  // of Clock::MonotonicNs
  Clock& clock() const { return clock_; }

  std::string trace_id;  // 32 hex digits or empty

 private:
  Clock& clock_;
  int64_t deadline_ns_;
  std::atomic<bool> cancelled_{false};
};

}  // namespace chroma::runtime
