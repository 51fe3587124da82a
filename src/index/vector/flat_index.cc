#include "index/vector/flat_index.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace chroma::index {
namespace {

using model::Space;

constexpr size_t kBlockRows = 1024;
constexpr uint32_t kCheckRows = 4096;  // rows between two calls of SearchRequest::check
// A run of allowed rows this long is scanned in place, a shorter one through row pointers.
constexpr uint32_t kRunRows = 16;

// One call of a kernel on up to kBlockRows rows: contiguous from `rows`, or gathered.
struct Block {
  const float* rows = nullptr;
  size_t stride = 0;
  const float* const* pointers = nullptr;
  size_t n = 0;
};

float OrInfinity(float distance) {
  return std::isnan(distance) ? std::numeric_limits<float>::infinity() : distance;
}

double ExactDot(const float* a, const float* b, size_t dimension) {
  double sum = 0;
  for (size_t i = 0; i < dimension; ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

// 1 / sqrt(squared norm), 0 for the zero vector, NaN when a component is not finite. Squares that
// left float32's range would turn a long or a tiny vector into a zero one; those, rare, are
// summed again in double.
float InverseNormOf(float squared, const float* row, size_t dimension) {
  constexpr float kSmall = 1e-30F;
  if (squared >= kSmall && squared <= std::numeric_limits<float>::max()) {
    return 1.0F / std::sqrt(squared);
  }
  const double exact = ExactDot(row, row, dimension);
  if (!std::isfinite(exact)) return std::numeric_limits<float>::quiet_NaN();
  return exact > 0 ? static_cast<float>(1.0 / std::sqrt(exact)) : 0.0F;
}

// Everything about one query that the blocks share.
class Scorer {
 public:
  Scorer(const simd::Kernels& kernels, Space space, const float* query, size_t dimension)
      : kernels_(kernels), space_(space), query_(query), dimension_(dimension) {
    if (space == Space::kCosine) {
      inverse_norm_ = InverseNormOf(kernels.squared_norm(query, dimension), query, dimension);
    }
  }

  // Distances of a block; `inverse_norms` of its rows, or null when they must be computed.
  void Score(const Block& block, const float* inverse_norms, float* out) const {
    switch (space_) {
      case Space::kL2:
        Run(kernels_.l2_many, kernels_.l2_gather, block, out);
        for (size_t i = 0; i < block.n; ++i) out[i] = OrInfinity(out[i]);
        return;
      case Space::kInnerProduct:
        Run(kernels_.dot_many, kernels_.dot_gather, block, out);
        for (size_t i = 0; i < block.n; ++i) out[i] = OrInfinity(1.0F - out[i]);
        return;
      case Space::kCosine:
        Cosine(block, inverse_norms, out);
        return;
    }
  }

 private:
  void Run(simd::ManyFunction many, simd::GatherFunction gather, const Block& block,
           float* out) const {
    if (block.pointers != nullptr) {
      gather(query_, block.pointers, block.n, dimension_, out);
    } else {
      many(query_, block.rows, block.stride, block.n, dimension_, out);
    }
  }

  void Cosine(const Block& block, const float* inverse_norms, float* out) const {
    std::array<float, kBlockRows> norms;
    if (inverse_norms != nullptr) {
      Run(kernels_.dot_many, kernels_.dot_gather, block, out);
    } else {
      if (block.pointers != nullptr) {
        kernels_.dot_norm_gather(query_, block.pointers, block.n, dimension_, out, norms.data());
      } else {
        kernels_.dot_norm_many(query_, block.rows, block.stride, block.n, dimension_, out,
                               norms.data());
      }
      for (size_t i = 0; i < block.n; ++i) {
        norms[i] = InverseNormOf(norms[i], Row(block, i), dimension_);
      }
      inverse_norms = norms.data();
    }
    for (size_t i = 0; i < block.n; ++i) out[i] = Angle(out[i], inverse_norms[i], Row(block, i));
  }

  // Multiplies by one factor at a time, because the product of the two inverse norms may leave
  // float32's range where the distance does not. Lengths so extreme that the dot product left it
  // too, or lost its digits, are computed again in double.
  float Angle(float dot, float row_inverse_norm, const float* row) const {
    if (row_inverse_norm == 0.0F || inverse_norm_ == 0.0F) return 1.0F;
    constexpr float kScaleMax = 1e15F;
    if (!(inverse_norm_ * row_inverse_norm < kScaleMax) || !std::isfinite(dot)) {
      const double norms = std::sqrt(ExactDot(query_, query_, dimension_)) *
                           std::sqrt(ExactDot(row, row, dimension_));
      return OrInfinity(static_cast<float>(1.0 - ExactDot(query_, row, dimension_) / norms));
    }
    return OrInfinity(1.0F - dot * inverse_norm_ * row_inverse_norm);
  }

  static const float* Row(const Block& block, size_t i) {
    return block.pointers != nullptr ? block.pointers[i] : block.rows + i * block.stride;
  }

  const simd::Kernels& kernels_;
  const Space space_;
  const float* const query_;
  const size_t dimension_;
  float inverse_norm_ = 1.0F;
};

// The k smallest candidates seen so far, a max-heap once it is full.
class Nearest {
 public:
  Nearest(size_t k, float bound) : k_(k), bound_(bound) {}

  void Push(float distance, uint32_t row) {
    // Rows come in ascending order, so an equal distance never displaces one held: `>=` is exact
    // once the heap is full, `>` before (a row at the caller's bound may win a tie there).
    if (distance > bound_ || (heap_.size() >= k_ && distance >= bound_)) return;
    if (heap_.size() >= k_) {
      std::pop_heap(heap_.begin(), heap_.end());
      heap_.pop_back();
    }
    heap_.push_back({distance, row});
    std::push_heap(heap_.begin(), heap_.end());
    if (heap_.size() >= k_) bound_ = heap_.front().distance;
  }

  void AppendTo(std::vector<Candidate>* out) {
    std::sort_heap(heap_.begin(), heap_.end());
    out->insert(out->end(), heap_.begin(), heap_.end());
  }

 private:
  const size_t k_;
  float bound_;
  std::vector<Candidate> heap_;
};

// Cuts the allowed rows into blocks and scores them. Rows are visited in ascending order.
class Scan {
 public:
  Scan(const VectorSource& source, const SearchRequest& request, const Scorer& scorer,
       Nearest& nearest)
      : source_(source), request_(request), scorer_(scorer), nearest_(nearest) {}

  Status All() {
    CHROMA_TRY(Range(0, source_.n));
    return Flush();
  }

  Status Allowed() {
    std::array<uint32_t, 1024> members;
    uint32_t from = 0;
    while (from < source_.n) {
      const size_t count = request_.allowed->Read(from, members.data(), members.size());
      size_t i = 0;
      while (i < count && members[i] < source_.n) {
        size_t end = i + 1;
        while (end < count && members[end] < source_.n && members[end] == members[end - 1] + 1) {
          ++end;
        }
        CHROMA_TRY(Range(members[i], members[i] + static_cast<uint32_t>(end - i)));
        i = end;
      }
      if (i < members.size()) break;  // past the last member or the last row
      if (members[i - 1] == std::numeric_limits<uint32_t>::max()) break;
      from = members[i - 1] + 1;
    }
    return Flush();
  }

 private:
  Status Range(uint32_t begin, uint32_t end) {
    if (source_.row_pointers == nullptr && end - begin >= kRunRows) {
      CHROMA_TRY(Flush());
      for (uint32_t row = begin; row < end;) {
        const uint32_t n = std::min<uint32_t>(kBlockRows, end - row);
        CHROMA_TRY(Contiguous(row, n));
        row += n;
      }
      return Status::Ok();
    }
    for (uint32_t row = begin; row < end; ++row) {
      const float* pointer = source_.row_pointers != nullptr
                                 ? source_.row_pointers[row]
                                 : source_.rows + static_cast<size_t>(row) * source_.stride;
      if (source_.row_pointers != nullptr && pointer == nullptr) continue;
      pointers_[pending_] = pointer;
      rows_[pending_] = row;
      if (++pending_ == kBlockRows) CHROMA_TRY(Flush());
    }
    return Status::Ok();
  }

  Status Contiguous(uint32_t first, uint32_t n) {
    Block block;
    block.rows = source_.rows + static_cast<size_t>(first) * source_.stride;
    block.stride = source_.stride;
    block.n = n;
    const float* norms = source_.inverse_norms != nullptr ? source_.inverse_norms + first : nullptr;
    scorer_.Score(block, norms, distances_.data());
    for (uint32_t i = 0; i < n; ++i) nearest_.Push(distances_[i], first + i);
    return Count(n);
  }

  // Scores the gathered rows that wait.
  Status Flush() {
    if (pending_ == 0) return Status::Ok();
    Block block;
    block.pointers = pointers_.data();
    block.n = pending_;
    const float* norms = nullptr;
    if (source_.inverse_norms != nullptr) {
      for (size_t i = 0; i < pending_; ++i) norms_[i] = source_.inverse_norms[rows_[i]];
      norms = norms_.data();
    }
    scorer_.Score(block, norms, distances_.data());
    for (size_t i = 0; i < pending_; ++i) nearest_.Push(distances_[i], rows_[i]);
    const auto n = static_cast<uint32_t>(pending_);
    pending_ = 0;
    return Count(n);
  }

  Status Count(uint32_t n) {
    since_check_ += n;
    if (since_check_ < kCheckRows) return Status::Ok();
    since_check_ = 0;
    return request_.check ? request_.check() : Status::Ok();
  }

  const VectorSource& source_;
  const SearchRequest& request_;
  const Scorer& scorer_;
  Nearest& nearest_;
  std::array<float, kBlockRows> distances_;
  std::array<float, kBlockRows> norms_;
  std::array<const float*, kBlockRows> pointers_;
  std::array<uint32_t, kBlockRows> rows_;
  size_t pending_ = 0;
  uint32_t since_check_ = 0;
};

}  // namespace

FlatIndex::FlatIndex() : kernels_(&simd::ActiveKernels()) {}

Status FlatIndex::Search(const VectorSource& source, const SearchRequest& request,
                         std::vector<Candidate>* out) const {
  if (request.k == 0 || source.n == 0) return Status::Ok();
  const Scorer scorer(*kernels_, request.space, request.query, source.dimension);
  Nearest nearest(request.k, request.bound);
  Scan scan(source, request, scorer, nearest);
  CHROMA_TRY(request.allowed != nullptr ? scan.Allowed() : scan.All());
  nearest.AppendTo(out);
  return Status::Ok();
}

float Distance(Space space, const float* a, const float* b, size_t dimension) {
  float distance;
  Distances(space, a, &b, 1, dimension, &distance);
  return distance;
}

void Distances(Space space, const float* query, const float* const* rows, size_t n,
               size_t dimension, float* out) {
  const Scorer scorer(simd::ActiveKernels(), space, query, dimension);
  std::array<const float*, kBlockRows> present;
  std::array<size_t, kBlockRows> places;
  std::array<float, kBlockRows> distances;
  for (size_t i = 0; i < n;) {
    Block block;
    block.pointers = present.data();
    for (; i < n && block.n < kBlockRows; ++i) {
      if (rows[i] == nullptr) {
        out[i] = std::numeric_limits<float>::infinity();
        continue;
      }
      present[block.n] = rows[i];
      places[block.n++] = i;
    }
    scorer.Score(block, nullptr, distances.data());
    for (size_t j = 0; j < block.n; ++j) out[places[j]] = distances[j];
  }
}

float InverseNorm(const float* row, size_t dimension) {
  return InverseNormOf(simd::ActiveKernels().squared_norm(row, dimension), row, dimension);
}

}  // namespace chroma::index
