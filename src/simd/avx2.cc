// Kernels for AVX2 with FMA.
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "simd/kernels.h"

namespace chroma::simd {
namespace {

using Vector = __m256;
constexpr size_t kLanes = 8;

[[gnu::always_inline]] inline Vector Zero() {
  return _mm256_setzero_ps();
}
[[gnu::always_inline]] inline Vector Load(const float* p) {
  return _mm256_loadu_ps(p);
}
[[gnu::always_inline]] inline Vector Add(Vector a, Vector b) {
  return _mm256_add_ps(a, b);
}
[[gnu::always_inline]] inline Vector Subtract(Vector a, Vector b) {
  return _mm256_sub_ps(a, b);
}
[[gnu::always_inline]] inline Vector MultiplyAdd(Vector a, Vector b, Vector c) {
  return _mm256_fmadd_ps(a, b, c);
}

[[gnu::always_inline]] inline Vector LoadPart(const float* p, size_t n) {
  alignas(32) static constexpr int32_t kMasks[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  const __m256i mask = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kMasks + kLanes - n));
  return _mm256_maskload_ps(p, mask);
}

[[gnu::always_inline]] inline float Sum(Vector v) {
  __m128 x = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  x = _mm_add_ps(x, _mm_movehl_ps(x, x));
  x = _mm_add_ss(x, _mm_movehdup_ps(x));
  return _mm_cvtss_f32(x);
}

[[gnu::always_inline]] inline void Prefetch(const float* p) {
  _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T0);
}

#include "simd/kernels-inl.h"

}  // namespace

constinit const Kernels kAvx2Kernels = MakeKernels("avx2");

}  // namespace chroma::simd
