// The greedy walk: from the entry always to the nearest row known and not yet visited, until the
// `effort` nearest known ones have all been visited.
#pragma once

#include <functional>
#include <vector>

#include "base/bitmap.h"
#include "chroma/status.h"
#include "index/vector/beam.h"
#include "index/vector/packed_nodes.h"
#include "index/vector/vector_index.h"

namespace chroma::index {

// Reused from walk to walk, to spare the allocations. One walk at a time.
struct WalkState {
  CodedQuery query;
  Beam beam;
  KnownRows known;
  std::vector<CodedCandidate> found;  // every row visited, in the order of visiting
  std::vector<uint8_t> node;          // for PackedNodes
  std::vector<CodedCandidate> open;   // of a filtered walk: to be visited, a heap, nearest first
  std::vector<float> nearest;  // and the distances of the nearest allowed, a heap, farthest first
};

// Which rows of a graph a search may return.
struct RowFilter {
  const Bitmap* allowed = nullptr;  // of the rows where they are now; null: all that are there
  MovedRows moved;

  bool PassesAll() const { return allowed == nullptr && !moved.some_gone; }
  bool Passes(uint32_t row) const {
    const uint32_t now = moved[row];
    return now != MovedRows::kGone && (allowed == nullptr || allowed->Contains(now));
  }
};

// What walks go over. A row that has a packed node shows estimates of its neighbours' distances,
// one that has none the neighbours' codes, which takes longer where they are not in a cache.
struct WalkedGraph {
  const Graph& graph;
  const RowCoder& coder;
  PackedNodes* nodes = nullptr;        // may be null
  bool makes_nodes = true;             // where a walk meets none
  std::function<Status()> check = {};  // as in SearchRequest
  uint32_t unseen = kNoRow;            // as in SearchRequest
};

// Walks for state.query and leaves what it visited in state.found. kDataLoss from this and the
// next: the graph is damaged.
Status Walk(const WalkedGraph& graph, size_t effort, WalkState& state);

// The same, until the `effort` nearest rows known that pass the filter have been visited, and all
// that are nearer: those lead to them. Leaves the passing rows in state.found. False when that
// would take more than `visits_max` visits.
Result<bool> WalkToAllowed(const WalkedGraph& graph, size_t effort, const RowFilter& filter,
                           size_t visits_max, WalkState& state);

}  // namespace chroma::index
