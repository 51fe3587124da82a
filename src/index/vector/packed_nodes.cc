#include "index/vector/packed_nodes.h"

#include <algorithm>
#include <cstring>

namespace chroma::index {
namespace {

constexpr size_t kLine = 64;
constexpr size_t kScaleAt = 8;  // behind the state
constexpr size_t kCodeAt = kLine;
// Of a walk's next node: what it reads first. More would be in the way of each other.
constexpr size_t kPrefetchLines = 40;
// Estimates of neighbours that do not exist are beyond every bound.
constexpr float kAbsentOffset = 1e38F;

}  // namespace

PackedNodes::PackedNodes(const RowCoder& coder, uint32_t n)
    : coder_(coder),
      codes_at_(kCodeAt + coder.padded()),
      offsets_at_(codes_at_ + size_t{kDegree} * coder.padded() / 8),
      factors_at_(offsets_at_ + kDegree * sizeof(float)),
      neighbors_at_(factors_at_ + kDegree * sizeof(float)),
      node_bytes_((neighbors_at_ + kDegree * sizeof(uint32_t) + kLine - 1) / kLine * kLine),
      memory_(node_bytes_ * n) {}

PackedNodes::Found PackedNodes::At(const Graph& graph, uint32_t row, bool make,
                                   std::vector<uint8_t>* scratch, Node* out) {
  uint8_t* node = memory_.bytes() + node_bytes_ * row;
  std::atomic<State>& state = StateOf(node);
  State seen = state.load(std::memory_order_acquire);
  if (seen == State::kReady) {
    *out = View(node);
    return Found::kReady;
  }
  if (!make) return Found::kAbsent;
  bool made = false;
  if (seen == State::kAbsent &&
      state.compare_exchange_strong(seen, State::kBusy, std::memory_order_acquire)) {
    made = Make(graph, row, node);
    state.store(made ? State::kReady : State::kAbsent, std::memory_order_release);
  } else {
    scratch->resize(node_bytes_);
    node = scratch->data();
    made = Make(graph, row, node);
  }
  if (!made) return Found::kDamaged;
  *out = View(node);
  return Found::kReady;
}

void PackedNodes::Prefetch(uint32_t row) const {
  const uint8_t* node = memory_.bytes() + node_bytes_ * row;
  const size_t lines = std::min(kPrefetchLines, node_bytes_ / kLine);
  for (size_t line = 0; line < lines; ++line) __builtin_prefetch(node + line * kLine);
}

void PackedNodes::Forget(std::span<const uint32_t> rows) {
  for (const uint32_t row : rows) {
    StateOf(memory_.bytes() + node_bytes_ * row).store(State::kAbsent, std::memory_order_relaxed);
  }
}

PackedNodes::Node PackedNodes::View(const uint8_t* node) const {
  Node view;
  std::memcpy(&view.scale, node + kScaleAt, sizeof view.scale);
  view.code = reinterpret_cast<const int8_t*>(node + kCodeAt);
  view.neighbor_codes = node + codes_at_;
  view.offsets = reinterpret_cast<const float*>(node + offsets_at_);
  view.factors = reinterpret_cast<const float*>(node + factors_at_);
  view.neighbors = reinterpret_cast<const uint32_t*>(node + neighbors_at_);
  return view;
}

bool PackedNodes::Make(const Graph& graph, uint32_t row, uint8_t* node) const {
  static thread_local std::vector<float> center;
  static thread_local std::vector<int8_t> code;
  const RowCodes& rows = graph.rows;
  if (!graph.CheckCode(row) || !graph.CheckEdges(row)) return false;
  auto* const own_code = reinterpret_cast<int8_t*>(node + kCodeAt);
  coder_.Read(rows, row, own_code);
  code.resize(rows.padded);
  center.resize(rows.padded);
  for (uint32_t i = 0; i < rows.padded; ++i) {
    center[i] = static_cast<float>(own_code[i]) * rows.scales[row].scale;
  }
  std::memcpy(node + kScaleAt, &rows.scales[row], sizeof(RowScale));
  std::fill(node + codes_at_, node + offsets_at_, uint8_t{0});
  auto* offsets = reinterpret_cast<float*>(node + offsets_at_);
  auto* factors = reinterpret_cast<float*>(node + factors_at_);
  auto* neighbors = reinterpret_cast<uint32_t*>(node + neighbors_at_);
  graph.edges.Read(row, neighbors);
  for (uint32_t lane = 0; lane < kDegree; ++lane) {
    const uint32_t neighbor = neighbors[lane];
    offsets[lane] = kAbsentOffset;
    factors[lane] = 0;
    // A damaged graph may name any number.
    if (neighbor >= rows.n || !rows.Has(neighbor)) continue;
    if (!graph.CheckCode(neighbor)) return false;
    simd::CodeKernels::ResidualSums sums;
    coder_.Read(rows, neighbor, code.data());
    coder_.kernels().encode_residual(code.data(), rows.scales[neighbor].scale, center.data(),
                                     rows.padded, lane, node + codes_at_, &sums);
    const float factor = sums.magnitudes > 0 ? 2 * sums.squared_norm / sums.magnitudes : 0;
    offsets[lane] = sums.squared_norm + factor * sums.center_signed;
    factors[lane] = -factor;
  }
  return true;
}

}  // namespace chroma::index
