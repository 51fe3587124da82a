#include "index/vector/graph_walk.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>

namespace chroma::index {
namespace {

constexpr size_t kVisitsPerCheck = 256;
constexpr uint32_t kLine = 64;
// Times as many, where Depth goes by distances; and results of a filtered walk.
constexpr size_t kMostCandidates = 3;
constexpr size_t kMostResults = 2;

// False: the row's code is damaged.
bool CheckAndPrefetch(const Graph& graph, uint32_t row, Planes planes) {
  const RowCodes& rows = graph.rows;
  if (!graph.CheckHigh(row)) return false;
  __builtin_prefetch(rows.scales + row);
  for (uint32_t at = 0; at < rows.high_bytes(); at += kLine) {
    __builtin_prefetch(rows.High(row) + at);
  }
  if (planes == Planes::kHigh) return true;
  if (!graph.CheckLow(row)) return false;
  for (uint32_t at = 0; at < rows.low_bytes(); at += kLine) {
    __builtin_prefetch(rows.Low(row) + at);
  }
  return true;
}

// One visit of a walk: the distance of a row by code, and its neighbours' or estimates of them.
class Visitor {
 public:
  // `planes`: what is read of neighbours' codes.
  Visitor(const WalkedGraph& walked, Planes planes, WalkState& state)
      : graph_(walked.graph),
        coder_(walked.coder),
        nodes_(walked.nodes),
        makes_nodes_(walked.makes_nodes),
        planes_(planes),
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
    const simd::CodeKernels& kernels = coder_.kernels();
    const float distance = RowCoder::Combine(
        query.squared_norm, query.scale, node.scale,
        static_cast<float>(kernels.dot_i8(query.code.data(), node.code, graph_.rows.padded)));
    uint32_t nearer =
        kernels.estimate(node.neighbor_codes, query.code_tables, graph_.rows.padded, node.offsets,
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
    const std::span one(&row, 1);
    coder_.Distances(state_.query.vector(), graph_.rows, one, Planes::kBoth, distance);
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
      if (!CheckAndPrefetch(graph_, neighbor, planes_)) return false;
      neighbors_[count++] = neighbor;
    }
    if (next != kNoRow) graph_.edges.Prefetch(next);
    coder_.Distances(state_.query.vector(), rows, std::span(neighbors_).first(count), planes_,
                     distances_.data());
    for (size_t i = 0; i < count; ++i) {
      if (rows.Has(neighbors_[i]) && distances_[i] < bound()) see(distances_[i], neighbors_[i]);
    }
    return true;
  }

  const Graph& graph_;
  const RowCoder& coder_;
  PackedNodes* const nodes_;
  const bool makes_nodes_;
  const Planes planes_;
  WalkState& state_;
  std::array<float, kDegree> distances_;
  std::array<uint32_t, kDegree> neighbors_;
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
  Reach(const WalkedGraph& walked, const Depth& depth, Planes planes, WalkState& state)
      : rows_(walked.graph.rows), depth_(depth), planes_(planes), state_(state) {
    state_.nearest.clear();
  }
  // What must be visited is nearer; infinite until there are as many results.
  float bound() const { return bound_; }
  // Whether the results are so near the query that the high bits do not tell which are nearer.
  bool needs_both_planes() const { return needs_both_planes_; }
  bool is_known() const { return bound_ < std::numeric_limits<float>::infinity(); }

  void Visited(float distance, uint32_t row) {
    ++visits_;
    if (depth_.results == 0) return;
    const bool changed = Keep({distance, row});
    if (state_.nearest.size() < depth_.results || visits_ < depth_.visits_min) return;
    if (changed || !is_known()) SetBound(state_.nearest.front());
  }

 private:
  // False: it is none of the nearest results.
  bool Keep(const CodedCandidate& one) {
    std::vector<CodedCandidate>& nearest = state_.nearest;
    const bool full = nearest.size() == depth_.results;
    if (full && !(one.distance < nearest.front().distance)) return false;
    if (depth_.filter != nullptr && !depth_.filter->Passes(one.row)) return false;
    if (full) {
      std::pop_heap(nearest.begin(), nearest.end(), Nearer);
      nearest.pop_back();
    }
    nearest.push_back(one);
    std::push_heap(nearest.begin(), nearest.end(), Nearer);
    return true;
  }

  void SetBound(const CodedCandidate& last) {
    const RowScale& scale = rows_.scales[last.row];
    // Codes err: what seems farther than the last result by less may be nearer.
    constexpr float kErrors = 4;
    constexpr float kErrorsByHigh = 3;
    const float error = planes_ == Planes::kHigh
                            ? kErrorsByHigh * RowCoder::ErrorByHigh(state_.query, scale)
                            : kErrors * RowCoder::ErrorOf(state_.query, scale);
    bound_ = std::max(depth_.reach * last.distance, last.distance + error);
    // Where errors take the walk farther than this, whole codes take less time.
    constexpr float kErrorMax = .05F;
    needs_both_planes_ =
        planes_ == Planes::kHigh && error > std::max(depth_.reach - 1, kErrorMax) * last.distance;
  }

  const RowCodes& rows_;
  const Depth& depth_;
  const Planes planes_;
  WalkState& state_;
  size_t visits_ = 0;
  float bound_ = std::numeric_limits<float>::infinity();
  bool needs_both_planes_ = false;
};

// What a walk is to read of codes first. Without ends by distances nothing would tell that the
// high bits are not enough; where there are nodes, codes are read in their stead seldom.
Planes FirstPlanes(const WalkedGraph& walked, const Depth& depth) {
  return walked.nodes == nullptr && depth.results > 0 ? Planes::kHigh : Planes::kBoth;
}

enum class Ended : uint8_t { kDone, kNeedsBothPlanes, kGaveUp };

// From what is in state.found, or else from the entry.
Result<Ended> WalkBy(Planes planes, const WalkedGraph& walked, const Depth& depth,
                     WalkState& state) {
  Beam& beam = state.beam;
  beam.Reset(depth.candidates);
  for (const CodedCandidate& one : state.found) beam.Push(one.distance, one.row);
  // Behind all that it leads to.
  if (state.found.empty()) beam.Push(std::numeric_limits<float>::max(), walked.graph.entry);
  state.found.clear();
  state.known.Reset(KnownRowsOf(walked, depth.candidates));
  Reach reach(walked, depth, planes, state);
  Visitor visitor(walked, planes, state);
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
    if (reach.needs_both_planes()) return Ended::kNeedsBothPlanes;
    // Not before: on the way to the nearest, all the others are not worth keeping.
    if (reach.is_known()) beam.Widen(kMostCandidates * depth.candidates);
    visitor.Prefetch(beam.Peek());
  }
  return Ended::kDone;
}

// As WalkBy, with an end after *visits_left visits.
Result<Ended> WalkToResultsBy(Planes planes, const WalkedGraph& walked, const Depth& depth,
                              size_t* visits_left, WalkState& state) {
  const auto farther = [](const CodedCandidate& a, const CodedCandidate& b) {
    return a.distance > b.distance;
  };
  std::vector<CodedCandidate>& open = state.open;
  open = state.found;
  if (open.empty()) open.push_back({0, walked.graph.entry});
  std::make_heap(open.begin(), open.end(), farther);
  state.found.clear();
  state.known.Reset(KnownRowsOf(walked, depth.candidates));
  Reach reach(walked, depth, planes, state);
  Visitor visitor(walked, planes, state);
  const auto see = [&](float estimate, uint32_t neighbor) {
    open.push_back({estimate, neighbor});
    std::push_heap(open.begin(), open.end(), farther);
  };
  while (!open.empty() && state.found.size() < kMostResults * depth.candidates) {
    std::pop_heap(open.begin(), open.end(), farther);
    const CodedCandidate next = open.back();
    open.pop_back();
    if (next.distance > reach.bound()) break;
    if (!state.known.Visit(next.row)) continue;
    if (*visits_left == 0) return Ended::kGaveUp;
    CHROMA_TRY(CheckSometimes(--*visits_left, walked.check));
    const uint32_t after = open.empty() ? kNoRow : open.front().row;
    float distance = next.distance;
    if (!visitor.Visit(
            next.row, after, [&] { return reach.bound(); }, see, &distance)) {
      return Damaged();
    }
    if (!depth.filter->Passes(next.row)) continue;
    state.found.push_back({distance, next.row});
    reach.Visited(distance, next.row);
    if (reach.needs_both_planes()) return Ended::kNeedsBothPlanes;
  }
  return Ended::kDone;
}

// walk(planes) by the high bits as long as they are enough, then by whole codes.
template <typename WalkWith>
Result<Ended> WalkByCodes(const WalkedGraph& walked, const Depth& depth, WalkState& state,
                          WalkWith walk) {
  state.found.clear();
  state.found_by = FirstPlanes(walked, depth);
  if (walked.graph.entry >= walked.graph.rows.n) return Ended::kDone;
  CHROMA_ASSIGN(const Ended ended, walk(state.found_by));
  if (ended != Ended::kNeedsBothPlanes) return ended;
  CHROMA_TRY(ReadBothPlanes(walked.graph, walked.coder, state.query, state.found));
  state.found_by = Planes::kBoth;
  return walk(Planes::kBoth);
}

}  // namespace

Status ReadBothPlanes(const Graph& graph, const RowCoder& coder, const CodedQuery& query,
                      std::span<CodedCandidate> candidates) {
  constexpr size_t kAtOnce = 64;
  std::array<uint32_t, kAtOnce> rows;
  std::array<float, kAtOnce> distances;
  while (!candidates.empty()) {
    const size_t n = std::min(candidates.size(), kAtOnce);
    for (size_t i = 0; i < n; ++i) {
      rows[i] = candidates[i].row;
      if (!CheckAndPrefetch(graph, rows[i], Planes::kBoth)) return Damaged();
    }
    coder.Distances(query.vector(), graph.rows, std::span(rows).first(n), Planes::kBoth,
                    distances.data());
    for (size_t i = 0; i < n; ++i) candidates[i].distance = distances[i];
    candidates = candidates.subspan(n);
  }
  return Status::Ok();
}

Status Walk(const WalkedGraph& walked, const Depth& depth, WalkState& state) {
  return WalkByCodes(walked, depth, state,
                     [&](Planes planes) { return WalkBy(planes, walked, depth, state); })
      .status();
}

Result<bool> WalkToResults(const WalkedGraph& walked, const Depth& depth, size_t visits_max,
                           WalkState& state) {
  const auto walk = [&](Planes planes) {
    return WalkToResultsBy(planes, walked, depth, &visits_max, state);
  };
  CHROMA_ASSIGN(const Ended ended, WalkByCodes(walked, depth, state, walk));
  return ended != Ended::kGaveUp;
}

}  // namespace chroma::index
