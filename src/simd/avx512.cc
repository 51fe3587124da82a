// Kernels for AVX-512 (foundation instructions only).
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "simd/kernels.h"

namespace chroma::simd {
namespace {

using Vector = __m512;
constexpr size_t kLanes = 16;

[[gnu::always_inline]] inline Vector Zero() {
  return _mm512_setzero_ps();
}
[[gnu::always_inline]] inline Vector Load(const float* p) {
  return _mm512_loadu_ps(p);
}
[[gnu::always_inline]] inline Vector Add(Vector a, Vector b) {
  return _mm512_add_ps(a, b);
}
[[gnu::always_inline]] inline Vector Subtract(Vector a, Vector b) {
  return _mm512_sub_ps(a, b);
}
[[gnu::always_inline]] inline Vector MultiplyAdd(Vector a, Vector b, Vector c) {
  return _mm512_fmadd_ps(a, b, c);
}

[[gnu::always_inline]] inline Vector LoadPart(const float* p, size_t n) {
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1U << n) - 1), p);
}

[[gnu::always_inline]] inline float Sum(Vector v) {
  return _mm512_reduce_add_ps(v);
}

[[gnu::always_inline]] inline void Prefetch(const float* p) {
  _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T0);
}

#include "simd/kernels-inl.h"

}  // namespace

constinit const Kernels kAvx512Kernels = MakeKernels("avx512");

}  // namespace chroma::simd
