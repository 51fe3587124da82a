// How much of its time an I/O thread may spend on answering requests itself, while the others of
// its connections wait: three quarters over some milliseconds, and after an answer that was slower
// than expected, because it met a cold page or was large, almost nothing for a while. What the
// budget refuses goes to the workers, which run side by side and may wait.
//
// Owned by one I/O thread.
#pragma once

#include <algorithm>
#include <cstdint>

#include "runtime/clock.h"

namespace chroma::http {

class InlineBudget {
 public:
  bool Allows(int64_t now_ns) const { return paid_ns_ - now_ns <= kBurstNs; }
  void Spend(int64_t began_ns, int64_t ended_ns) {
    const int64_t took_ns = ended_ns - began_ns;
    const int64_t price_ns = took_ns > kSlowNs ? kSlowFactor * took_ns : took_ns + took_ns / 3;
    paid_ns_ = std::max(paid_ns_, began_ns) + price_ns;
  }

 private:
  static constexpr int64_t kBurstNs = 2 * runtime::kMillisecond;
  static constexpr int64_t kSlowNs = runtime::kMillisecond;
  static constexpr int64_t kSlowFactor = 16;

  int64_t paid_ns_ = INT64_MIN / 2;  // when all that was spent is paid off
};

}  // namespace chroma::http
