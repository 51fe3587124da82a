#include "index/vector/graph_walk.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>

namespace chroma::index {
namespace {

constexpr size_t kVisitsPerCheck = 256;
constexpr uint32_t kLine = 64;
constexpr size_t kMostCandidates = 3;  // times as many, where Depth goes by distances

// One visit of a walk: the distance of a row by code, and its neighbours' or estimates of them.
class Visitor {
 public:
  Visitor(const WalkedGraph& walked, WalkState& state)
      : graph_(walked.graph),
        kernels_(walked.coder.kernels()),
        nodes_(walked.nodes),
        makes_nodes_(walked.makes_nodes),
        state_(state) {}

  // see(distance, row) is called for each neighbour, not known yet, that may be nearer than
  // bound(); `next` is what will probably be visited next. *distance is what was seen of the row,
  // and becomes its distance. False when the graph is damaged.
  template <typename Bound, typename See>
  bool Visit(uint32_t row, uint32_t next, Bound bound, See see, float* distance) {
    if (nodes_ == nullptr) {
      // Of all but the entry it is the distance that was seen.
      if (row == graph_.entry && !DistanceOf(row, distance)) return false;
      return VisitCodes(row, next, bound, see);
    }
    PackedNodes::Node node;
    switch (nodes_->At(graph_, row, makes_nodes_, &state_.node, &node)) {
      case PackedNodes::Found::kDamaged:
        return false;
      case PackedNodes::Found::kAbsent:
        return DistanceOf(row, distance) && VisitCodes(row, kNoRow, bound, see);
      case PackedNodes::Found::kReady:
        break;
    }
    Prefetch(next);
    VisitNode(node, bound, see, distance);
    return true;
  }

  void Prefetch(uint32_t next) const {
    if (nodes_ != nullptr && next != kNoRow) nodes_->Prefetch(next);
  }

 private:
  template <typename Bound, typename See>
  void VisitNode(const PackedNodes::Node& node, Bound bound, See see, float* out) {
    const CodedQuery& query = state_.query;
    const float distance =
        RowCoder::Combine(query.squared_norm, query.scale, node.scale,
                          kernels_.dot_i8(query.code.data(), node.code, graph_.rows.padded));
    uint32_t nearer =
        kernels_.estimate(node.neighbor_codes, query.code_tables, graph_.rows.padded, node.offsets,
                          node.factors, distance, bound(), distances_.data());
    for (; nearer != 0; nearer &= nearer - 1) {
      const auto lane = static_cast<size_t>(std::countr_zero(nearer));
      const uint32_t neighbor = node.neighbors[lane];
      if (neighbor < graph_.rows.n && !state_.known.Contains(neighbor)) {
        see(distances_[lane], neighbor);
      }
    }
    *out = distance;
  }

  bool DistanceOf(uint32_t row, float* distance) const {
    if (!graph_.CheckCode(row)) return false;
    const RowCodes& rows = graph_.rows;
    const CodedQuery& query = state_.query;
    *distance = RowCoder::Combine(query.squared_norm, query.scale, rows.scales[row],
                                  kernels_.dot_i8(query.code.data(), rows.Row(row), rows.padded));
    return true;
  }

  template <typename Bound, typename See>
  bool VisitCodes(uint32_t row, uint32_t next, Bound bound, See see) {
    const RowCodes& rows = graph_.rows;
    if (!graph_.CheckEdges(row)) return false;
    graph_.edges.Read(row, neighbors_.data());
    size_t count = 0;
    for (const uint32_t neighbor : neighbors_) {
      if (neighbor >= rows.n || !state_.known.Insert(neighbor)) continue;
      if (!graph_.CheckCode(neighbor)) return false;
      codes_[count] = rows.Row(neighbor);
      __builtin_prefetch(rows.scales + neighbor);
      for (uint32_t at = 0; at < rows.padded; at += kLine) __builtin_prefetch(codes_[count] + at);
      neighbors_[count++] = neighbor;
    }
    if (next != kNoRow) graph_.edges.Prefetch(next);
    const CodedQuery& query = state_.query;
    kernels_.dot_i8_gather(query.code.data(), codes_.data(), count, rows.padded, dots_.data());
    for (size_t i = 0; i < count; ++i) {
      if (!rows.Has(neighbors_[i])) continue;
      const float distance =
          RowCoder::Combine(query.squared_norm, query.scale, rows.scales[neighbors_[i]], dots_[i]);
      if (distance < bound()) see(distance, neighbors_[i]);
    }
    return true;
  }

  const Graph& graph_;
  const simd::CodeKernels& kernels_;
  PackedNodes* const nodes_;
  const bool makes_nodes_;
  WalkState& state_;
  std::array<float, kDegree> distances_;
  std::array<uint32_t, kDegree> neighbors_;
  std::array<const int8_t*, kDegree> codes_;
  std::array<int32_t, kDegree> dots_;
};

Status Damaged() {
  return Status::DataLoss("a vector index is damaged");
}

Status CheckSometimes(size_t visits, const std::function<Status()>& check) {
  return visits % kVisitsPerCheck == kVisitsPerCheck - 1 && check ? check() : Status::Ok();
}

// About how many rows a walk comes to know: by nodes those that it has been to, by codes their
// neighbours too.
size_t KnownRowsOf(const WalkedGraph& walked, size_t effort) {
  return walked.nodes != nullptr ? 2 * effort : 16 * effort;
}

// What Depth says of distances.
class Reach {
 public:
  Reach(const WalkedGraph& walked, const Depth& depth, WalkState& state)
      : rows_(walked.graph.rows), depth_(depth), state_(state) {
    state_.nearest.clear();
  }
  // What must be visited is nearer; infinite until there are as many results.
  float bound() const { return bound_; }
  bool is_known() const { return bound_ < std::numeric_limits<float>::infinity(); }

  void Visited(float distance, uint32_t row) {
    // Codes err: what seems farther than the last result by less may be nearer.
    constexpr float kErrors = 4;
    std::vector<float>& nearest = state_.nearest;
    const bool full = nearest.size() == depth_.results;
    if (depth_.results == 0 || (full && !(distance < nearest.front()))) return;
    if (depth_.filter != nullptr && !depth_.filter->Passes(row)) return;
    if (full) {
      std::pop_heap(nearest.begin(), nearest.end());
      nearest.pop_back();
    }
    nearest.push_back(distance);
    std::push_heap(nearest.begin(), nearest.end());
    if (nearest.size() < depth_.results) return;
    const float error = RowCoder::ErrorOf(state_.query, rows_.scales[row]);
    bound_ = std::max(depth_.reach * nearest.front(), nearest.front() + kErrors * error);
  }

 private:
  const RowCodes& rows_;
  const Depth& depth_;
  WalkState& state_;
  float bound_ = std::numeric_limits<float>::infinity();
};

}  // namespace

Status Walk(const WalkedGraph& walked, const Depth& depth, WalkState& state) {
  Beam& beam = state.beam;
  beam.Reset(depth.candidates);
  Reach reach(walked, depth, state);
  state.known.Reset(KnownRowsOf(walked, depth.candidates));
  if (walked.unseen != kNoRow) state.known.Visit(walked.unseen);
  state.found.clear();
  if (walked.graph.entry >= walked.graph.rows.n) return Status::Ok();
  Visitor visitor(walked, state);
  // Behind all that it leads to.
  beam.Push(std::numeric_limits<float>::max(), walked.graph.entry);
  float distance = 0;
  for (uint32_t row; beam.NextDistance() < reach.bound() && beam.Take(&row, &distance);) {
    if (!state.known.Visit(row)) continue;
    CHROMA_TRY(CheckSometimes(state.found.size(), walked.check));
    const bool whole = visitor.Visit(
        row, beam.Peek(), [&] { return std::min(beam.bound(), reach.bound()); },
        [&](float estimate, uint32_t neighbor) { beam.Push(estimate, neighbor); }, &distance);
    if (!whole) return Damaged();
    state.found.push_back({distance, row});
    reach.Visited(distance, row);
    // Not before: on the way to the nearest, all the others are not worth keeping.
    if (reach.is_known()) beam.Widen(kMostCandidates * depth.candidates);
    visitor.Prefetch(beam.Peek());
  }
  return Status::Ok();
}

Result<bool> WalkToResults(const WalkedGraph& walked, const Depth& depth, size_t visits_max,
                           WalkState& state) {
  const auto farther = [](const CodedCandidate& a, const CodedCandidate& b) {
    return a.distance > b.distance;
  };
  std::vector<CodedCandidate>& open = state.open;
  state.known.Reset(KnownRowsOf(walked, depth.candidates));
  state.found.clear();
  open.clear();
  if (walked.graph.entry >= walked.graph.rows.n) return true;
  Reach reach(walked, depth, state);
  Visitor visitor(walked, state);
  const auto see = [&](float estimate, uint32_t neighbor) {
    open.push_back({estimate, neighbor});
    std::push_heap(open.begin(), open.end(), farther);
  };
  see(0, walked.graph.entry);
  for (size_t visits = 0; !open.empty();) {
    std::pop_heap(open.begin(), open.end(), farther);
    const CodedCandidate next = open.back();
    open.pop_back();
    if (next.distance > reach.bound()) break;
    if (!state.known.Visit(next.row)) continue;
    if (++visits > visits_max) return false;
    CHROMA_TRY(CheckSometimes(visits, walked.check));
    const uint32_t after = open.empty() ? kNoRow : open.front().row;
    float distance = next.distance;
    if (!visitor.Visit(
            next.row, after, [&] { return reach.bound(); }, see, &distance)) {
      return Damaged();
    }
    if (!depth.filter->Passes(next.row)) continue;
    state.found.push_back({distance, next.row});
    reach.Visited(distance, next.row);
  }
  return true;
}

}  // namespace chroma::index
