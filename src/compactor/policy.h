// Which segments a compaction merges: a tiered log-structured merge. Pure functions.
//
// While a collection is written to, segments of similar size are merged once there are enough of
// them, so that every byte is rewritten a logarithmic number of times. Once it is idle, merging
// goes on until nothing is left to be merged: one segment without dead rows, or, of a collection
// that has more than a segment may hold, several of which no two fit into one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "format/manifest.h"
#include "segment/index_policy.h"

namespace chroma::compactor {

struct Policy {
  // A tail is written out when it has this much, or when its collection was idle for a while.
  uint64_t tail_records_max = 16'384;
  uint64_t tail_bytes_max = 64u << 20;
  // Or when it is the largest and all together have more: tails are held in memory.
  uint64_t all_tails_bytes_max = 512u << 20;
  int64_t idle_ns = 1'000'000'000;
  // Or when it is this old: a trickle of writes must not keep files of the log forever.
  int64_t tail_age_ns = 300'000'000'000;
  // While a collection is written to or merged, no index is built until that has gone on for this
  // long: it may be a load that is over in no time, whose segments become one.
  int64_t busy_index_ns = 5'000'000'000;
  // Idle for this long, everything is merged whatever that costs; before, only if the rewritten
  // part is worth it.
  int64_t settle_ns = 15'000'000'000;

  size_t fan_in = 4;                       // segments of one tier that make a merge
  uint64_t smallest_tier_bytes = 4 << 20;  // smaller segments are all of the lowest tier
  double dead_share_max = 0.25;            // more dead rows than this: rewrite, busy or not
  double idle_share_min = 0.10;  // share of small segments or dead rows worth a full merge

  // No segment is made that is larger, as far as the sizes of what it is merged from tell: the
  // memory and the time of a merge, and of building its vector index, grow with it. So large since
  // every further segment is another walk of each query. What is larger already is left, and
  // written again for its dead rows only; a tail is written out in one, however large it is.
  uint64_t segment_bytes_max = uint64_t{8} << 30;
  uint64_t segment_rows_max = uint64_t{1} << 24;
  // Collections that are compacted at once. One task is always left to those whose merge takes no
  // more than this of segments, so that tails get smaller while a large merge goes on for minutes.
  int tasks = 2;
  uint64_t quick_merge_bytes_max = 128u << 20;

  segment::IndexPolicy index;
};

enum class Activity : uint8_t { kBusy, kIdle, kSettled };

struct SegmentSize {
  uint64_t size_bytes = 0;
  uint64_t rows = 0;
  uint64_t dead = 0;
};

// Indices of the segments to merge into one, together with the tail; empty: none. When settled,
// it is empty after a finite number of merges without writes between them.
std::vector<size_t> PickMerge(const Policy& policy, Activity activity,
                              const std::vector<SegmentSize>& segments,
                              const SegmentSize& tail = {});

// Whether nothing is left to be merged of what the manifest names.
bool IsSettled(const Policy& policy, const format::Manifest& manifest);

}  // namespace chroma::compactor
