// Kernels for NEON, which every 64-bit ARM processor has.
#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

#include "simd/kernels.h"

namespace chroma::simd {
namespace {

using Vector = float32x4_t;
constexpr size_t kLanes = 4;

[[gnu::always_inline]] inline Vector Zero() {
  return vdupq_n_f32(0.0F);
}
[[gnu::always_inline]] inline Vector Load(const float* p) {
  return vld1q_f32(p);
}
[[gnu::always_inline]] inline Vector Add(Vector a, Vector b) {
  return vaddq_f32(a, b);
}
[[gnu::always_inline]] inline Vector Subtract(Vector a, Vector b) {
  return vsubq_f32(a, b);
}
[[gnu::always_inline]] inline Vector MultiplyAdd(Vector a, Vector b, Vector c) {
  return vfmaq_f32(c, a, b);
}

[[gnu::always_inline]] inline Vector LoadPart(const float* p, size_t n) {
  float lanes[kLanes] = {};
  for (size_t i = 0; i < n; ++i) lanes[i] = p[i];
  return vld1q_f32(lanes);
}

[[gnu::always_inline]] inline float Sum(Vector v) {
  return vaddvq_f32(v);
}

[[gnu::always_inline]] inline void Prefetch(const float* p) {
  __builtin_prefetch(p);
}

#include "simd/kernels-inl.h"

}  // namespace

constinit const Kernels kNeonKernels = MakeKernels("neon");

}  // namespace chroma::simd
