#include "runtime/clock.h"

#include <time.h>

#include <cerrno>

namespace chroma::runtime {
namespace {

int64_t ReadNs(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return int64_t{now.tv_sec} * kSecond + now.tv_nsec;
}

class SystemClock final : public Clock {
 public:
  int64_t MonotonicNs() override { return ReadNs(CLOCK_MONOTONIC); }
  int64_t UnixNs() override { return ReadNs(CLOCK_REALTIME); }
  void SleepNs(int64_t duration_ns) override {
    if (duration_ns <= 0) return;
    timespec left{};
    left.tv_sec = static_cast<time_t>(duration_ns / kSecond);
    left.tv_nsec = static_cast<long>(duration_ns % kSecond);
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR) {
    }
  }
};

}  // namespace

Clock& Clock::System() {
  // Never destroyed: threads may still ask for the time while the process exits.
  static auto* const clock = new SystemClock;
  return *clock;
}

}  // namespace chroma::runtime
