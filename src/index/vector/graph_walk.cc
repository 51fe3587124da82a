#include "index/vector/graph_walk.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>

namespace chroma::index {
namespace {

constexpr size_t kVisitsPerCheck = 256;

// One visit of a walk: the distance of a row by code, and estimates of its neighbours'.
class Visitor {
 public:
  Visitor(const Graph& graph, const RowCoder& coder, PackedNodes& nodes, WalkState& state)
      : graph_(graph), kernels_(coder.kernels()), nodes_(nodes), state_(state) {}

  // see(estimate, row) is called for each neighbour, not yet visited, that may be nearer than
  // bound(); `next` is what will probably be visited next. False when the graph is damaged.
  template <typename Bound, typename See>
  bool Visit(uint32_t row, uint32_t next, Bound bound, See see, float* out) {
    const CodedQuery& query = state_.query;
    PackedNodes::Node node;
    if (!nodes_.At(graph_, row, &state_.node, &node)) return false;
    if (next != kNoRow) nodes_.Prefetch(next);
    const float distance =
        RowCoder::Combine(query.squared_norm, query.scale, node.scale,
                          kernels_.dot_i8(query.code.data(), node.code, graph_.rows.padded));
    uint32_t nearer =
        kernels_.estimate(node.neighbor_codes, query.code_tables, graph_.rows.padded, node.offsets,
                          node.factors, distance, bound(), estimates_.data());
    for (; nearer != 0; nearer &= nearer - 1) {
      const auto lane = static_cast<size_t>(std::countr_zero(nearer));
      const uint32_t neighbor = node.neighbors[lane];
      if (neighbor < graph_.rows.n && !state_.visited.Contains(neighbor)) {
        see(estimates_[lane], neighbor);
      }
    }
    *out = distance;
    return true;
  }

 private:
  const Graph& graph_;
  const simd::CodeKernels& kernels_;
  PackedNodes& nodes_;
  WalkState& state_;
  std::array<float, kDegree> estimates_;
};

Status Damaged() {
  return Status::DataLoss("a vector index is damaged");
}

Status CheckSometimes(size_t visits, const std::function<Status()>& check) {
  return visits % kVisitsPerCheck == kVisitsPerCheck - 1 && check ? check() : Status::Ok();
}

}  // namespace

Status Walk(const Graph& graph, const RowCoder& coder, PackedNodes& nodes, size_t effort,
            const std::function<Status()>& check, WalkState& state) {
  Beam& beam = state.beam;
  beam.Reset(effort);
  state.visited.Reset(effort);
  state.found.clear();
  if (graph.entry >= graph.rows.n) return Status::Ok();
  Visitor visitor(graph, coder, nodes, state);
  // Behind all that it leads to.
  beam.Push(std::numeric_limits<float>::max(), graph.entry);
  for (uint32_t row; beam.Take(&row);) {
    if (!state.visited.Insert(row)) continue;
    CHROMA_TRY(CheckSometimes(state.found.size(), check));
    float distance = 0;
    const bool whole = visitor.Visit(
        row, beam.Peek(), [&] { return beam.bound(); },
        [&](float estimate, uint32_t neighbor) { beam.Push(estimate, neighbor); }, &distance);
    if (!whole) return Damaged();
    state.found.push_back({distance, row});
    if (beam.Peek() != kNoRow) nodes.Prefetch(beam.Peek());
  }
  return Status::Ok();
}

Result<bool> WalkToAllowed(const Graph& graph, const RowCoder& coder, PackedNodes& nodes,
                           size_t effort, const RowFilter& filter, size_t visits_max,
                           const std::function<Status()>& check, WalkState& state) {
  const auto farther = [](const CodedCandidate& a, const CodedCandidate& b) {
    return a.distance > b.distance;
  };
  std::vector<CodedCandidate>& open = state.open;
  std::vector<float>& nearest = state.nearest;
  state.visited.Reset(effort);
  state.found.clear();
  open.clear();
  nearest.clear();
  if (graph.entry >= graph.rows.n) return true;
  Visitor visitor(graph, coder, nodes, state);
  const auto bound = [&] {
    return nearest.size() < effort ? std::numeric_limits<float>::infinity() : nearest.front();
  };
  const auto see = [&](float estimate, uint32_t neighbor) {
    open.push_back({estimate, neighbor});
    std::push_heap(open.begin(), open.end(), farther);
  };
  see(0, graph.entry);
  for (size_t visits = 0; !open.empty();) {
    std::pop_heap(open.begin(), open.end(), farther);
    const CodedCandidate next = open.back();
    open.pop_back();
    if (next.distance > bound()) break;
    if (!state.visited.Insert(next.row)) continue;
    if (++visits > visits_max) return false;
    CHROMA_TRY(CheckSometimes(visits, check));
    const uint32_t after = open.empty() ? kNoRow : open.front().row;
    float distance = 0;
    if (!visitor.Visit(next.row, after, bound, see, &distance)) return Damaged();
    if (!filter.Passes(next.row)) continue;
    state.found.push_back({distance, next.row});
    nearest.push_back(distance);
    std::push_heap(nearest.begin(), nearest.end());
    if (nearest.size() <= effort) continue;
    std::pop_heap(nearest.begin(), nearest.end());
    nearest.pop_back();
  }
  return true;
}

}  // namespace chroma::index
