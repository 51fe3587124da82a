// The reference kernels: they define what the others compute. Sums run in eight lanes, which a
// compiler can keep in vector registers of the baseline instruction set without reordering.
#include "simd/kernels.h"

namespace chroma::simd {
namespace {

constexpr size_t kLanes = 8;

struct L2 {
  static float Term(float a, float b) {
    const float difference = a - b;
    return difference * difference;
  }
};

struct Dot {
  static float Term(float a, float b) { return a * b; }
};

template <typename Op>
float Reduce(const float* a, const float* b, size_t dimension) {
  float lanes[kLanes] = {};
  size_t i = 0;
  for (; i + kLanes <= dimension; i += kLanes) {
    for (size_t j = 0; j < kLanes; ++j) lanes[j] += Op::Term(a[i + j], b[i + j]);
  }
  for (size_t j = 0; i + j < dimension; ++j) lanes[j] += Op::Term(a[i + j], b[i + j]);
  return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) +
         ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

float SquaredNorm(const float* a, size_t dimension) {
  return Reduce<Dot>(a, a, dimension);
}

template <typename Op>
void Many(const float* query, const float* rows, size_t stride, size_t n, size_t dimension,
          float* out) {
  for (size_t i = 0; i < n; ++i) out[i] = Reduce<Op>(query, rows + i * stride, dimension);
}

template <typename Op>
void Gather(const float* query, const float* const* rows, size_t n, size_t dimension, float* out) {
  for (size_t i = 0; i < n; ++i) out[i] = Reduce<Op>(query, rows[i], dimension);
}

void DotNormMany(const float* query, const float* rows, size_t stride, size_t n, size_t dimension,
                 float* dots, float* squared_norms) {
  for (size_t i = 0; i < n; ++i) {
    dots[i] = Reduce<Dot>(query, rows + i * stride, dimension);
    squared_norms[i] = SquaredNorm(rows + i * stride, dimension);
  }
}

void DotNormGather(const float* query, const float* const* rows, size_t n, size_t dimension,
                   float* dots, float* squared_norms) {
  for (size_t i = 0; i < n; ++i) {
    dots[i] = Reduce<Dot>(query, rows[i], dimension);
    squared_norms[i] = SquaredNorm(rows[i], dimension);
  }
}

}  // namespace

const Kernels kScalarKernels = {
    "scalar",  Reduce<L2>,  Reduce<Dot>, SquaredNorm, Many<L2>,
    Many<Dot>, DotNormMany, Gather<L2>,  Gather<Dot>, DotNormGather,
};

}  // namespace chroma::simd
