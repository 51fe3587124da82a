#include "index/vector/sign_codes.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include "index/vector/flat_index.h"

namespace chroma::index {
namespace {

constexpr uint32_t kLanes = simd::kCodeLanes;
constexpr uint32_t kBlockRows = 1024;
constexpr uint32_t kGroups = kBlockRows / kLanes;
// Rows whose codes a search makes: half a millisecond at 384 dimensions.
constexpr uint32_t kRowsPerSearch = 256;
// The rows that the code space is chosen by.
constexpr uint32_t kSampleRows = 1024;
constexpr uint64_t kSeed = 1;
// How many standard deviations an estimate may be off.
constexpr float kDeviations = 3;
// Offsets of rows that are always compared, and of those that there is nothing to compare of.
constexpr float kAlwaysNear = -std::numeric_limits<float>::infinity();
constexpr float kNeverNear = std::numeric_limits<float>::infinity();
// Distances are off by some of these, of what they are made from.
constexpr float kRounding = 8 * std::numeric_limits<float>::epsilon();

}  // namespace

struct SignCodes::Block {
  explicit Block(uint32_t padded)
      : group_bytes(size_t{kLanes} * padded / 8), codes(kGroups * group_bytes) {}

  const size_t group_bytes;
  std::vector<uint8_t> codes;  // of each group of kLanes rows, as CodeKernels::estimate wants them
  std::array<float, kBlockRows> offsets;
  std::array<float, kBlockRows> factors;
  std::array<float, kBlockRows> errors;       // of estimates, over the length of the query
  std::array<float, kGroups> greatest_error;  // of those of a group
};

// Codes rows, group by group from the first of each.
class SignCodes::Encoder {
 public:
  explicit Encoder(const RowCoder& coder)
      : coder_(coder), origin_(coder.padded(), 0.0F), code_(coder.padded()) {}

  // Null: there is no vector. One that cannot be read is compared by searches, which tell. `at`:
  // the row's place in the block.
  void Encode(const Result<const float*>& values, uint32_t at, Block& block) {
    const uint32_t group = at / kLanes;
    uint8_t* const codes = block.codes.data() + group * block.group_bytes;
    if (at % kLanes == 0) block.greatest_error[group] = 0;
    block.factors[at] = block.errors[at] = 0;
    RowScale scale;
    const bool is_absent = values.ok() && *values == nullptr;
    if (!values.ok() || is_absent || !coder_.Encode(*values, code_.data(), &scale)) {
      block.offsets[at] = is_absent ? kNeverNear : kAlwaysNear;
      return;
    }
    simd::CodeKernels::ResidualSums sums;
    coder_.kernels().encode_residual(code_.data(), scale.scale, origin_.data(), coder_.padded(),
                                     at % kLanes, codes, &sums);
    block.offsets[at] = sums.squared_norm;
    if (!(sums.magnitudes > 0)) return;
    block.factors[at] = -2 * sums.squared_norm / sums.magnitudes;
    const auto dimensions = static_cast<float>(coder_.padded());
    // The signs lie along the row by this share of their length.
    const float x = sums.magnitudes / std::sqrt(sums.squared_norm * dimensions);
    const float across = std::sqrt(std::max(0.0F, 1 - x * x) / (dimensions - 1)) / x;
    block.errors[at] = kDeviations * 2 * std::sqrt(sums.squared_norm) * across;
    block.greatest_error[group] = std::max(block.greatest_error[group], block.errors[at]);
  }

 private:
  const RowCoder& coder_;
  const std::vector<float> origin_;
  std::vector<int8_t> code_;
};

// One search.
class SignCodes::Scan {
 public:
  Scan(const View& view, const VectorSource& source, const SearchRequest& request)
      : view_(view), source_(source), request_(request) {}

  Status Run(std::vector<Candidate>* out) {
    const uint32_t coded = std::min(view_.rows, source_.n / kLanes * kLanes);
    if (!view_.coder || !view_.coder->EncodeQuery(request_.query, &query_)) {
      CHROMA_TRY(CompareAll(0, source_.n));
    } else {
      length_ = std::sqrt(query_.squared_norm);
      SetScale();
      CHROMA_TRY(CompareAll(coded, source_.n));
      CHROMA_TRY(Estimate(coded));
      CHROMA_TRY(CompareNear());
    }
    std::sort_heap(nearest_.begin(), nearest_.end());
    out->insert(out->end(), nearest_.begin(), nearest_.end());
    return Status::Ok();
  }

 private:
  struct Estimated {
    float lower;  // it is not nearer than this, squared, in the code space
    uint32_t row;
  };

  // Exactly, rows begin … end-1 that are allowed.
  Status CompareAll(uint32_t begin, uint32_t end) {
    std::array<uint32_t, kBlockRows> rows;
    while (begin < end) {
      size_t n = 0;
      if (request_.allowed != nullptr) {
        n = request_.allowed->Read(begin, rows.data(), rows.size());
        begin = n < rows.size() || rows[n - 1] >= end - 1 ? end : rows[n - 1] + 1;
        while (n > 0 && rows[n - 1] >= end) --n;
      } else {
        for (; n < rows.size() && begin < end; ++n) rows[n] = begin++;
      }
      CHROMA_TRY(Compare(std::span(rows).first(n)));
    }
    return Status::Ok();
  }

  Status Compare(std::span<const uint32_t> rows) {
    if (request_.check) CHROMA_TRY(request_.check());
    std::array<const float*, kBlockRows> pointers;
    std::array<float, kBlockRows> distances;
    for (size_t i = 0; i < rows.size(); ++i) {
      CHROMA_ASSIGN(pointers[i], source_.reader->Row(rows[i]));
    }
    Distances(request_.space, request_.query, pointers.data(), rows.size(), source_.dimension,
              distances.data());
    for (size_t i = 0; i < rows.size(); ++i) {
      if (pointers[i] != nullptr) Keep({distances[i], rows[i]});
    }
    return Status::Ok();
  }

  void Keep(const Candidate& candidate) {
    if (candidate.distance > request_.bound) return;
    nearest_.push_back(candidate);
    std::push_heap(nearest_.begin(), nearest_.end());
    if (nearest_.size() <= request_.k) return;
    std::pop_heap(nearest_.begin(), nearest_.end());
    nearest_.pop_back();
  }

  // What is farther, squared, in the code space, than rows that were compared is of no use.
  float Limit() const {
    float distance = request_.bound;
    if (nearest_.size() == request_.k) distance = nearest_.front().distance;
    if (request_.space == model::Space::kL2) return distance * (1 + kRounding);
    return lengths_ - 2 * factor_ * (1 - distance) + lengths_ * kRounding;
  }

  // In the code space |f q - r|² = f² |q|² + |r|² - 2 f <q, r>, where <q, r> is one less the
  // distance; but for ip both are of length one.
  void SetScale() {
    lengths_ = 2;
    factor_ = 1;
    if (request_.space != model::Space::kInnerProduct) return;
    double squared = 0;
    for (uint32_t i = 0; i < source_.dimension; ++i) {
      squared += static_cast<double>(request_.query[i]) * request_.query[i];
    }
    const double length = view_.coder->space().length;
    factor_ = query_.factor;
    lengths_ = static_cast<float>(squared * factor_ * factor_ + length * length);
  }

  // Which of the first `coded` rows may be among the nearest.
  Status Estimate(uint32_t coded) {
    limit_ = Limit();
    std::array<float, kLanes> estimates;
    for (uint32_t row = 0; row < coded; row += kLanes) {
      const Block& block = *view_.blocks[row / kBlockRows];
      const uint32_t at = row % kBlockRows;
      if (at == 0 && request_.check) CHROMA_TRY(request_.check());
      const float bound = limit_ + length_ * block.greatest_error[at / kLanes];
      uint32_t near = view_.coder->kernels().estimate(
          block.codes.data() + at / kLanes * block.group_bytes, query_.code_tables,
          view_.coder->padded(), block.offsets.data() + at, block.factors.data() + at,
          query_.squared_norm, bound, estimates.data());
      for (; near != 0; near &= near - 1) {
        const auto lane = static_cast<uint32_t>(std::countr_zero(near));
        See(row + lane, estimates[lane], length_ * block.errors[at + lane]);
      }
    }
    std::erase_if(estimated_, [this](const Estimated& one) { return one.lower > limit_; });
    return Status::Ok();
  }

  void See(uint32_t row, float estimate, float error) {
    if (estimate - error > limit_) return;
    if (request_.allowed != nullptr && !request_.allowed->Contains(row)) return;
    estimated_.push_back({estimate - error, row});
    // The k nearest are no farther than the k least of what rows are at most apart.
    if (std::isinf(estimate)) return;
    upper_.push_back(estimate + error);
    std::push_heap(upper_.begin(), upper_.end());
    if (upper_.size() > request_.k) {
      std::pop_heap(upper_.begin(), upper_.end());
      upper_.pop_back();
    }
    if (upper_.size() == request_.k) limit_ = std::min(limit_, upper_.front());
  }

  // The likeliest first, until no other can be nearer than what was found.
  Status CompareNear() {
    std::sort(estimated_.begin(), estimated_.end(), [](const Estimated& a, const Estimated& b) {
      return a.lower != b.lower ? a.lower < b.lower : a.row < b.row;
    });
    std::array<uint32_t, kLanes> rows;
    for (size_t i = 0; i < estimated_.size();) {
      const float limit = Limit();
      size_t n = 0;
      for (; i < estimated_.size() && n < rows.size(); ++i) {
        if (estimated_[i].lower > limit) return Compare(std::span(rows).first(n));
        rows[n++] = estimated_[i].row;
      }
      CHROMA_TRY(Compare(std::span(rows).first(n)));
    }
    return Status::Ok();
  }

  const View& view_;
  const VectorSource& source_;
  const SearchRequest& request_;
  CodedQuery query_;
  float length_ = 0;   // of the query in the code space
  float lengths_ = 0;  // f² |q|² + |r|² there, but for l2
  float factor_ = 1;
  float limit_ = 0;
  std::vector<Estimated> estimated_;
  std::vector<float> upper_;        // a heap, the greatest first
  std::vector<Candidate> nearest_;  // the same; at most k
};

std::shared_ptr<const SignCodes::View> SignCodes::Seen() const {
  runtime::MutexLock lock(mutex_);
  return all_;
}

bool SignCodes::Pay(uint64_t wanted, uint64_t rows) {
  return wanted >= kRowsMin && wanted * kShareMin >= rows;
}

uint32_t SignCodes::coded() const {
  return Seen()->rows;
}

Status SignCodes::Search(const VectorSource& source, const SearchRequest& request,
                         std::vector<Candidate>* out) {
  if (request.k == 0 || source.n == 0) return Status::Ok();
  const uint64_t wanted =
      request.allowed == nullptr ? source.n : request.allowed->CountRange(0, source.n);
  auto view = std::make_shared<const View>();
  if (Pay(wanted, source.n)) {
    CHROMA_TRY(Extend(source, kRowsPerSearch));
    view = Seen();
  }
  return Scan(*view, source, request).Run(out);
}

Status SignCodes::Extend(const VectorSource& source, uint32_t rows_max) {
  if (source.n < kRowsMin || !extending_.TryLock()) return Status::Ok();
  const Status status = ExtendAlone(source, rows_max);
  extending_.Unlock();
  return status;
}

std::shared_ptr<const RowCoder> SignCodes::CoderFor(const VectorSource& source) const {
  std::vector<const float*> sample;
  const uint32_t step = std::max(source.n / kSampleRows, 1U);
  for (uint32_t row = 0; row < source.n; row += step) {
    const Result<const float*> values = source.reader->Row(row);
    sample.push_back(values.ok() ? *values : nullptr);
  }
  return std::make_shared<const RowCoder>(simd::ActiveCodeKernels(),
                                          ChooseCodeSpace(space_, dimension_, kSeed, sample));
}

Status SignCodes::ExtendAlone(const VectorSource& source, uint32_t rows_max) {
  if (coded() >= source.n / kLanes * kLanes) return Status::Ok();
  View view = *Seen();
  const uint32_t end =
      (view.rows + std::min(rows_max, source.n - std::min(source.n, view.rows))) / kLanes * kLanes;
  if (view.rows >= end) return Status::Ok();
  if (view.coder == nullptr) {
    view.coder = CoderFor(source);
  }
  Encoder encoder(*view.coder);
  for (uint32_t row = view.rows; row < end; ++row) {
    if (row % kBlockRows == 0) {
      view.blocks.push_back(std::make_shared<Block>(view.coder->padded()));
    }
    encoder.Encode(source.reader->Row(row), row % kBlockRows, *view.blocks.back());
  }
  view.rows = end;
  auto extended = std::make_shared<const View>(std::move(view));
  runtime::MutexLock lock(mutex_);
  all_ = std::move(extended);
  return Status::Ok();
}

}  // namespace chroma::index
