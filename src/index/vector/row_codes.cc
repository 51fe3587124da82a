#include "index/vector/row_codes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace chroma::index {
namespace {

using model::Space;

constexpr float kCodeMax = 127;
// Below it, dividing by a scale would overflow.
constexpr float kTiny = 1e-30F;

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
  constexpr float kVarianceOfRounding = 1.0F / 12;
  return 2 * std::sqrt(kVarianceOfRounding * (query.squared_norm * row.scale * row.scale +
                                              row.squared_norm * query.scale * query.scale));
}

void RowCoder::Distances(const RowCodes& rows, uint32_t row, std::span<const uint32_t> others,
                         float* out) const {
  constexpr size_t kBlock = 64;
  std::array<const int8_t*, kBlock> codes;
  std::array<int32_t, kBlock> dots;
  const RowScale& scale = rows.scales[row];
  for (size_t begin = 0; begin < others.size(); begin += kBlock) {
    const std::span<const uint32_t> block =
        others.subspan(begin, std::min(kBlock, others.size() - begin));
    for (size_t i = 0; i < block.size(); ++i) codes[i] = rows.Row(block[i]);
    kernels_.dot_i8_gather(rows.Row(row), codes.data(), block.size(), rows.padded, dots.data());
    for (size_t i = 0; i < block.size(); ++i) {
      out[begin + i] = Combine(scale.squared_norm, scale.scale, rows.scales[block[i]], dots[i]);
    }
  }
}

void RowCoder::Distances(const RowCodes& rows, std::span<const uint32_t> some,
                         std::span<const uint32_t> others, float* out) const {
  static thread_local std::vector<const int8_t*> codes;
  static thread_local std::vector<int32_t> dots;
  codes.clear();
  for (const uint32_t row : some) codes.push_back(rows.Row(row));
  for (const uint32_t row : others) codes.push_back(rows.Row(row));
  dots.resize(some.size() * others.size());
  kernels_.dot_i8_block(codes.data(), some.size(), codes.data() + some.size(), others.size(),
                        rows.padded, dots.data());
  const int32_t* dot = dots.data();
  for (const uint32_t row : some) {
    const RowScale& scale = rows.scales[row];
    for (const uint32_t other : others) {
      *out++ = Combine(scale.squared_norm, scale.scale, rows.scales[other], *dot++);
    }
  }
}

bool RowCoder::IntoCodeSpace(const float* vector, bool is_query, float* out) const {
  static thread_local std::vector<float> moved;
  moved.resize(space_.code_dimension());
  const double squared = SquaredNorm(vector, space_.dimension);
  // Beyond float32's range when squared: no order by these distances would be right.
  if (!(squared < 1e37)) return false;
  float factor = 1;
  if (space_.space == Space::kCosine) {
    if (squared < kTiny) return false;
    factor = static_cast<float>(1 / std::sqrt(squared));
  }
  for (uint32_t i = 0; i < space_.dimension; ++i) {
    moved[i] = vector[i] * factor - space_.center[i];
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
  if (!IntoCodeSpace(row, /*is_query=*/false, rotated.data())) {
    std::fill_n(code, padded(), int8_t{0});
    *scale = {0, -1};
    return false;
  }
  simd::CodeKernels::Shape shape;
  kernels_.measure(rotated.data(), padded(), &shape);
  scale->scale = std::max(shape.magnitude_max, kTiny) / kCodeMax;
  kernels_.quantize(rotated.data(), padded(), 1 / scale->scale, code);
  const auto dot = static_cast<float>(kernels_.dot_i8(code, code, padded()));
  scale->squared_norm = scale->scale * scale->scale * dot;
  return true;
}

bool RowCoder::EncodeQuery(const float* query, CodedQuery* out) const {
  out->rotated.resize(padded());
  if (!IntoCodeSpace(query, /*is_query=*/true, out->rotated.data())) return false;
  Finish(out);
  return true;
}

void RowCoder::EncodeQuery(const RowCodes& rows, uint32_t row, CodedQuery* out) const {
  out->rotated.resize(padded());
  const int8_t* code = rows.Row(row);
  for (uint32_t i = 0; i < padded(); ++i) {
    out->rotated[i] = static_cast<float>(code[i]) * rows.scales[row].scale;
  }
  Finish(out);
}

void RowCoder::Finish(CodedQuery* out) const {
  simd::CodeKernels::Shape shape;
  kernels_.measure(out->rotated.data(), padded(), &shape);
  out->squared_norm = shape.squared_norm;
  out->scale = std::max(shape.magnitude_max, kTiny) / kCodeMax;
  out->code.resize(padded());
  kernels_.quantize(out->rotated.data(), padded(), 1 / out->scale, out->code.data());

  const float step = std::max(shape.group_range_max, kTiny) / simd::kTableMax;
  out->tables.resize(size_t{padded()} * 4);  // 16 entries for each group of 4
  kernels_.fill_tables(out->rotated.data(), padded(), 1 / step, out->tables.data());
  // Over the set bits q sums to step * entries + negative_sum; Σ ±q is twice that less Σ q.
  out->code_tables = {out->tables.data(), 2 * step, 2 * shape.negative_sum - shape.sum};
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
