#include "index/vector/row_codes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <utility>

namespace chroma::index {
namespace {

using model::Space;

constexpr float kRowCodeMax = 31;
constexpr float kQueryCodeMax = 127;
// Below it, dividing by a scale would overflow.
constexpr float kTiny = 1e-30F;
constexpr double kVarianceOfRounding = 1.0 / 12;

// What is added to a code to cut it, and where it is cut.
constexpr int32_t kRaise = 32;
constexpr int32_t kLowNumbers = 4;

// The planes' layouts: CodeKernels::dot_u4 and dot_u2.
void Split(const int8_t* code, uint32_t padded, uint8_t* high, uint8_t* low) {
  constexpr uint32_t kChunk = 64;
  for (const int8_t* const end = code + padded; code < end; code += kChunk) {
    const auto raised = [&](uint32_t i) { return code[i] + kRaise; };
    for (uint32_t j = 0; j < kChunk / 2; ++j) {
      const int32_t first = raised(j) / kLowNumbers;
      const int32_t second = raised(j + kChunk / 2) / kLowNumbers;
      *high++ = static_cast<uint8_t>(first | second << 4);
    }
    for (uint32_t j = 0; j < kChunk / 4; ++j) {
      int32_t byte = 0;
      for (uint32_t part = 0; part < 4; ++part) {
        byte |= raised(j + part * kChunk / 4) % kLowNumbers << 2 * part;
      }
      *low++ = static_cast<uint8_t>(byte);
    }
  }
}

int32_t Sum(const std::vector<int8_t>& code) {
  return std::accumulate(code.begin(), code.end(), int32_t{0});
}

// Of the distance between a query and a row whose components are rounded to `step`.
double VarianceOf(const CodedQuery& query, const RowScale& row, float step) {
  // In doubles: squares of large components are beyond floats.
  const double query_step = static_cast<double>(query.scale) * query.scale;
  const double row_step = static_cast<double>(step) * step;
  const double sum = query.squared_norm * row_step + row.squared_norm * query_step;
  return 4 * kVarianceOfRounding * sum;
}

// Of a code with what both planes give, and with what the high one does: low numbers are taken for
// their middle.
float Dot(int32_t code_sum, int32_t high, int32_t low) {
  return static_cast<float>(int64_t{kLowNumbers} * high + low - int64_t{kRaise} * code_sum);
}
float DotByHigh(int32_t code_sum, int32_t high) {
  constexpr float kMiddle = (kLowNumbers - 1) / 2.0F;
  return kLowNumbers * static_cast<float>(high) + (kMiddle - kRaise) * static_cast<float>(code_sum);
}

double SquaredNorm(const float* row, size_t dimension) {
  double sum = 0;
  for (size_t i = 0; i < dimension; ++i) sum += static_cast<double>(row[i]) * row[i];
  return sum;
}

}  // namespace

RowCoder::RowCoder(const simd::CodeKernels& kernels, CodeSpace space)
    : kernels_(kernels),
      space_(std::move(space)),
      rotation_(space_.code_dimension(), space_.seed) {}

float RowCoder::ErrorOf(const CodedQuery& query, const RowScale& row) {
  return static_cast<float>(std::sqrt(VarianceOf(query, row, row.scale)));
}

float RowCoder::ErrorByHigh(const CodedQuery& query, const RowScale& row) {
  return static_cast<float>(std::sqrt(VarianceOf(query, row, kLowNumbers * row.scale)));
}

bool RowCoder::MayBeNearer(const CodedQuery& query, const RowScale& row, Planes planes,
                           float distance, float errors, float than) {
  const double excess = static_cast<double>(distance) - than;
  if (excess <= 0) return true;
  const float step = planes == Planes::kBoth ? row.scale : kLowNumbers * row.scale;
  return excess * excess <= static_cast<double>(errors) * errors * VarianceOf(query, row, step);
}

void RowCoder::Distances(const CodedVector& from, const RowCodes& rows,
                         std::span<const uint32_t> others, Planes planes, float* out) const {
  constexpr size_t kBlock = 64;
  std::array<const uint8_t*, kBlock> pointers;
  std::array<int32_t, kBlock> high;
  std::array<int32_t, kBlock> low;
  for (size_t begin = 0; begin < others.size(); begin += kBlock) {
    const std::span<const uint32_t> block =
        others.subspan(begin, std::min(kBlock, others.size() - begin));
    for (size_t i = 0; i < block.size(); ++i) pointers[i] = rows.High(block[i]);
    kernels_.dot_u4(from.code, pointers.data(), block.size(), rows.padded, high.data());
    if (planes == Planes::kBoth) {
      for (size_t i = 0; i < block.size(); ++i) pointers[i] = rows.Low(block[i]);
      kernels_.dot_u2(from.code, pointers.data(), block.size(), rows.padded, low.data());
    }
    for (size_t i = 0; i < block.size(); ++i) {
      const float dot =
          planes == Planes::kBoth ? Dot(from.sum, high[i], low[i]) : DotByHigh(from.sum, high[i]);
      out[begin + i] = Combine(from.squared_norm, from.scale, rows.scales[block[i]], dot);
    }
  }
}

void RowCoder::Distances(const RowCodes& rows, uint32_t row, std::span<const uint32_t> others,
                         float* out) const {
  static thread_local std::vector<int8_t> code;
  code.resize(rows.padded);
  Read(rows, row, code.data());
  const RowScale& scale = rows.scales[row];
  const CodedVector from = {code.data(), Sum(code), scale.scale, scale.squared_norm};
  Distances(from, rows, others, Planes::kBoth, out);
}

void RowCoder::Distances(const RowCodes& rows, std::span<const uint32_t> some,
                         std::span<const uint32_t> others, float* out) const {
  static thread_local std::vector<int8_t> codes;
  static thread_local std::vector<const int8_t*> pointers;
  static thread_local std::vector<int32_t> dots;
  codes.resize((some.size() + others.size()) * rows.padded);
  pointers.clear();
  for (const std::span<const uint32_t> side : {some, others}) {
    for (const uint32_t row : side) {
      int8_t* const code = codes.data() + pointers.size() * rows.padded;
      Read(rows, row, code);
      pointers.push_back(code);
    }
  }
  dots.resize(some.size() * others.size());
  kernels_.dot_i8_block(pointers.data(), some.size(), pointers.data() + some.size(), others.size(),
                        rows.padded, dots.data());
  const int32_t* dot = dots.data();
  for (const uint32_t row : some) {
    const RowScale& scale = rows.scales[row];
    for (const uint32_t other : others) {
      *out++ =
          Combine(scale.squared_norm, scale.scale, rows.scales[other], static_cast<float>(*dot++));
    }
  }
}

// What brings a query to the length L. Where there is none, as all rows or the query are zero,
// every order of theirs is as good.
float RowCoder::ToLength(double squared_norm) const {
  const auto scale = static_cast<float>(space_.length / std::sqrt(squared_norm));
  return std::isnormal(scale) ? scale : 1;
}

bool RowCoder::IntoCodeSpace(const float* vector, bool is_query, float* factor, float* out) const {
  static thread_local std::vector<float> moved;
  moved.resize(space_.code_dimension());
  const double squared = SquaredNorm(vector, space_.dimension);
  // Beyond float32's range when squared: no order by these distances would be right.
  if (!(squared < 1e37)) return false;
  float scale = 1;
  if (space_.space == Space::kCosine && squared < kTiny) return false;
  if (space_.space == Space::kCosine) scale = static_cast<float>(1 / std::sqrt(squared));
  if (space_.space == Space::kInnerProduct && is_query) scale = ToLength(squared);
  *factor = scale;
  for (uint32_t i = 0; i < space_.dimension; ++i) {
    moved[i] = vector[i] * scale - space_.center[i];
  }
  if (space_.space == Space::kInnerProduct) {
    const double left = static_cast<double>(space_.length) * space_.length - squared;
    if (!is_query && left < 0) return false;
    moved[space_.dimension] =
        (is_query ? 0.0F : static_cast<float>(std::sqrt(left))) - space_.center[space_.dimension];
  }
  rotation_.Apply(kernels_, moved.data(), out);
  return true;
}

bool RowCoder::Encode(const float* row, int8_t* code, RowScale* scale) const {
  static thread_local std::vector<float> rotated;
  rotated.resize(padded());
  float factor = 0;
  if (!IntoCodeSpace(row, /*is_query=*/false, &factor, rotated.data())) {
    std::fill_n(code, padded(), int8_t{0});
    *scale = {0, -1};
    return false;
  }
  simd::CodeKernels::Shape shape;
  kernels_.measure(rotated.data(), padded(), &shape);
  scale->scale = std::max(shape.magnitude_max, kTiny) / kRowCodeMax;
  kernels_.quantize(rotated.data(), padded(), 1 / scale->scale, code);
  const auto dot = static_cast<float>(kernels_.dot_i8(code, code, padded()));
  scale->squared_norm = scale->scale * scale->scale * dot;
  return true;
}

bool RowCoder::EncodeQuery(const float* query, CodedQuery* out) const {
  out->rotated.resize(padded());
  if (!IntoCodeSpace(query, /*is_query=*/true, &out->factor, out->rotated.data())) return false;
  Finish(out);
  return true;
}

void RowCoder::EncodeQuery(const RowCodes& rows, uint32_t row, CodedQuery* out) const {
  out->rotated.resize(padded());
  out->code.resize(padded());
  Read(rows, row, out->code.data());
  for (uint32_t i = 0; i < padded(); ++i) {
    out->rotated[i] = static_cast<float>(out->code[i]) * rows.scales[row].scale;
  }
  Finish(out);
}

void RowCoder::Finish(CodedQuery* out) const {
  simd::CodeKernels::Shape shape;
  kernels_.measure(out->rotated.data(), padded(), &shape);
  out->squared_norm = shape.squared_norm;
  out->scale = std::max(shape.magnitude_max, kTiny) / kQueryCodeMax;
  out->code.resize(padded());
  kernels_.quantize(out->rotated.data(), padded(), 1 / out->scale, out->code.data());
  out->code_sum = Sum(out->code);

  const float step = std::max(shape.group_range_max, kTiny) / simd::kTableMax;
  out->tables.resize(size_t{padded()} * 4);  // 16 entries for each group of 4
  kernels_.fill_tables(out->rotated.data(), padded(), 1 / step, out->tables.data());
  // Over the set bits q sums to step * entries + negative_sum; Σ ±q is twice that less Σ q.
  out->code_tables = {out->tables.data(), 2 * step, 2 * shape.negative_sum - shape.sum};
}

CodedRows::CodedRows(const RowCoder& coder, std::span<const float* const> rows,
                     const ParallelFor& parallel_for)
    : padded_(coder.padded()),
      planes_(rows.size() * (RowCodes::HighBytes(padded_) + RowCodes::LowBytes(padded_))),
      scales_(rows.size(), RowScale{0, -1}) {
  constexpr size_t kRowsAtOnce = 256;
  uint8_t* const high = planes_.bytes();
  uint8_t* const low = high + rows.size() * RowCodes::HighBytes(padded_);
  parallel_for((rows.size() + kRowsAtOnce - 1) / kRowsAtOnce, [&](size_t chunk) {
    std::vector<int8_t> code(padded_);
    const size_t end = std::min(rows.size(), (chunk + 1) * kRowsAtOnce);
    for (size_t row = chunk * kRowsAtOnce; row < end; ++row) {
      if (rows[row] == nullptr || !coder.Encode(rows[row], code.data(), &scales_[row])) continue;
      Split(code.data(), padded_, high + row * RowCodes::HighBytes(padded_),
            low + row * RowCodes::LowBytes(padded_));
    }
  });
}

RowCodes CodedRows::view() const {
  return {.high = planes_.bytes(),
          .low = planes_.bytes() + scales_.size() * RowCodes::HighBytes(padded_),
          .scales = scales_.data(),
          .n = static_cast<uint32_t>(scales_.size()),
          .padded = padded_};
}

CodeSpace ChooseCodeSpace(Space space, uint32_t dimension, uint64_t seed,
                          std::span<const float* const> rows) {
  constexpr size_t kSample = 10'000;
  CodeSpace chosen;
  chosen.space = space;
  chosen.dimension = dimension;
  chosen.seed = seed;
  double squared_max = 0;
  if (space == Space::kInnerProduct) {
    for (const float* row : rows) {
      const double squared = row == nullptr ? 0 : SquaredNorm(row, dimension);
      if (squared < 1e37) squared_max = std::max(squared_max, squared);
    }
    // A little room, so that rows that come later and are hardly longer find their place.
    chosen.length = static_cast<float>(std::sqrt(squared_max) * 1.1);
  }
  std::vector<double> sums(chosen.code_dimension(), 0.0);
  size_t count = 0;
  const size_t step = std::max<size_t>(rows.size() / kSample, 1);
  for (size_t i = 0; i < rows.size(); i += step) {
    if (rows[i] == nullptr) continue;
    const double squared = SquaredNorm(rows[i], dimension);
    if (!(squared < 1e37) || (space == Space::kCosine && squared < kTiny)) continue;
    const double factor = space == Space::kCosine ? 1 / std::sqrt(squared) : 1;
    for (uint32_t d = 0; d < dimension; ++d) sums[d] += rows[i][d] * factor;
    if (space == Space::kInnerProduct) {
      sums[dimension] += std::sqrt(static_cast<double>(chosen.length) * chosen.length - squared);
    }
    ++count;
  }
  for (const double sum : sums) {
    chosen.center.push_back(count > 0 ? static_cast<float>(sum / static_cast<double>(count)) : 0);
  }
  return chosen;
}

}  // namespace chroma::index
