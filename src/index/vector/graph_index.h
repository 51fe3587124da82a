// Approximate nearest neighbours by a walk over a graph of coded rows; the best of what it finds
// are ranked by their exact distances, which are what it returns.
//
// Filters: where few rows are allowed all their codes are compared, which is exact but for the
// rounding of codes; where many are, the walk goes on until it has visited enough of them. The same
// scan answers when a walk finds fewer rows than there are.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "index/vector/calibration.h"
#include "index/vector/graph_walk.h"
#include "index/vector/node_memory.h"
#include "index/vector/vector_index.h"
#include "runtime/mutex.h"

namespace chroma::index {

// What a walk does without SearchTuning::effort.
constexpr size_t kDefaultEffort = 100;

class GraphIndex final : public VectorIndex {
 public:
  // The memory of `graph` outlives the index. Without `memory` there are no packed nodes. Rows
  // without a code are compared exactly by every search. Searches fail with kDataLoss where the
  // graph is damaged.
  GraphIndex(const simd::CodeKernels& kernels, CodeSpace space, const Graph& graph,
             std::shared_ptr<NodeMemory> memory, Calibration calibration = {});
  ~GraphIndex() override;

  Status Search(const VectorSource& source, const SearchRequest& request,
                std::vector<Candidate>* out) const override;

  const Calibration& calibration() const { return calibration_; }

  // Whether it was searched so often that there are packed nodes.
  bool HasNodes() const { return nodes_.Complete(); }
  // Whether there is memory for nodes that are not made yet.
  bool LacksNodes() const { return nodes_.Incomplete(); }
  // Makes all nodes, if there is memory for them; until then searches go by codes. `check` (may be
  // empty) is called now and then; its failure ends it.
  Status MakeNodes(const std::function<Status()>& check) const;

 private:
  struct Work;
  class Lease;

  // (Nearly) all rows are allowed.
  bool IsPlain(size_t allowed) const;
  size_t ResultsOf(const SearchRequest& request) const;
  // As hnswlib's ef.
  size_t EffortOf(const SearchRequest& request) const;
  // SearchTuning::least_recall, enough_recall.
  size_t WithinRecalls(const SearchRequest& request, size_t effort) const;
  // How far walks go for k results, without a filter; what they know of candidates are codes or
  // estimates.
  Depth PlainDepth(size_t effort, size_t k, bool by_estimates) const;
  Depth FilteredDepth(size_t effort, size_t k) const;
  // Depth::reach to so many times as many rows.
  float ReachTo(double rows) const;
  // In comparisons of codes, as many as a scan makes.
  double WalkCost(const Depth& depth, bool plain, bool by_estimates, size_t allowed) const;
  // Each leaves candidates with distances in the code space in work.state.found.
  // False when it gave up.
  Result<bool> WalkAllowed(const SearchRequest& request, Depth depth, size_t allowed,
                           Work& work) const;
  Status ScanAllowed(const SearchRequest& request, Work& work) const;
  // Gives what was found by high bits the distances of whole codes.
  Status ReadBothPlanes(Work& work) const;
  // As far as it takes to leave the k nearest, and some others.
  Status RankByBothPlanes(size_t k, Work& work) const;
  // Up to `n` rows from `*from` on that may be returned; moves `*from` on, to kNoRow at the end.
  size_t NextAllowed(const RowFilter& filter, uint32_t* from, uint32_t* rows, size_t n) const;
  // Every row that may be returned, for queries that cannot be coded.
  void TakeAllowed(const SearchRequest& request, Work& work) const;
  Status Rank(const VectorSource& source, const SearchRequest& request, Work& work,
              std::vector<Candidate>* out) const;

  const RowCoder coder_;
  const Graph graph_;
  const Calibration calibration_;
  std::vector<uint32_t> uncoded_;
  mutable KeptNodes nodes_;
  mutable runtime::Mutex mutex_;
  mutable std::vector<std::unique_ptr<Work>> free_ CHROMA_GUARDED_BY(mutex_);
};

}  // namespace chroma::index
