// Kernels over quantised vectors for NEON, which every 64-bit ARM processor has.
#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

#include "simd/code_kernels.h"

namespace chroma::simd {
namespace {

using Vector = float32x4_t;
constexpr size_t kLanes = 4;

[[gnu::always_inline]] inline Vector Zero() {
  return vdupq_n_f32(0.0F);
}
[[gnu::always_inline]] inline Vector Broadcast(float x) {
  return vdupq_n_f32(x);
}
[[gnu::always_inline]] inline Vector Load(const float* p) {
  return vld1q_f32(p);
}
[[gnu::always_inline]] inline void Store(float* p, Vector v) {
  vst1q_f32(p, v);
}
[[gnu::always_inline]] inline Vector Add(Vector a, Vector b) {
  return vaddq_f32(a, b);
}
[[gnu::always_inline]] inline Vector Subtract(Vector a, Vector b) {
  return vsubq_f32(a, b);
}
[[gnu::always_inline]] inline Vector Min(Vector a, Vector b) {
  return vminq_f32(a, b);
}
[[gnu::always_inline]] inline Vector Max(Vector a, Vector b) {
  return vmaxq_f32(a, b);
}
[[gnu::always_inline]] inline Vector Abs(Vector v) {
  return vabsq_f32(v);
}
[[gnu::always_inline]] inline Vector MultiplyAdd(Vector a, Vector b, Vector c) {
  return vfmaq_f32(c, a, b);
}
[[gnu::always_inline]] inline Vector MultiplySubtract(Vector a, Vector b, Vector c) {
  return vfmaq_f32(vnegq_f32(c), a, b);
}
[[gnu::always_inline]] inline float Sum(Vector v) {
  return vaddvq_f32(v);
}
[[gnu::always_inline]] inline float Highest(Vector v) {
  return vmaxvq_f32(v);
}
[[gnu::always_inline]] inline Vector GroupSums(Vector v) {
  v = vpaddq_f32(v, v);
  return vpaddq_f32(v, v);
}

[[gnu::always_inline]] inline Vector LoadRow(const int8_t* p) {
  int32_t four;
  __builtin_memcpy(&four, p, sizeof(four));
  const int8x8_t bytes = vreinterpret_s8_s32(vdup_n_s32(four));
  return vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(bytes))));
}

[[gnu::always_inline]] inline uint32_t PositiveMask(Vector v) {
  static constexpr uint32_t kBits[4] = {1, 2, 4, 8};
  return vaddvq_u32(vandq_u32(vcgtzq_f32(v), vld1q_u32(kBits)));
}

[[gnu::always_inline]] inline Vector SignedAs(Vector v, Vector r) {
  return vbslq_f32(vcgtzq_f32(r), v, vnegq_f32(v));
}

[[gnu::always_inline]] inline Vector Butterfly(Vector v) {
  const float32x4_t even = vtrn1q_f32(v, v);
  const float32x4_t odd = vtrn2q_f32(v, v);
  v = vtrn1q_f32(vaddq_f32(even, odd), vsubq_f32(even, odd));
  const float32x2_t low = vget_low_f32(v);
  const float32x2_t high = vget_high_f32(v);
  return vcombine_f32(vadd_f32(low, high), vsub_f32(low, high));
}

#include "simd/codes-inl.h"

// sum + the products of 16 components. Two products, 2 * 127 * 127, fit 16 bits.
[[gnu::always_inline]] inline int32x4_t AddProducts(int32x4_t sum, int8x16_t a, int8x16_t b) {
  const int16x8_t pairs = vmlal_high_s8(vmull_s8(vget_low_s8(a), vget_low_s8(b)), a, b);
  return vpadalq_s16(sum, pairs);
}

int32_t DotI8(const int8_t* a, const int8_t* b, size_t dimension) {
  int32x4_t sums[4] = {vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0)};
  for (size_t i = 0; i < dimension; i += 64) {
#pragma GCC unroll 4
    for (size_t u = 0; u < 4; ++u) {
      sums[u] = AddProducts(sums[u], vld1q_s8(a + i + 16 * u), vld1q_s8(b + i + 16 * u));
    }
  }
  return vaddvq_s32(vaddq_s32(vaddq_s32(sums[0], sums[1]), vaddq_s32(sums[2], sums[3])));
}

// Of `query` with each of `rows`.
void DotI8Rows(const int8_t* query, const int8_t* const* rows, size_t n, size_t dimension,
               int32_t* out) {
  constexpr size_t kGroup = 4;  // rows walked together, sharing the loads of the query
  size_t i = 0;
  for (; i + kGroup <= n; i += kGroup) {
    // The last group prefetches itself.
    const int8_t* const* next = i + 2 * kGroup <= n ? rows + i + kGroup : rows + i;
    int32x4_t sums[kGroup];
#pragma GCC unroll 4
    for (int32x4_t& sum : sums) sum = vdupq_n_s32(0);
    for (size_t k = 0; k < dimension; k += 64) {
#pragma GCC unroll 4
      for (size_t r = 0; r < kGroup; ++r) __builtin_prefetch(next[r] + k);
#pragma GCC unroll 4
      for (size_t u = 0; u < 64; u += 16) {
        const int8x16_t q = vld1q_s8(query + k + u);
#pragma GCC unroll 4
        for (size_t r = 0; r < kGroup; ++r) {
          sums[r] = AddProducts(sums[r], q, vld1q_s8(rows[i + r] + k + u));
        }
      }
    }
#pragma GCC unroll 4
    for (size_t r = 0; r < kGroup; ++r) out[i + r] = vaddvq_s32(sums[r]);
  }
  for (; i < n; ++i) out[i] = DotI8(query, rows[i], dimension);
}

void DotI8Block(const int8_t* const* a, size_t n_a, const int8_t* const* b, size_t n_b,
                size_t dimension, int32_t* out) {
  for (size_t i = 0; i < n_a; ++i) DotI8Rows(a[i], b, n_b, dimension, out + i * n_b);
}

// What 64 dimensions take of a plane, and its numbers, of 16 dimensions each.
struct U4 {
  static constexpr size_t kChunk = 32;
  [[gnu::always_inline]] static void Read(const uint8_t* chunk, uint8x16_t* numbers) {
#pragma GCC unroll 2
    for (size_t u = 0; u < 2; ++u) {
      const uint8x16_t both = vld1q_u8(chunk + 16 * u);
      numbers[u] = vandq_u8(both, vdupq_n_u8(15));
      numbers[u + 2] = vshrq_n_u8(both, 4);
    }
  }
};
struct U2 {
  static constexpr size_t kChunk = 16;
  [[gnu::always_inline]] static void Read(const uint8_t* chunk, uint8x16_t* numbers) {
    const uint8x16_t pair = vdupq_n_u8(3);
    const uint8x16_t all = vld1q_u8(chunk);
    numbers[0] = vandq_u8(all, pair);
    numbers[1] = vandq_u8(vshrq_n_u8(all, 2), pair);
    numbers[2] = vandq_u8(vshrq_n_u8(all, 4), pair);
    numbers[3] = vshrq_n_u8(all, 6);
  }
};

template <typename Numbers>
void DotPlanes(const int8_t* query, const uint8_t* const* planes, size_t n, size_t dimension,
               int32_t* out) {
  for (size_t i = 0; i < n; ++i) {
    // The last prefetches itself.
    const uint8_t* const next = i + 1 < n ? planes[i + 1] : planes[i];
    int32x4_t sums[2] = {vdupq_n_s32(0), vdupq_n_s32(0)};
    for (size_t k = 0; k < dimension; k += 64) {
      const size_t at = k / 64 * Numbers::kChunk;
      __builtin_prefetch(next + at);
      uint8x16_t numbers[4];
      Numbers::Read(planes[i] + at, numbers);
#pragma GCC unroll 4
      for (size_t u = 0; u < 4; ++u) {
        sums[u % 2] =
            AddProducts(sums[u % 2], vreinterpretq_s8_u8(numbers[u]), vld1q_s8(query + k + 16 * u));
      }
    }
    out[i] = vaddvq_s32(vaddq_s32(sums[0], sums[1]));
  }
}

void JoinI6(const uint8_t* high, const uint8_t* low, size_t dimension, int8_t* codes) {
  for (size_t i = 0; i < dimension; i += 64) {
    uint8x16_t highs[4];
    uint8x16_t lows[4];
    U4::Read(high + i / 64 * U4::kChunk, highs);
    U2::Read(low + i / 64 * U2::kChunk, lows);
#pragma GCC unroll 4
    for (size_t u = 0; u < 4; ++u) {
      const uint8x16_t both = vsliq_n_u8(lows[u], highs[u], 2);
      vst1q_s8(codes + i + 16 * u, vreinterpretq_s8_u8(vsubq_u8(both, vdupq_n_u8(32))));
    }
  }
}

// Adds the sums of `groups` groups, a multiple of 16 and at most kWideGroups, to `sums`: four
// neighbours a register, in order.
constexpr size_t kWideGroups = 1024;  // times kTableMax is below 2^16

[[gnu::always_inline]] inline void AddCodeSums(const uint8_t* codes, const uint8_t* tables,
                                               size_t groups, uint32x4_t* sums) {
  const uint8x16_t nibble = vdupq_n_u8(15);
  uint16x8_t wide[4] = {vdupq_n_u16(0), vdupq_n_u16(0), vdupq_n_u16(0), vdupq_n_u16(0)};
  for (size_t end = groups * 16, i = 0; i < end; i += 64) {
    uint8x16_t low_bytes = vdupq_n_u8(0);
    uint8x16_t high_bytes = vdupq_n_u8(0);
#pragma GCC unroll 4
    for (size_t k = 0; k < 64; k += 16) {
      const uint8x16_t code = vld1q_u8(codes + i + k);
      const uint8x16_t table = vld1q_u8(tables + i + k);
      low_bytes = vaddq_u8(low_bytes, vqtbl1q_u8(table, vandq_u8(code, nibble)));
      high_bytes = vaddq_u8(high_bytes, vqtbl1q_u8(table, vshrq_n_u8(code, 4)));
    }
    wide[0] = vaddw_u8(wide[0], vget_low_u8(low_bytes));
    wide[1] = vaddw_high_u8(wide[1], low_bytes);
    wide[2] = vaddw_u8(wide[2], vget_low_u8(high_bytes));
    wide[3] = vaddw_high_u8(wide[3], high_bytes);
  }
#pragma GCC unroll 4
  for (size_t j = 0; j < 4; ++j) {
    sums[2 * j] = vaddw_u16(sums[2 * j], vget_low_u16(wide[j]));
    sums[2 * j + 1] = vaddw_high_u16(sums[2 * j + 1], wide[j]);
  }
}

uint32_t Estimate(const uint8_t* codes, const CodeTables& tables, size_t dimension,
                  const float* offsets, const float* factors, float base, float bound,
                  float* estimates) {
  uint32x4_t sums[8];
#pragma GCC unroll 8
  for (uint32x4_t& sum : sums) sum = vdupq_n_u32(0);
  size_t group = 0;
  size_t left = dimension / 4;
  while (left > 0) {
    const size_t groups = left < kWideGroups ? left : kWideGroups;
    AddCodeSums(codes + group * 16, tables.tables + group * 16, groups, sums);
    group += groups;
    left -= groups;
  }
  static constexpr uint32_t kBits[4] = {1, 2, 4, 8};
  const uint32x4_t bits = vld1q_u32(kBits);
  uint32_t below = 0;
#pragma GCC unroll 8
  for (size_t j = 0; j < 8; ++j) {
    const Vector sum =
        MultiplyAdd(vcvtq_f32_u32(sums[j]), Broadcast(tables.scale), Broadcast(tables.bias));
    const Vector estimate =
        MultiplyAdd(Load(factors + 4 * j), sum, Add(Load(offsets + 4 * j), Broadcast(base)));
    Store(estimates + 4 * j, estimate);
    below |= vaddvq_u32(vandq_u32(vcltq_f32(estimate, Broadcast(bound)), bits)) << (4 * j);
  }
  return below;
}

// v * scale within ±limit, to the nearest integers.
[[gnu::always_inline]] inline int32x4_t ToIntegers(Vector v, float scale, float limit) {
  v = Min(vmulq_n_f32(v, scale), Broadcast(limit));
  return vcvtnq_s32_f32(Max(v, Broadcast(-limit)));
}

[[gnu::always_inline]] inline int16x8_t Choose(int8x16_t numbers, uint8x16_t which) {
  return vreinterpretq_s16_s8(vqtbl1q_s8(numbers, which));
}

void FillTables(const float* query, size_t dimension, float inverse_scale, uint8_t* tables) {
  // A group is eight 16-bit numbers: max(q_i, 0), then max(-q_i, 0). Entries 0…7 and 8…15 differ in
  // bit 3 alone; which of the numbers the other bits of entry m choose:
  static constexpr uint8_t kChoices[3][16] = {
      {8, 9, 0, 1, 8, 9, 0, 1, 8, 9, 0, 1, 8, 9, 0, 1},
      {10, 11, 10, 11, 2, 3, 2, 3, 10, 11, 10, 11, 2, 3, 2, 3},
      {12, 13, 12, 13, 12, 13, 12, 13, 4, 5, 4, 5, 4, 5, 4, 5}};
  const uint8x16_t bit0 = vld1q_u8(kChoices[0]);
  const uint8x16_t bit1 = vld1q_u8(kChoices[1]);
  const uint8x16_t bit2 = vld1q_u8(kChoices[2]);
  const float scale = inverse_scale * 256;
  for (size_t i = 0; i < dimension; i += 4) {
    const int16x4_t fixed = vqmovn_s32(ToIntegers(Load(query + i), scale, 32767));
    const int16x8_t both = vmaxq_s16(vcombine_s16(fixed, vneg_s16(fixed)), vdupq_n_s16(0));
    const int8x16_t numbers = vreinterpretq_s8_s16(both);
    const int16x8_t bits01 = vqaddq_s16(Choose(numbers, bit0), Choose(numbers, bit1));
    const int16x8_t common =
        vqaddq_s16(bits01, vqaddq_s16(Choose(numbers, bit2), vdupq_n_s16(128)));
    const int16x8_t first = vqaddq_s16(common, vdupq_laneq_s16(both, 7));
    const int16x8_t second = vqaddq_s16(common, vdupq_laneq_s16(both, 3));
    const uint8x16_t entries = vcombine_u8(vqshrun_n_s16(first, 8), vqshrun_n_s16(second, 8));
    vst1q_u8(tables + i * 4, vminq_u8(entries, vdupq_n_u8(kTableMax)));
  }
}

void Quantize(const float* vector, size_t dimension, float inverse_scale, int8_t* out) {
  for (size_t i = 0; i < dimension; i += 8) {
    const int16x4_t low = vqmovn_s32(ToIntegers(Load(vector + i), inverse_scale, 127));
    const int16x4_t high = vqmovn_s32(ToIntegers(Load(vector + i + 4), inverse_scale, 127));
    vst1_s8(out + i, vqmovn_s16(vcombine_s16(low, high)));
  }
}

}  // namespace

constinit const CodeKernels kNeonCodeKernels = {
    "neon",   DotI8,      DotPlanes<U4>, DotPlanes<U2>, JoinI6,         DotI8Block,
    Estimate, FillTables, Measure,       Quantize,      EncodeResidual, Hadamard,
};

}  // namespace chroma::simd
