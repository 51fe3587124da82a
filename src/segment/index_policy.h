// When a segment gets a vector index. Pure.
#pragma once

#include <algorithm>
#include <cstdint>

#include "segment/snapshot.h"

namespace chroma::segment {

struct IndexPolicy {
  // Smaller segments are compared row by row: as quick as a walk, and exact.
  uint32_t rows_min = 2'000;
  // While a collection is written to, this many rows that are not indexed are waited for, since
  // merges to come would take an index built now along in part only.
  uint32_t busy_rows_min = 65'536;
  // But not by searches, once these have compared so many rows for each row that is not indexed:
  // that took about as long as building takes (150 ns each, .25 ms, at 384 dimensions).
  uint64_t comparisons_max = 2'000;
  // As often as this where they go by signs, which takes 6 to 50 ns each.
  uint64_t scans_max = 20'000;
  uint32_t searched_rows_min = 8'192;  // fewer are compared by searches whatever that costs
  double unindexed_share_max = .02;    // else
  double gone_share_max = .25;         // of the rows of an index
};

// Rows that searches compare one by one, or scan by their signs.
inline uint64_t UnindexedRows(const SnapshotPart& part) {
  if (part.indexes == nullptr || part.indexes->damaged()) return part.part->rows();
  return part.indexes->unindexed.Count();
}

// Whether an index should be built over all rows of the part. `compared`: how many rows without an
// index searches of the collection have compared since one was built.
inline bool NeedsIndex(const IndexPolicy& policy, const SnapshotPart& part, bool busy,
                       uint64_t compared = 0) {
  const uint32_t rows = part.part->rows();
  if (rows < policy.rows_min || part.part->dimension() == 0) return false;
  const uint64_t unindexed = UnindexedRows(part);
  if (busy && unindexed >= policy.searched_rows_min &&
      compared / (NeedsSigns(part) ? policy.scans_max : policy.comparisons_max) >= unindexed) {
    return true;
  }
  if (part.indexes == nullptr) return !busy || rows >= policy.busy_rows_min;
  if (busy) return unindexed >= policy.busy_rows_min && unindexed >= rows / 3;
  bool stale = part.indexes->list.size() > 1;
  for (const PartIndex& index : part.indexes->list) {
    stale |= index.gone > policy.gone_share_max * index.reader->rows();
  }
  const double share = policy.unindexed_share_max * rows;
  return stale || static_cast<double>(unindexed) > std::max<double>(share, policy.rows_min / 4.0);
}

}  // namespace chroma::segment
