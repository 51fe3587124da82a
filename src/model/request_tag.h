// Which request a change belongs to, where its sender may send it again because it cannot know
// whether the first one took place. A change with a tag takes effect once, however often it comes:
// the log keeps the tags of writes, the catalog those of everything else.
#pragma once

#include <cstdint>

#include "runtime/clock.h"

namespace chroma::model {

struct RequestTag {
  uint64_t id = 0;      // random; 0 is none
  int64_t sent_ns = 0;  // when it was sent first: Clock::MonotonicNs, which processes share
  bool repeated = false;
};

// Tags are kept at least this long; who repeats a request later is told that nobody knows.
inline constexpr int64_t kTagKeptNs = 60 * runtime::kSecond;

}  // namespace chroma::model
