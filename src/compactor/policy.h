// Which segments a compaction merges: a tiered log-structured merge. Pure functions.
//
// While a collection is written to, segments of similar size are merged once there are enough of
// them, so that every byte is rewritten a logarithmic number of times. Once it is idle, merging
// goes on until one segment without dead rows is left.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "segment/index_policy.h"

namespace chroma::compactor {

struct Policy {
  // A tail is written out when it has this much, or when its collection was idle for a while.
  uint64_t tail_records_max = 16'384;
  uint64_t tail_bytes_max = 64u << 20;
  // Or when it is the largest and all together have more: tails are held in memory.
  uint64_t all_tails_bytes_max = 512u << 20;
  int64_t idle_ns = 1'500'000'000;
  // Or when it is this old: a trickle of writes must not keep files of the log forever.
  int64_t tail_age_ns = 300'000'000'000;
  // Idle for this long, everything is merged whatever that costs; before, only if the rewritten
  // part is worth it.
  int64_t settle_ns = 15'000'000'000;

  size_t fan_in = 4;                       // segments of one tier that make a merge
  uint64_t smallest_tier_bytes = 4 << 20;  // smaller segments are all of the lowest tier
  double dead_share_max = 0.25;            // more dead rows than this: rewrite, busy or not
  double idle_share_min = 0.10;  // share of small segments or dead rows worth a full merge

  segment::IndexPolicy index;
};

enum class Activity : uint8_t { kBusy, kIdle, kSettled };

struct SegmentSize {
  uint64_t size_bytes = 0;
  uint64_t rows = 0;
  uint64_t dead = 0;
};

// Indices of the segments to merge into one, together with the tail; empty: none.
std::vector<size_t> PickMerge(const Policy& policy, Activity activity,
                              const std::vector<SegmentSize>& segments, uint64_t tail_bytes);

}  // namespace chroma::compactor
