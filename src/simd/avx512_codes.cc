// Kernels over quantised vectors for AVX-512 with byte and word instructions (BW, DQ, VL) and VNNI.
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "simd/code_kernels.h"

namespace chroma::simd {
namespace {

using Vector = __m512;
constexpr size_t kLanes = 16;

[[gnu::always_inline]] inline Vector Zero() {
  return _mm512_setzero_ps();
}
[[gnu::always_inline]] inline Vector Broadcast(float x) {
  return _mm512_set1_ps(x);
}
[[gnu::always_inline]] inline Vector Load(const float* p) {
  return _mm512_loadu_ps(p);
}
[[gnu::always_inline]] inline void Store(float* p, Vector v) {
  _mm512_storeu_ps(p, v);
}
[[gnu::always_inline]] inline Vector Add(Vector a, Vector b) {
  return _mm512_add_ps(a, b);
}
[[gnu::always_inline]] inline Vector Subtract(Vector a, Vector b) {
  return _mm512_sub_ps(a, b);
}
[[gnu::always_inline]] inline Vector Min(Vector a, Vector b) {
  return _mm512_min_ps(a, b);
}
[[gnu::always_inline]] inline Vector Max(Vector a, Vector b) {
  return _mm512_max_ps(a, b);
}
[[gnu::always_inline]] inline Vector Abs(Vector v) {
  return _mm512_abs_ps(v);
}
[[gnu::always_inline]] inline Vector MultiplyAdd(Vector a, Vector b, Vector c) {
  return _mm512_fmadd_ps(a, b, c);
}
[[gnu::always_inline]] inline Vector MultiplySubtract(Vector a, Vector b, Vector c) {
  return _mm512_fmsub_ps(a, b, c);
}
[[gnu::always_inline]] inline float Sum(Vector v) {
  return _mm512_reduce_add_ps(v);
}
[[gnu::always_inline]] inline float Highest(Vector v) {
  return _mm512_reduce_max_ps(v);
}

[[gnu::always_inline]] inline Vector GroupSums(Vector v) {
  v = _mm512_add_ps(v, _mm512_permute_ps(v, 0xB1));
  return _mm512_add_ps(v, _mm512_permute_ps(v, 0x4E));
}

[[gnu::always_inline]] inline Vector LoadRow(const int8_t* p) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes));
}

[[gnu::always_inline]] inline uint32_t PositiveMask(Vector v) {
  return _mm512_cmp_ps_mask(v, _mm512_setzero_ps(), _CMP_GT_OQ);
}

[[gnu::always_inline]] inline Vector SignedAs(Vector v, Vector r) {
  const __mmask16 positive = _mm512_cmp_ps_mask(r, _mm512_setzero_ps(), _CMP_GT_OQ);
  return _mm512_mask_xor_ps(v, static_cast<__mmask16>(~positive), v, _mm512_set1_ps(-0.0F));
}

// The stage whose lower partners `other` holds in the lanes of `upper`, which become lower - upper.
[[gnu::always_inline]] inline Vector Stage(Vector v, Vector other, __mmask16 upper) {
  return _mm512_mask_sub_ps(_mm512_add_ps(v, other), upper, other, v);
}

[[gnu::always_inline]] inline Vector Butterfly(Vector v) {
  v = Stage(v, _mm512_permute_ps(v, 0xB1), 0xAAAA);
  v = Stage(v, _mm512_permute_ps(v, 0x4E), 0xCCCC);
  v = Stage(v, _mm512_shuffle_f32x4(v, v, 0xB1), 0xF0F0);
  return Stage(v, _mm512_shuffle_f32x4(v, v, 0x4E), 0xFF00);
}

#include "simd/codes-inl.h"

[[gnu::always_inline]] inline __m512i LoadBytes(const void* p) {
  return _mm512_loadu_si512(p);
}

// Has `v` loaded once: GCC repeats a load for each use, and loads are what is scarce here.
[[gnu::always_inline]] inline __m512i Once(__m512i v) {
  asm("" : "+v"(v));
  return v;
}

// dpbusd multiplies unsigned bytes by signed ones: it is given x + 128, whose sign bit is flipped,
// and 128 times the sum of the other side is taken off at the end.
[[gnu::always_inline]] inline __m512i Raised(__m512i x) {
  return _mm512_xor_si512(x, _mm512_set1_epi8(-128));
}

int32_t DotI8(const int8_t* a, const int8_t* b, size_t dimension) {
  const __m512i ones = _mm512_set1_epi8(1);
  __m512i sum = _mm512_setzero_si512();
  __m512i sum_b = _mm512_setzero_si512();
  for (size_t i = 0; i < dimension; i += 64) {
    const __m512i y = Once(LoadBytes(b + i));
    sum = _mm512_dpbusd_epi32(sum, Raised(LoadBytes(a + i)), y);
    sum_b = _mm512_dpbusd_epi32(sum_b, ones, y);
  }
  return _mm512_reduce_add_epi32(_mm512_sub_epi32(sum, _mm512_slli_epi32(sum_b, 7)));
}

// Of `query` with each of `rows`.
void DotI8Rows(const int8_t* query, const int8_t* const* rows, size_t n, size_t dimension,
               int32_t* out) {
  constexpr size_t kGroup = 4;  // rows walked together, sharing the loads of the query
  __m512i excess = _mm512_setzero_si512();
  for (size_t k = 0; k < dimension; k += 64) {
    excess = _mm512_dpbusd_epi32(excess, _mm512_set1_epi8(1), LoadBytes(query + k));
  }
  excess = _mm512_slli_epi32(excess, 7);
  size_t i = 0;
  for (; i + kGroup <= n; i += kGroup) {
    // The last group prefetches itself.
    const int8_t* const* next = i + 2 * kGroup <= n ? rows + i + kGroup : rows + i;
    __m512i sums[kGroup];
#pragma GCC unroll 4
    for (__m512i& sum : sums) sum = _mm512_setzero_si512();
    for (size_t k = 0; k < dimension; k += 64) {
      const __m512i q = Once(LoadBytes(query + k));
#pragma GCC unroll 4
      for (size_t r = 0; r < kGroup; ++r) {
        _mm_prefetch(reinterpret_cast<const char*>(next[r] + k), _MM_HINT_T0);
        sums[r] = _mm512_dpbusd_epi32(sums[r], Raised(LoadBytes(rows[i + r] + k)), q);
      }
    }
#pragma GCC unroll 4
    for (size_t r = 0; r < kGroup; ++r) {
      out[i + r] = _mm512_reduce_add_epi32(_mm512_sub_epi32(sums[r], excess));
    }
  }
  for (; i < n; ++i) out[i] = DotI8(rows[i], query, dimension);
}

constexpr size_t kTile = 4;  // rows of either side whose sums are kept in registers

// Of a[0 … kTile-1] with b[0 … kTile-1], at out[i * stride + j]; `excess` is what Raised adds to
// the sums with each of b.
[[gnu::always_inline]] inline void DotI8Tile(const int8_t* const* a, const int8_t* const* b,
                                             size_t dimension, const __m512i* excess, size_t stride,
                                             int32_t* out) {
  __m512i sums[kTile][kTile];
#pragma GCC unroll 4
  for (auto& row : sums) {
#pragma GCC unroll 4
    for (__m512i& sum : row) sum = _mm512_setzero_si512();
  }
  for (size_t k = 0; k < dimension; k += 64) {
    __m512i right[kTile];
#pragma GCC unroll 4
    for (size_t j = 0; j < kTile; ++j) right[j] = Once(LoadBytes(b[j] + k));
#pragma GCC unroll 4
    for (size_t i = 0; i < kTile; ++i) {
      const __m512i left = Once(Raised(LoadBytes(a[i] + k)));
#pragma GCC unroll 4
      for (size_t j = 0; j < kTile; ++j) {
        sums[i][j] = _mm512_dpbusd_epi32(sums[i][j], left, right[j]);
      }
    }
  }
#pragma GCC unroll 4
  for (size_t i = 0; i < kTile; ++i) {
#pragma GCC unroll 4
    for (size_t j = 0; j < kTile; ++j) {
      out[i * stride + j] = _mm512_reduce_add_epi32(_mm512_sub_epi32(sums[i][j], excess[j]));
    }
  }
}

void DotI8Block(const int8_t* const* a, size_t n_a, const int8_t* const* b, size_t n_b,
                size_t dimension, int32_t* out) {
  size_t j = 0;
  for (; j + kTile <= n_b; j += kTile) {
    __m512i excess[kTile];
    for (size_t r = 0; r < kTile; ++r) {
      __m512i sum = _mm512_setzero_si512();
      for (size_t k = 0; k < dimension; k += 64) {
        sum = _mm512_dpbusd_epi32(sum, _mm512_set1_epi8(1), LoadBytes(b[j + r] + k));
      }
      excess[r] = _mm512_slli_epi32(sum, 7);
    }
    size_t i = 0;
    for (; i + kTile <= n_a; i += kTile) {
      DotI8Tile(a + i, b + j, dimension, excess, n_b, out + i * n_b + j);
    }
    for (; i < n_a; ++i) DotI8Rows(a[i], b + j, kTile, dimension, out + i * n_b + j);
  }
  for (size_t i = 0; i < n_a && j < n_b; ++i) {
    DotI8Rows(a[i], b + j, n_b - j, dimension, out + i * n_b + j);
  }
}

// Two halves of a register, from apart.
[[gnu::always_inline]] inline __m512i LoadHalves(const void* low, const void* high) {
  const __m256i first = _mm256_loadu_si256(static_cast<const __m256i*>(low));
  const __m256i second = _mm256_loadu_si256(static_cast<const __m256i*>(high));
  return _mm512_inserti64x4(_mm512_castsi256_si512(first), second, 1);
}

// The numbers of 64 dimensions of a plane, in order.
[[gnu::always_inline]] inline __m512i ReadU4(const uint8_t* chunk) {
  const __m256i both = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(chunk));
  const __m512i apart =
      _mm512_inserti64x4(_mm512_castsi256_si512(both), _mm256_srli_epi16(both, 4), 1);
  return _mm512_and_si512(apart, _mm512_set1_epi8(15));
}
[[gnu::always_inline]] inline __m512i ReadU2(const uint8_t* chunk) {
  const __m512i all =
      _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(chunk)));
  const __m512i shifts = _mm512_set_epi64(6, 6, 4, 4, 2, 2, 0, 0);
  return _mm512_and_si512(_mm512_srlv_epi64(all, shifts), _mm512_set1_epi8(3));
}

// Of planes[0 … kRows-1]; prefetches `next`. 128 dimensions at once: in a register of two chunks
// the low nibbles are dimensions 0…31 and 64…95 of them.
struct U4 {
  template <size_t kRows>
  [[gnu::always_inline]] static void Dot(const int8_t* query, const uint8_t* const* planes,
                                         const uint8_t* const* next, size_t dimension,
                                         int32_t* out) {
    const __m512i nibble = _mm512_set1_epi8(15);
    __m512i sums[kRows];
#pragma GCC unroll 4
    for (__m512i& sum : sums) sum = _mm512_setzero_si512();
    size_t k = 0;
    for (; k + 128 <= dimension; k += 128) {
      const int8_t* const q = query + k;
      const __m512i q_low = Once(LoadHalves(q, q + 64));
      const __m512i q_high = Once(LoadHalves(q + 32, q + 96));
#pragma GCC unroll 4
      for (size_t r = 0; r < kRows; ++r) {
        _mm_prefetch(reinterpret_cast<const char*>(next[r] + k / 2), _MM_HINT_T0);
        const __m512i both = Once(LoadBytes(planes[r] + k / 2));
        const __m512i high = _mm512_and_si512(_mm512_srli_epi16(both, 4), nibble);
        sums[r] = _mm512_dpbusd_epi32(sums[r], _mm512_and_si512(both, nibble), q_low);
        sums[r] = _mm512_dpbusd_epi32(sums[r], high, q_high);
      }
    }
    if (k < dimension) {
      const __m512i q = Once(LoadBytes(query + k));
#pragma GCC unroll 4
      for (size_t r = 0; r < kRows; ++r) {
        _mm_prefetch(reinterpret_cast<const char*>(next[r] + k / 2), _MM_HINT_T0);
        sums[r] = _mm512_dpbusd_epi32(sums[r], ReadU4(planes[r] + k / 2), q);
      }
    }
#pragma GCC unroll 4
    for (size_t r = 0; r < kRows; ++r) out[r] = _mm512_reduce_add_epi32(sums[r]);
  }
};

// The same, 64 dimensions at once.
struct U2 {
  template <size_t kRows>
  [[gnu::always_inline]] static void Dot(const int8_t* query, const uint8_t* const* planes,
                                         const uint8_t* const* next, size_t dimension,
                                         int32_t* out) {
    __m512i sums[kRows];
#pragma GCC unroll 4
    for (__m512i& sum : sums) sum = _mm512_setzero_si512();
    for (size_t k = 0; k < dimension; k += 64) {
      const __m512i q = Once(LoadBytes(query + k));
#pragma GCC unroll 4
      for (size_t r = 0; r < kRows; ++r) {
        _mm_prefetch(reinterpret_cast<const char*>(next[r] + k / 4), _MM_HINT_T0);
        sums[r] = _mm512_dpbusd_epi32(sums[r], ReadU2(planes[r] + k / 4), q);
      }
    }
#pragma GCC unroll 4
    for (size_t r = 0; r < kRows; ++r) out[r] = _mm512_reduce_add_epi32(sums[r]);
  }
};

template <typename Numbers>
void DotPlanes(const int8_t* query, const uint8_t* const* planes, size_t n, size_t dimension,
               int32_t* out) {
  constexpr size_t kGroup = 4;  // rows walked together, sharing the loads of the query
  size_t i = 0;
  for (; i + kGroup <= n; i += kGroup) {
    // The last group prefetches itself.
    const uint8_t* const* next = i + 2 * kGroup <= n ? planes + i + kGroup : planes + i;
    Numbers::template Dot<kGroup>(query, planes + i, next, dimension, out + i);
  }
  for (; i < n; ++i) Numbers::template Dot<1>(query, planes + i, planes + i, dimension, out + i);
}

void JoinI6(const uint8_t* high, const uint8_t* low, size_t dimension, int8_t* codes) {
  for (size_t i = 0; i < dimension; i += 64) {
    const __m512i both =
        _mm512_or_si512(_mm512_slli_epi16(ReadU4(high + i / 2), 2), ReadU2(low + i / 4));
    _mm512_storeu_si512(codes + i, _mm512_sub_epi8(both, _mm512_set1_epi8(32)));
  }
}

// Both halves of a register together: of its four groups two are left.
[[gnu::always_inline]] inline __m256i Fold(__m512i v) {
  return _mm256_add_epi16(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1));
}

// Adds the sums of `groups` groups, a multiple of 16 and at most kWideGroups, to `sums`: sixteen
// neighbours a register, in order. As AVX2's.
constexpr size_t kWideGroups = 1024;  // times kTableMax is below 2^16

[[gnu::always_inline]] inline void AddCodeSums(const uint8_t* codes, const uint8_t* tables,
                                               size_t groups, __m512i* sums) {
  const __m512i nibble = _mm512_set1_epi8(15);
  // [0]: sums of bytes as if they were 16-bit numbers; [1]: of the odd bytes alone. Taking 256
  // times [1] from [0] leaves the even ones, whatever was carried.
  __m512i low[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
  __m512i high[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
  for (size_t end = groups * 16, i = 0; i < end; i += 256) {
    __m512i low_bytes = _mm512_setzero_si512();
    __m512i high_bytes = _mm512_setzero_si512();
#pragma GCC unroll 4
    for (size_t k = 0; k < 256; k += 64) {  // four groups each
      const __m512i code = Once(LoadBytes(codes + i + k));
      const __m512i table = Once(LoadBytes(tables + i + k));
      const __m512i code_high = _mm512_and_si512(_mm512_srli_epi16(code, 4), nibble);
      low_bytes =
          _mm512_add_epi8(low_bytes, _mm512_shuffle_epi8(table, _mm512_and_si512(code, nibble)));
      high_bytes = _mm512_add_epi8(high_bytes, _mm512_shuffle_epi8(table, code_high));
    }
    low[0] = _mm512_add_epi16(low[0], low_bytes);
    low[1] = _mm512_add_epi16(low[1], _mm512_srli_epi16(low_bytes, 8));
    high[0] = _mm512_add_epi16(high[0], high_bytes);
    high[1] = _mm512_add_epi16(high[1], _mm512_srli_epi16(high_bytes, 8));
  }
#pragma GCC unroll 2
  for (size_t half = 0; half < 2; ++half) {
    const __m512i* const bytes = half == 0 ? low : high;
    const __m256i odd = Fold(bytes[1]);
    const __m256i even = _mm256_sub_epi16(Fold(bytes[0]), _mm256_slli_epi16(odd, 8));
    // Neighbours 0…7 in order, of two groups; then 8…15.
    const __m256i first = _mm256_unpacklo_epi16(even, odd);
    const __m256i second = _mm256_unpackhi_epi16(even, odd);
    const __m256i in_order = _mm256_add_epi16(_mm256_permute2x128_si256(first, second, 0x20),
                                              _mm256_permute2x128_si256(first, second, 0x31));
    sums[half] = _mm512_add_epi32(sums[half], _mm512_cvtepu16_epi32(in_order));
  }
}

uint32_t Estimate(const uint8_t* codes, const CodeTables& tables, size_t dimension,
                  const float* offsets, const float* factors, float base, float bound,
                  float* estimates) {
  __m512i sums[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
  size_t group = 0;
  size_t left = dimension / 4;
  while (left > 0) {
    const size_t groups = left < kWideGroups ? left : kWideGroups;
    AddCodeSums(codes + group * 16, tables.tables + group * 16, groups, sums);
    group += groups;
    left -= groups;
  }
  uint32_t below = 0;
#pragma GCC unroll 2
  for (size_t j = 0; j < 2; ++j) {
    const Vector sum =
        MultiplyAdd(_mm512_cvtepi32_ps(sums[j]), Broadcast(tables.scale), Broadcast(tables.bias));
    const Vector estimate =
        MultiplyAdd(Load(factors + 16 * j), sum, Add(Load(offsets + 16 * j), Broadcast(base)));
    Store(estimates + 16 * j, estimate);
    const uint32_t less = _mm512_cmp_ps_mask(estimate, Broadcast(bound), _CMP_LT_OQ);
    below |= less << (16 * j);
  }
  return below;
}

// v * scale within ±limit, to the nearest integers.
[[gnu::always_inline]] inline __m512i ToIntegers(Vector v, float scale, float limit) {
  v = Min(_mm512_mul_ps(v, Broadcast(scale)), Broadcast(limit));
  return _mm512_cvtps_epi32(Max(v, Broadcast(-limit)));
}

void FillTables(const float* query, size_t dimension, float inverse_scale, uint8_t* tables) {
  // A lane holds a group as eight 16-bit numbers: max(q_i, 0), then max(-q_i, 0). Entries 0…7 and
  // 8…15 differ in bit 3 alone; which of the numbers the other bits of entry m choose:
  const __m512i bit0 =
      _mm512_broadcast_i32x4(_mm_setr_epi8(8, 9, 0, 1, 8, 9, 0, 1, 8, 9, 0, 1, 8, 9, 0, 1));
  const __m512i bit1 =
      _mm512_broadcast_i32x4(_mm_setr_epi8(10, 11, 10, 11, 2, 3, 2, 3, 10, 11, 10, 11, 2, 3, 2, 3));
  const __m512i bit2 =
      _mm512_broadcast_i32x4(_mm_setr_epi8(12, 13, 12, 13, 12, 13, 12, 13, 4, 5, 4, 5, 4, 5, 4, 5));
  const __m512i bit3_clear = _mm512_set1_epi16(0x0F0E);
  const __m512i bit3_set = _mm512_set1_epi16(0x0706);
  const float scale = inverse_scale * 256;
  for (size_t i = 0; i < dimension; i += 16) {
    const __m512i fixed = ToIntegers(Load(query + i), scale, 32767);
    __m512i both = _mm512_packs_epi32(fixed, _mm512_sub_epi32(_mm512_setzero_si512(), fixed));
    both = _mm512_max_epi16(both, _mm512_setzero_si512());
    const __m512i bits01 =
        _mm512_adds_epi16(_mm512_shuffle_epi8(both, bit0), _mm512_shuffle_epi8(both, bit1));
    const __m512i common = _mm512_adds_epi16(
        bits01, _mm512_adds_epi16(_mm512_shuffle_epi8(both, bit2), _mm512_set1_epi16(128)));
    const __m512i first = _mm512_adds_epi16(common, _mm512_shuffle_epi8(both, bit3_clear));
    const __m512i second = _mm512_adds_epi16(common, _mm512_shuffle_epi8(both, bit3_set));
    const __m512i entries =
        _mm512_packus_epi16(_mm512_srli_epi16(first, 8), _mm512_srli_epi16(second, 8));
    _mm512_storeu_si512(tables + i * 4, _mm512_min_epu8(entries, _mm512_set1_epi8(kTableMax)));
  }
}

void Quantize(const float* vector, size_t dimension, float inverse_scale, int8_t* out) {
  for (size_t i = 0; i < dimension; i += 16) {
    const __m512i integers = ToIntegers(Load(vector + i), inverse_scale, 127);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i), _mm512_cvtepi32_epi8(integers));
  }
}

}  // namespace

constinit const CodeKernels kAvx512CodeKernels = {
    "avx512", DotI8,      DotPlanes<U4>, DotPlanes<U2>, JoinI6,         DotI8Block,
    Estimate, FillTables, Measure,       Quantize,      EncodeResidual, Hadamard,
};

}  // namespace chroma::simd
