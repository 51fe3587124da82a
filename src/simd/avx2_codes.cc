// Kernels over quantised vectors for AVX2 with FMA.
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "simd/code_kernels.h"

namespace chroma::simd {
namespace {

using Vector = __m256;
constexpr size_t kLanes = 8;

[[gnu::always_inline]] inline Vector Zero() {
  return _mm256_setzero_ps();
}
[[gnu::always_inline]] inline Vector Broadcast(float x) {
  return _mm256_set1_ps(x);
}
[[gnu::always_inline]] inline Vector Load(const float* p) {
  return _mm256_loadu_ps(p);
}
[[gnu::always_inline]] inline void Store(float* p, Vector v) {
  _mm256_storeu_ps(p, v);
}
[[gnu::always_inline]] inline Vector Add(Vector a, Vector b) {
  return _mm256_add_ps(a, b);
}
[[gnu::always_inline]] inline Vector Subtract(Vector a, Vector b) {
  return _mm256_sub_ps(a, b);
}
[[gnu::always_inline]] inline Vector Min(Vector a, Vector b) {
  return _mm256_min_ps(a, b);
}
[[gnu::always_inline]] inline Vector Max(Vector a, Vector b) {
  return _mm256_max_ps(a, b);
}
[[gnu::always_inline]] inline Vector Abs(Vector v) {
  return _mm256_andnot_ps(_mm256_set1_ps(-0.0F), v);
}
[[gnu::always_inline]] inline Vector MultiplyAdd(Vector a, Vector b, Vector c) {
  return _mm256_fmadd_ps(a, b, c);
}
[[gnu::always_inline]] inline Vector MultiplySubtract(Vector a, Vector b, Vector c) {
  return _mm256_fmsub_ps(a, b, c);
}

[[gnu::always_inline]] inline float Sum(Vector v) {
  __m128 x = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  x = _mm_add_ps(x, _mm_movehl_ps(x, x));
  x = _mm_add_ss(x, _mm_movehdup_ps(x));
  return _mm_cvtss_f32(x);
}

[[gnu::always_inline]] inline float Highest(Vector v) {
  __m128 x = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  x = _mm_max_ps(x, _mm_movehl_ps(x, x));
  x = _mm_max_ss(x, _mm_movehdup_ps(x));
  return _mm_cvtss_f32(x);
}

[[gnu::always_inline]] inline Vector GroupSums(Vector v) {
  v = _mm256_add_ps(v, _mm256_permute_ps(v, 0xB1));
  return _mm256_add_ps(v, _mm256_permute_ps(v, 0x4E));
}

[[gnu::always_inline]] inline Vector LoadRow(const int8_t* p) {
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
}

[[gnu::always_inline]] inline uint32_t PositiveMask(Vector v) {
  return static_cast<uint32_t>(
      _mm256_movemask_ps(_mm256_cmp_ps(v, _mm256_setzero_ps(), _CMP_GT_OQ)));
}

[[gnu::always_inline]] inline Vector SignedAs(Vector v, Vector r) {
  const __m256 positive = _mm256_cmp_ps(r, _mm256_setzero_ps(), _CMP_GT_OQ);
  return _mm256_xor_ps(v, _mm256_andnot_ps(positive, _mm256_set1_ps(-0.0F)));
}

[[gnu::always_inline]] inline Vector Butterfly(Vector v) {
  __m256 other = _mm256_permute_ps(v, 0xB1);
  v = _mm256_blend_ps(_mm256_add_ps(v, other), _mm256_sub_ps(other, v), 0xAA);
  other = _mm256_permute_ps(v, 0x4E);
  v = _mm256_blend_ps(_mm256_add_ps(v, other), _mm256_sub_ps(other, v), 0xCC);
  other = _mm256_permute2f128_ps(v, v, 1);
  return _mm256_blend_ps(_mm256_add_ps(v, other), _mm256_sub_ps(other, v), 0xF0);
}

#include "simd/codes-inl.h"

[[gnu::always_inline]] inline __m256i LoadBytes(const void* p) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(p));
}

// Has `v` loaded once: GCC repeats a load for each use, and loads are what is scarce here.
[[gnu::always_inline]] inline __m256i Once(__m256i v) {
  asm("" : "+x"(v));
  return v;
}

[[gnu::always_inline]] inline int32_t SumIntegers(__m256i v) {
  __m128i x = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  x = _mm_add_epi32(x, _mm_shuffle_epi32(x, 0x4E));
  x = _mm_add_epi32(x, _mm_shuffle_epi32(x, 0xB1));
  return _mm_cvtsi128_si32(x);
}

// sum + the products of 32 components, in fours. maddubs wants one side without signs: |a| times b
// with the sign of a. Two products, 2 * 127 * 127, fit its 16 bits.
[[gnu::always_inline]] inline __m256i AddProducts(__m256i sum, __m256i a, __m256i magnitudes_a,
                                                  __m256i b) {
  const __m256i pairs = _mm256_maddubs_epi16(magnitudes_a, _mm256_sign_epi8(b, a));
  return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

int32_t DotI8(const int8_t* a, const int8_t* b, size_t dimension) {
  __m256i sums[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
  for (size_t i = 0; i < dimension; i += 64) {
#pragma GCC unroll 2
    for (size_t u = 0; u < 2; ++u) {
      const __m256i x = Once(LoadBytes(a + i + 32 * u));
      sums[u] = AddProducts(sums[u], x, _mm256_abs_epi8(x), LoadBytes(b + i + 32 * u));
    }
  }
  return SumIntegers(_mm256_add_epi32(sums[0], sums[1]));
}

// Of `query` with each of `rows`.
void DotI8Rows(const int8_t* query, const int8_t* const* rows, size_t n, size_t dimension,
               int32_t* out) {
  constexpr size_t kGroup = 4;  // rows walked together, sharing the loads of the query
  size_t i = 0;
  for (; i + kGroup <= n; i += kGroup) {
    // The last group prefetches itself.
    const int8_t* const* next = i + 2 * kGroup <= n ? rows + i + kGroup : rows + i;
    __m256i sums[kGroup];
#pragma GCC unroll 4
    for (__m256i& sum : sums) sum = _mm256_setzero_si256();
    for (size_t k = 0; k < dimension; k += 64) {
#pragma GCC unroll 4
      for (size_t r = 0; r < kGroup; ++r) {
        _mm_prefetch(reinterpret_cast<const char*>(next[r] + k), _MM_HINT_T0);
      }
#pragma GCC unroll 2
      for (size_t u = 0; u < 64; u += 32) {
        const __m256i x = Once(LoadBytes(query + k + u));
        const __m256i magnitudes = _mm256_abs_epi8(x);
#pragma GCC unroll 4
        for (size_t r = 0; r < kGroup; ++r) {
          sums[r] = AddProducts(sums[r], x, magnitudes, LoadBytes(rows[i + r] + k + u));
        }
      }
    }
#pragma GCC unroll 4
    for (size_t r = 0; r < kGroup; ++r) out[i + r] = SumIntegers(sums[r]);
  }
  for (; i < n; ++i) out[i] = DotI8(query, rows[i], dimension);
}

void DotI8Block(const int8_t* const* a, size_t n_a, const int8_t* const* b, size_t n_b,
                size_t dimension, int32_t* out) {
  for (size_t i = 0; i < n_a; ++i) DotI8Rows(a[i], b, n_b, dimension, out + i * n_b);
}

// What 64 dimensions take of a plane, and its numbers: of the first 32 dimensions, and of the
// others.
struct U4 {
  static constexpr size_t kChunk = 32;
  [[gnu::always_inline]] static void Read(const uint8_t* chunk, __m256i* first, __m256i* second) {
    const __m256i nibble = _mm256_set1_epi8(15);
    const __m256i both = Once(LoadBytes(chunk));
    *first = _mm256_and_si256(both, nibble);
    *second = _mm256_and_si256(_mm256_srli_epi16(both, 4), nibble);
  }
};
struct U2 {
  static constexpr size_t kChunk = 16;
  [[gnu::always_inline]] static void Read(const uint8_t* chunk, __m256i* first, __m256i* second) {
    const __m256i pair = _mm256_set1_epi8(3);
    const __m256i all =
        Once(_mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(chunk))));
    const __m256i shifts = _mm256_setr_epi32(0, 0, 0, 0, 2, 2, 2, 2);
    *first = _mm256_and_si256(_mm256_srlv_epi32(all, shifts), pair);
    *second = _mm256_and_si256(_mm256_srlv_epi32(_mm256_srli_epi32(all, 4), shifts), pair);
  }
};

// sum + the products of 64 dimensions. Four products, 4 * 15 * 127, fit 16 bits.
template <typename Numbers>
[[gnu::always_inline]] inline __m256i AddPlane(__m256i sum, const uint8_t* chunk, __m256i q_first,
                                               __m256i q_second) {
  __m256i first;
  __m256i second;
  Numbers::Read(chunk, &first, &second);
  const __m256i products = _mm256_add_epi16(_mm256_maddubs_epi16(first, q_first),
                                            _mm256_maddubs_epi16(second, q_second));
  return _mm256_add_epi32(sum, _mm256_madd_epi16(products, _mm256_set1_epi16(1)));
}

template <typename Numbers>
void DotPlanes(const int8_t* query, const uint8_t* const* planes, size_t n, size_t dimension,
               int32_t* out) {
  constexpr size_t kGroup = 4;  // rows walked together, sharing the loads of the query
  size_t i = 0;
  for (; i + kGroup <= n; i += kGroup) {
    // The last group prefetches itself.
    const uint8_t* const* next = i + 2 * kGroup <= n ? planes + i + kGroup : planes + i;
    __m256i sums[kGroup];
#pragma GCC unroll 4
    for (__m256i& sum : sums) sum = _mm256_setzero_si256();
    for (size_t k = 0; k < dimension; k += 64) {
      const size_t at = k / 64 * Numbers::kChunk;
      const __m256i q_first = Once(LoadBytes(query + k));
      const __m256i q_second = Once(LoadBytes(query + k + 32));
#pragma GCC unroll 4
      for (size_t r = 0; r < kGroup; ++r) {
        _mm_prefetch(reinterpret_cast<const char*>(next[r] + at), _MM_HINT_T0);
        sums[r] = AddPlane<Numbers>(sums[r], planes[i + r] + at, q_first, q_second);
      }
    }
#pragma GCC unroll 4
    for (size_t r = 0; r < kGroup; ++r) out[i + r] = SumIntegers(sums[r]);
  }
  for (; i < n; ++i) {
    __m256i sum = _mm256_setzero_si256();
    for (size_t k = 0; k < dimension; k += 64) {
      sum = AddPlane<Numbers>(sum, planes[i] + k / 64 * Numbers::kChunk, LoadBytes(query + k),
                              LoadBytes(query + k + 32));
    }
    out[i] = SumIntegers(sum);
  }
}

void JoinI6(const uint8_t* high, const uint8_t* low, size_t dimension, int8_t* codes) {
  for (size_t i = 0; i < dimension; i += 64) {
    __m256i highs[2];
    __m256i lows[2];
    U4::Read(high + i / 64 * U4::kChunk, &highs[0], &highs[1]);
    U2::Read(low + i / 64 * U2::kChunk, &lows[0], &lows[1]);
#pragma GCC unroll 2
    for (size_t u = 0; u < 2; ++u) {
      const __m256i both = _mm256_or_si256(_mm256_slli_epi16(highs[u], 2), lows[u]);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(codes + i + 32 * u),
                          _mm256_sub_epi8(both, _mm256_set1_epi8(32)));
    }
  }
}

// Adds the sums of `groups` groups, a multiple of 16 and at most kWideGroups, to `sums`: eight
// neighbours a register, in order. F. André et al., "Cache locality is not enough: High-Performance
// Nearest Neighbor Search with Product Quantization Fast Scan" (2015).
constexpr size_t kWideGroups = 1024;  // times kTableMax is below 2^16

[[gnu::always_inline]] inline void AddCodeSums(const uint8_t* codes, const uint8_t* tables,
                                               size_t groups, __m256i* sums) {
  const __m256i nibble = _mm256_set1_epi8(15);
  // [0]: sums of bytes as if they were 16-bit numbers; [1]: of the odd bytes alone. Taking 256
  // times [1] from [0] leaves the even ones, whatever was carried.
  __m256i low[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
  __m256i high[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
  for (size_t end = groups * 16, i = 0; i < end; i += 128) {
    __m256i low_bytes = _mm256_setzero_si256();
    __m256i high_bytes = _mm256_setzero_si256();
#pragma GCC unroll 4
    for (size_t k = 0; k < 128; k += 32) {  // two groups each
      const __m256i code = Once(LoadBytes(codes + i + k));
      const __m256i table = Once(LoadBytes(tables + i + k));
      const __m256i code_high = _mm256_and_si256(_mm256_srli_epi16(code, 4), nibble);
      low_bytes =
          _mm256_add_epi8(low_bytes, _mm256_shuffle_epi8(table, _mm256_and_si256(code, nibble)));
      high_bytes = _mm256_add_epi8(high_bytes, _mm256_shuffle_epi8(table, code_high));
    }
    low[0] = _mm256_add_epi16(low[0], low_bytes);
    low[1] = _mm256_add_epi16(low[1], _mm256_srli_epi16(low_bytes, 8));
    high[0] = _mm256_add_epi16(high[0], high_bytes);
    high[1] = _mm256_add_epi16(high[1], _mm256_srli_epi16(high_bytes, 8));
  }
#pragma GCC unroll 2
  for (size_t half = 0; half < 2; ++half) {
    const __m256i* const bytes = half == 0 ? low : high;
    const __m256i even = _mm256_sub_epi16(bytes[0], _mm256_slli_epi16(bytes[1], 8));
    // Even and odd neighbours of the even groups in the lower lanes, of the odd ones in the upper.
    const __m256i first = _mm256_unpacklo_epi16(even, bytes[1]);
    const __m256i second = _mm256_unpackhi_epi16(even, bytes[1]);
    const __m128i lower =
        _mm_add_epi16(_mm256_castsi256_si128(first), _mm256_extracti128_si256(first, 1));
    const __m128i upper =
        _mm_add_epi16(_mm256_castsi256_si128(second), _mm256_extracti128_si256(second, 1));
    sums[2 * half] = _mm256_add_epi32(sums[2 * half], _mm256_cvtepu16_epi32(lower));
    sums[2 * half + 1] = _mm256_add_epi32(sums[2 * half + 1], _mm256_cvtepu16_epi32(upper));
  }
}

uint32_t Estimate(const uint8_t* codes, const CodeTables& tables, size_t dimension,
                  const float* offsets, const float* factors, float base, float bound,
                  float* estimates) {
  __m256i sums[4];
#pragma GCC unroll 4
  for (__m256i& sum : sums) sum = _mm256_setzero_si256();
  size_t group = 0;
  size_t left = dimension / 4;
  while (left > 0) {
    const size_t groups = left < kWideGroups ? left : kWideGroups;
    AddCodeSums(codes + group * 16, tables.tables + group * 16, groups, sums);
    group += groups;
    left -= groups;
  }
  uint32_t below = 0;
#pragma GCC unroll 4
  for (size_t j = 0; j < 4; ++j) {
    const Vector sum =
        MultiplyAdd(_mm256_cvtepi32_ps(sums[j]), Broadcast(tables.scale), Broadcast(tables.bias));
    const Vector estimate =
        MultiplyAdd(Load(factors + 8 * j), sum, Add(Load(offsets + 8 * j), Broadcast(base)));
    Store(estimates + 8 * j, estimate);
    const Vector less = _mm256_cmp_ps(estimate, Broadcast(bound), _CMP_LT_OQ);
    below |= static_cast<uint32_t>(_mm256_movemask_ps(less)) << (8 * j);
  }
  return below;
}

// v * scale within ±limit, to the nearest integers.
[[gnu::always_inline]] inline __m256i ToIntegers(Vector v, float scale, float limit) {
  v = Min(_mm256_mul_ps(v, Broadcast(scale)), Broadcast(limit));
  return _mm256_cvtps_epi32(Max(v, Broadcast(-limit)));
}

void FillTables(const float* query, size_t dimension, float inverse_scale, uint8_t* tables) {
  // A lane holds a group as eight 16-bit numbers: max(q_i, 0), then max(-q_i, 0). Entries 0…7 and
  // 8…15 differ in bit 3 alone; which of the numbers the other bits of entry m choose:
  const __m256i bit0 =
      _mm256_broadcastsi128_si256(_mm_setr_epi8(8, 9, 0, 1, 8, 9, 0, 1, 8, 9, 0, 1, 8, 9, 0, 1));
  const __m256i bit1 = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(10, 11, 10, 11, 2, 3, 2, 3, 10, 11, 10, 11, 2, 3, 2, 3));
  const __m256i bit2 = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(12, 13, 12, 13, 12, 13, 12, 13, 4, 5, 4, 5, 4, 5, 4, 5));
  const __m256i bit3_clear = _mm256_set1_epi16(0x0F0E);
  const __m256i bit3_set = _mm256_set1_epi16(0x0706);
  const float scale = inverse_scale * 256;
  for (size_t i = 0; i < dimension; i += 8) {
    const __m256i fixed = ToIntegers(Load(query + i), scale, 32767);
    __m256i both = _mm256_packs_epi32(fixed, _mm256_sub_epi32(_mm256_setzero_si256(), fixed));
    both = _mm256_max_epi16(both, _mm256_setzero_si256());
    const __m256i bits01 =
        _mm256_adds_epi16(_mm256_shuffle_epi8(both, bit0), _mm256_shuffle_epi8(both, bit1));
    const __m256i common = _mm256_adds_epi16(
        bits01, _mm256_adds_epi16(_mm256_shuffle_epi8(both, bit2), _mm256_set1_epi16(128)));
    const __m256i first = _mm256_adds_epi16(common, _mm256_shuffle_epi8(both, bit3_clear));
    const __m256i second = _mm256_adds_epi16(common, _mm256_shuffle_epi8(both, bit3_set));
    const __m256i entries =
        _mm256_packus_epi16(_mm256_srli_epi16(first, 8), _mm256_srli_epi16(second, 8));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(tables + i * 4),
                        _mm256_min_epu8(entries, _mm256_set1_epi8(kTableMax)));
  }
}

void Quantize(const float* vector, size_t dimension, float inverse_scale, int8_t* out) {
  const __m256i in_order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  for (size_t i = 0; i < dimension; i += 32) {
    __m256i part[4];
#pragma GCC unroll 4
    for (size_t u = 0; u < 4; ++u) {
      part[u] = ToIntegers(Load(vector + i + 8 * u), inverse_scale, 127);
    }
    const __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(part[0], part[1]),
                                             _mm256_packs_epi32(part[2], part[3]));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i),
                        _mm256_permutevar8x32_epi32(bytes, in_order));
  }
}

}  // namespace

constinit const CodeKernels kAvx2CodeKernels = {
    "avx2",   DotI8,      DotPlanes<U4>, DotPlanes<U2>, JoinI6,         DotI8Block,
    Estimate, FillTables, Measure,       Quantize,      EncodeResidual, Hadamard,
};

}  // namespace chroma::simd
