// The greedy walk: from the entry always to the nearest row known and not yet visited, until all
// that may matter have been visited.
#pragma once

#include <functional>
#include <span>
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
  std::vector<CodedCandidate> found;    // every row visited, in the order of visiting
  Planes found_by = Planes::kBoth;      // what of their codes these distances are of
  std::vector<uint8_t> node;            // for PackedNodes
  std::vector<CodedCandidate> open;     // of a filtered walk: to be visited, a heap, nearest first
  std::vector<CodedCandidate> nearest;  // of the results, a heap, farthest first
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
};

// How far a walk goes.
struct Depth {
  // Until so many of the nearest rows known have been visited;
  size_t candidates = 0;
  // or, unless this is 0, until all have been that are nearer than `reach` times the (squared)
  // distance of the `results`-th nearest row visited, and up to three times the candidates: where
  // many rows are about as far as the results, it takes more visits to be sure of them. "Distance
  // Adaptive Beam Search for Provably Accurate Graph-Based Nearest Neighbor Search"
  // (Y. Al-Jazzazi et al., 2025).
  size_t results = 0;
  float reach = 1;
  // But not before so many visits: a walk that comes through a crowd far from the query knows its
  // nearest rows too.
  size_t visits_min = 0;
  const RowFilter* filter = nullptr;  // which rows are results; null: all
};

// Walks for state.query and leaves what it visited in state.found. kDataLoss from this and the
// next: the graph is damaged.
Status Walk(const WalkedGraph& graph, const Depth& depth, WalkState& state);

// The same by distances alone, until twice the candidates are found: rows that are no results lead
// to them too, however many it takes. Leaves the results in state.found. `depth` has results and a
// filter. False when it would take more than `visits_max` visits.
Result<bool> WalkToResults(const WalkedGraph& graph, const Depth& depth, size_t visits_max,
                           WalkState& state);

// Gives candidates that were seen by their high bits the distances of their whole codes.
// kDataLoss as above.
Status ReadBothPlanes(const Graph& graph, const RowCoder& coder, const CodedQuery& query,
                      std::span<CodedCandidate> candidates);

}  // namespace chroma::index
