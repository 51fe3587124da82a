// Time. Durations are int64_t nanoseconds, named …_ns; instants of Monotonic() compare only with
// each other. Thread safe.
#pragma once

#include <cstdint>

namespace chroma::runtime {

constexpr int64_t kMicrosecond = 1'000;
constexpr int64_t kMillisecond = 1'000'000;
constexpr int64_t kSecond = 1'000'000'000;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual int64_t MonotonicNs() = 0;
  virtual int64_t UnixNs() = 0;  // since 1970-01-01 UTC
  virtual void SleepNs(int64_t duration_ns) = 0;

  static Clock& System();
};

}  // namespace chroma::runtime
