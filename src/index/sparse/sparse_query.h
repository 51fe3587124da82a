// Sparse vectors as searches see them, and the one definition of their distance.
//
// The dot product of two sparse vectors is summed in double precision over their common dimensions
// in ascending order, and the distance is 1 - dot, rounded to float. Every search answers with
// exactly these numbers, whatever structure it went through, so results do not depend on where a
// record happens to be stored.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "base/bitmap.h"
#include "chroma/status.h"
#include "index/vector/vector_index.h"
#include "model/metadata.h"

namespace chroma::index {

// A view of a sparse vector; `indices` ascend strictly.
struct SparseView {
  std::span<const uint32_t> indices;
  std::span<const float> values;

  SparseView() = default;
  SparseView(std::span<const uint32_t> at, std::span<const float> weights)
      : indices(at), values(weights) {}
  SparseView(const model::SparseVector& vector) : indices(vector.indices), values(vector.values) {}

  size_t size() const { return indices.size(); }
};

// +inf for NaN, as everywhere.
inline float SparseDistance(double dot) {
  const auto distance = static_cast<float>(1.0 - dot);
  return std::isnan(distance) ? std::numeric_limits<float>::infinity() : distance;
}

// The dot product with the vector whose i-th dimension is index(i) and weight weight(i), begin ≤ i
// < end; none when no dimension is shared.
template <typename Index, typename Weight>
std::optional<double> SparseDot(SparseView query, uint64_t begin, uint64_t end, Index&& index,
                                Weight&& weight) {
  double sum = 0;
  bool shared = false;
  for (size_t q = 0; q < query.size() && begin < end;) {
    const uint32_t wanted = query.indices[q];
    const auto at = static_cast<uint32_t>(index(begin));
    if (at == wanted) {
      sum += static_cast<double>(query.values[q]) * weight(begin);
      shared = true;
    }
    if (at <= wanted) ++begin;
    if (at >= wanted) ++q;
  }
  return shared ? std::optional<double>(sum) : std::nullopt;
}

inline std::optional<double> SparseDot(SparseView query, SparseView row) {
  return SparseDot(
      query, 0, std::min(row.indices.size(), row.values.size()),
      [&](uint64_t i) { return row.indices[i]; }, [&](uint64_t i) { return row.values[i]; });
}

struct SparseRequest {
  SparseView query;
  size_t k = 0;
  const Bitmap* allowed = nullptr;  // rows that may be returned; null: all
  const Bitmap* dead = nullptr;     // rows that may not; null: none
  // Rows farther than this are of no use to the caller (the worst of a full top-k elsewhere).
  float bound = std::numeric_limits<float>::infinity();
  // Called every few thousand rows; a failure ends the search with that Status. May be empty.
  std::function<Status()> check;
};

// kInvalidArgument unless the dimensions of the query ascend strictly and each has a weight.
Status CheckSparseQuery(SparseView query);
// Whether all weights are finite numbers, which only an exact scan can do without.
bool IsFinite(SparseView vector);

// The k nearest rows of a stream of them, in any order; equal distances by row.
class NearestSparse {
 public:
  NearestSparse(size_t k, float bound) : k_(k), bound_(bound) {}

  // What is farther cannot enter any more.
  float worst() const { return heap_.size() < k_ ? bound_ : heap_.front().distance; }
  void Push(Candidate candidate) {
    if (k_ == 0 || candidate.distance > bound_) return;
    if (heap_.size() < k_) {
      heap_.push_back(candidate);
      std::push_heap(heap_.begin(), heap_.end());
    } else if (candidate < heap_.front()) {
      std::pop_heap(heap_.begin(), heap_.end());
      heap_.back() = candidate;
      std::push_heap(heap_.begin(), heap_.end());
    }
  }
  // Appends them, nearest first.
  void Take(std::vector<Candidate>* out) {
    std::sort_heap(heap_.begin(), heap_.end());
    out->insert(out->end(), heap_.begin(), heap_.end());
    heap_.clear();
  }

 private:
  const size_t k_;
  const float bound_;
  std::vector<Candidate> heap_;
};

// Inverse document frequency of BM25, ln(1 + (n - df + 0.5) / (df + 0.5)), over n records of which
// df have the dimension (more count as n).
double InverseDocumentFrequency(uint64_t n, uint64_t df);

}  // namespace chroma::index
