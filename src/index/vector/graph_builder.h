// Builds a graph over coded rows, and extends one.
//
// Rows are inserted in batches of doubling size ("prefix doubling": M. Dobson et al., "ParlayANN",
// PPoPP 2024). Within a batch the graph stands still: every new row walks it, chooses its edges
// among the rows that it visited, and then all reverse edges are merged in. So the result does not
// depend on the number of threads, and the walks are those of a search, over packed nodes, which is
// what makes building quick. A last pass walks for every row again and chooses anew. What leaves
// show to be near (near_rows.h) is chosen among both times, so that walks may be short but for
// those of a random sample, which is inserted first.
//
// Edges are chosen by the rule of relative neighbourhoods with slack (RobustPrune of "DiskANN", S.
// J. Subramanya et al., NeurIPS 2019), and places that are left are filled with others, since all
// kDegree codes are scanned anyhow: in the last pass with those in directions that have no edge
// yet, as "SymphonyQG" does (Y. Gou, J. Gao et al., SIGMOD 2025), before it with the nearest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "chroma/status.h"
#include "index/vector/graph_walk.h"
#include "index/vector/near_rows.h"
#include "index/vector/node_memory.h"

namespace chroma::index {

struct GraphOptions {
  uint32_t effort = 200;  // of the walks that find candidates; where leaves help, a part of it
  float slack = 1;        // a longer edge stays unless a shorter one is this much nearer its end
  uint32_t passes = 1;    // over all new rows after they were inserted
};

class GraphBuilder {
 public:
  // All outlive the builder. `check` (may be empty) is called often; its failure ends the build.
  // `memory` (may be null) is for packed nodes, without which it takes longer.
  GraphBuilder(const RowCoder& coder, const RowCodes& rows, const GraphOptions& options,
               ParallelFor parallel_for, std::function<Status()> check,
               std::shared_ptr<NodeMemory> memory);
  ~GraphBuilder();

  // Before Build: begins with the graph over some of the rows that an earlier build left, so that
  // only the others are inserted. `new_rows[r]` is what row r of it is here, or kNoRow when it is
  // gone; whoever had an edge to a row that is gone gets the edges of that row to choose from.
  Status Begin(const Graph& base, std::span<const uint32_t> new_rows);
  // Rows with a code that the base has not, ascending.
  std::vector<uint32_t> NewRows() const;
  // Inserts all rows with a code that are not inserted yet, but for those of `later` (ascending):
  // the next Build inserts them.
  Status Build(std::span<const uint32_t> later = {});

  // After Build: kDegree edges for each row, kNoRow in places that are not used, and the entry.
  const std::vector<uint32_t>& neighbors() const { return neighbors_; }
  uint32_t entry() const { return entry_; }
  // A view of them.
  Graph graph() const { return {rows_, Edges::Of(neighbors_.data()), entry_}; }

 private:
  class WalkStates;
  struct Edge {
    uint32_t to;
    uint32_t from;
    bool operator<(const Edge& o) const { return to != o.to ? to < o.to : from < o.from; }
  };

  std::span<uint32_t> Neighbors(uint32_t row) {
    return {neighbors_.data() + size_t{row} * kDegree, kDegree};
  }
  uint32_t DegreeOf(uint32_t row) const;
  void SetNeighbors(uint32_t row, const std::vector<uint32_t>& chosen);
  void ChooseEntry();
  // Puts a random sample of the rows that are not inserted before the others; where it ends in
  // order_.
  size_t DrawFirstRows();
  // The first rows, each compared with all others of them.
  Status Seed(std::span<const uint32_t> rows);
  // Walks for each of order_[begin, begin + n), chooses its edges among what it visited, what it
  // had and what `near` shows, whose first row is order_[first_near], and merges the reverse ones.
  Status Connect(size_t begin, size_t n, size_t effort, const NearRows& near, size_t first_near);
  void MergeReverse(std::span<const uint32_t> rows,
                    const std::vector<std::vector<uint32_t>>& fresh);
  void AddReverse(uint32_t row, std::span<const Edge> edges);
  std::vector<CodedCandidate> CandidatesOf(uint32_t row, std::span<const uint32_t> others) const;
  std::vector<uint32_t> Choose(uint32_t row, std::vector<CodedCandidate> candidates) const;
  // Fills up with those of `more`, nearest first, whose directions are farthest from any there.
  void FillSpread(std::span<const CodedCandidate> more, std::vector<CodedCandidate>* chosen) const;
  // Runs job over chunks of `rows` in parallel; the first failure of `check` ends it.
  Status ForEach(size_t n, const std::function<Status(size_t, WalkState&)>& job);

  const RowCoder& coder_;
  const RowCodes rows_;
  const GraphOptions options_;
  const ParallelFor parallel_for_;
  const std::function<Status()> check_;
  std::vector<uint32_t> order_;  // rows with a code: those of the base, a sample, the rest
  size_t inserted_ = 0;          // of order_
  std::vector<uint32_t> neighbors_;
  uint32_t entry_ = kNoRow;
  bool spreads_ = false;  // whether edges are filled up by direction: in the last passes
  KeptNodes kept_nodes_;
  const std::shared_ptr<PackedNodes> nodes_;  // null: there is no memory for them
  std::unique_ptr<WalkStates> states_;
};

}  // namespace chroma::index
