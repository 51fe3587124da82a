// simd/kernels.h: every instruction set that this processor has computes what scalar.cc does.
// An input is one byte of row count, one of misalignment in floats, then the query and the rows.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/check.h"
#include "fuzz.h"
#include "simd/kernels.h"

namespace chroma::fuzz {
namespace {

using simd::Kernels;

// What a kernel may be off by; infinite where the order of a sum decides whether it overflows.
double Tolerance(const float* a, const float* b, size_t n, bool l2) {
  double magnitude = 0;
  for (size_t i = 0; i < n; ++i) {
    const double x = a[i];
    const double y = b[i];
    magnitude += std::fabs(l2 ? (x - y) * (x - y) : x * y);
  }
  if (!(magnitude < 1e37)) return std::numeric_limits<double>::infinity();
  // Terms below the least normal number lose bits of their own.
  return magnitude * static_cast<double>(n + 8) * 6e-8 + static_cast<double>(n + 8) * 1.2e-38;
}

bool Has(const float* a, size_t n, bool (*test)(float)) {
  return std::any_of(a, a + n, test);
}

void Compare(const float* query, const float* row, size_t n, bool l2, float want, float got) {
  const auto is_nan = [](float x) { return std::isnan(x); };
  const auto is_infinite = [](float x) { return std::isinf(x); };
  if (Has(query, n, is_nan) || Has(row, n, is_nan)) {
    CHECK(std::isnan(want) && std::isnan(got));
    return;
  }
  if (Has(query, n, is_infinite) || Has(row, n, is_infinite)) return;
  const double tolerance = Tolerance(query, row, n, l2);
  if (std::isinf(tolerance)) return;
  CHECK(std::fabs(static_cast<double>(want) - got) <= tolerance);
}

struct Rows {
  const float* query;
  const float* rows;
  size_t n;
  size_t dimension;
  const float* row(size_t i) const { return rows + i * dimension; }
};

void CompareTable(const Kernels& kernels, const Rows& in) {
  std::vector<const float*> pointers(in.n);
  for (size_t i = 0; i < in.n; ++i) pointers[i] = in.row(in.n - 1 - i);
  // Exactly as long as needed, so that a sanitizer sees a result too many.
  std::vector<float> l2(in.n), dots(in.n), fused(in.n), norms(in.n);
  kernels.l2_many(in.query, in.rows, in.dimension, in.n, in.dimension, l2.data());
  kernels.dot_many(in.query, in.rows, in.dimension, in.n, in.dimension, dots.data());
  kernels.dot_norm_many(in.query, in.rows, in.dimension, in.n, in.dimension, fused.data(),
                        norms.data());
  const auto compare = [&](size_t i, const float* row) {
    const Kernels& scalar = simd::kScalarKernels;
    const float dot = scalar.dot(in.query, row, in.dimension);
    Compare(in.query, row, in.dimension, true, scalar.l2(in.query, row, in.dimension), l2[i]);
    Compare(in.query, row, in.dimension, false, dot, dots[i]);
    Compare(in.query, row, in.dimension, false, dot, fused[i]);
    Compare(row, row, in.dimension, false, scalar.squared_norm(row, in.dimension), norms[i]);
  };
  for (size_t i = 0; i < in.n; ++i) compare(i, in.row(i));
  kernels.l2_gather(in.query, pointers.data(), in.n, in.dimension, l2.data());
  kernels.dot_gather(in.query, pointers.data(), in.n, in.dimension, dots.data());
  kernels.dot_norm_gather(in.query, pointers.data(), in.n, in.dimension, fused.data(),
                          norms.data());
  for (size_t i = 0; i < in.n; ++i) compare(i, pointers[i]);
}

}  // namespace

void Run(BytesView input) {
  if (input.size() < 2) return;
  const size_t n = static_cast<uint8_t>(input[0]) % 13;
  const size_t offset = static_cast<uint8_t>(input[1]) % 16;
  input.remove_prefix(2);
  const size_t dimension = input.size() / sizeof(float) / (n + 1);
  std::vector<float> values(offset + dimension * (n + 1));
  if (dimension > 0) {
    std::memcpy(values.data() + offset, input.data(), dimension * (n + 1) * sizeof(float));
  }
  const float* query = values.data() + offset;
  for (size_t i = 0; const Kernels* kernels = simd::AvailableKernels(i); ++i) {
    CompareTable(*kernels, {query, query + dimension, n, dimension});
  }
}

}  // namespace chroma::fuzz
