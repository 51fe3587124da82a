// Near rows of every row, found without a graph: the rows are carved into small leaves around
// pivots drawn at random, and within a leaf each is compared with each; again and again with other
// pivots
// ("pick in partitions", as PiPNN begins a graph). What it misses it misses by chance. A walk
// misses what no edges lead to, again each time, so that a graph built by walks alone leaves rows
// in secluded places out of reach: each kind of candidates finds what the other does not.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "chroma/status.h"
#include "index/vector/beam.h"
#include "index/vector/graph.h"
#include "index/vector/parallel_for.h"

namespace chroma::index {

struct NearRowsOptions {
  uint32_t rounds = 24;      // of carving
  uint32_t leaf_rows = 512;  // at most
  uint32_t kept = 48;        // near rows of each row
  uint64_t seed = 1;
};

// The same for any number of threads. It takes 8 * kept bytes for each row that is asked for, 12
// for the others, and 4 * leaf_rows * leaf_rows for each thread.
class NearRows {
 public:
  // Of members[first_wanted …] among all of `members`, distinct rows that have codes; all outlive
  // the call. A failure of `check` (may be empty) ends it.
  static Result<NearRows> Find(const RowCoder& coder, const RowCodes& rows,
                               std::span<const uint32_t> members, size_t first_wanted,
                               const NearRowsOptions& options, const ParallelFor& parallel_for,
                               const std::function<Status()>& check);

  // Of members[first_wanted + i], nearest first, at most `kept`: those of all leaves.
  std::span<const CodedCandidate> Of(size_t i) const {
    return std::span(lists_).subspan(i * kept_, sizes_[i]);
  }

 private:
  friend class NearRowsFinder;
  NearRows(size_t wanted, uint32_t kept) : kept_(kept), lists_(wanted * kept), sizes_(wanted) {}

  const size_t kept_;
  std::vector<CodedCandidate> lists_;
  std::vector<uint32_t> sizes_;
};

}  // namespace chroma::index
