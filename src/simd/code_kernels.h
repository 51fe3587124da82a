// Kernels over quantised vectors: what a graph walk does at every step, and what building one
// does for every row. One table of functions per instruction set, chosen as in kernels.h.
//
// Dimensions are padded: every `dimension` here is a positive multiple of 64, and the padding holds
// zeros. Pointers need no alignment. Integer results are the same on every instruction set, bit
// for bit; floating sums agree within rounding. Stateless and thread safe.
//
// As kernels.h, this header is included by files compiled for wider instruction sets: nothing
// inline may ever be added to it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace chroma::simd {

// Neighbours whose codes are scanned together.
constexpr size_t kCodeLanes = 32;

// The largest entry of a table. Four of them add up within a byte, which spares the scan most of
// its widening; and the error of rounding to so few steps is a hundredth of what the sign codes
// themselves add to an estimate.
constexpr uint8_t kTableMax = 63;

// One byte table of 16 entries for each group of four dimensions, made from a query; see
// fill_tables. S = Σ_i ±q_i over a code's signs is then scale * (sum of table entries) + bias.
struct CodeTables {
  const uint8_t* tables;  // dimension / 4 * 16 bytes, none above kTableMax
  float scale;
  float bias;
};

struct CodeKernels {
  const char* name;

  // Sum of a[i] * b[i]; every component is in -127…127.
  int32_t (*dot_i8)(const int8_t* a, const int8_t* b, size_t dimension);
  // Sums of query[i] * number i of each of planes[0 … n-1]; prefetches the planes ahead. A number
  // is 0…15, or 0…3. In a plane every 64 dimensions take 32 bytes, or 16: byte j has dimension j in
  // its lowest 4 bits and dimension j + 32 in the others; or dimensions j, j + 16, j + 32 and
  // j + 48 in two bits each, the first in the lowest.
  void (*dot_u4)(const int8_t* query, const uint8_t* const* planes, size_t n, size_t dimension,
                 int32_t* out);
  void (*dot_u2)(const int8_t* query, const uint8_t* const* planes, size_t n, size_t dimension,
                 int32_t* out);
  // codes[i] = 4 * number i of `high` + number i of `low` - 32, of planes of 4 and of 2 bits.
  void (*join_i6)(const uint8_t* high, const uint8_t* low, size_t dimension, int8_t* codes);
  // Sums of products of each of a[0 … n_a-1] with each of b[0 … n_b-1], at out[i * n_b + j].
  void (*dot_i8_block)(const int8_t* const* a, size_t n_a, const int8_t* const* b, size_t n_b,
                       size_t dimension, int32_t* out);

  // The walk's step: estimated squared distances of 32 neighbours by their 1-bit codes,
  //   estimates[j] = base + offsets[j] + factors[j] * (tables.scale * sum_j + tables.bias),
  // sum_j being the sum, exact, of table entries that neighbour j's code selects. Returns the mask
  // of the neighbours whose estimate is less than `bound`. Group g (dimensions 4g … 4g+3) takes 16
  // bytes of `codes`: byte j has neighbour j in its low nibble and neighbour j + 16 in the high
  // one; bit i of a nibble is dimension 4g + i, set for a positive component.
  uint32_t (*estimate)(const uint8_t* codes, const CodeTables& tables, size_t dimension,
                       const float* offsets, const float* factors, float base, float bound,
                       float* estimates);

  // Makes the tables of a finite query: entry m of group g is what the sum over its four dimensions
  // of q_i * (bit i of m ? 1 : 0), less the smallest such sum, rounds to in steps of
  // 1 / inverse_scale. Each |q_i| is first rounded (ties to even) to 1/256 of a step, then the sum
  // to the nearest step (halves up). inverse_scale is such that no entry is beyond kTableMax,
  // namely kTableMax / Shape::group_range_max or less; larger entries become kTableMax.
  void (*fill_tables)(const float* query, size_t dimension, float inverse_scale, uint8_t* tables);

  // What fill_tables and quantize need to know of a finite vector, in one pass.
  struct Shape {
    float magnitude_max;    // of one component
    float group_range_max;  // of the sum of magnitudes of a group of four
    float squared_norm;
    float sum;
    float negative_sum;  // of the components below zero
  };
  void (*measure)(const float* vector, size_t dimension, Shape* shape);

  // out[i] = vector[i] * inverse_scale rounded to the nearest integer (ties to even), within
  // -127…127; the vector is finite.
  void (*quantize)(const float* vector, size_t dimension, float inverse_scale, int8_t* out);

  // The 1-bit code of r = row * row_scale - center (rounded once; its sign is exact). Sets the bits
  // of lane `lane` of `codes` (as in `estimate`; they are zero before), and gives the sums from
  // which offset and factor are made.
  struct ResidualSums {
    float squared_norm;   // of r
    float magnitudes;     // Σ |r_i|
    float center_signed;  // Σ (r_i > 0 ? center_i : -center_i)
  };
  void (*encode_residual)(const int8_t* row, float row_scale, const float* center, size_t dimension,
                          size_t lane, uint8_t* codes, ResidualSums* sums);

  // Fast Walsh-Hadamard transform in place, not normalised; n is a power of two, at least 8. The
  // order of its additions is fixed, so that it too is the same bit for bit.
  void (*hadamard)(float* values, size_t n);
};

extern const CodeKernels kScalarCodeKernels;
extern const CodeKernels kAvx2CodeKernels;
extern const CodeKernels kAvx512CodeKernels;  // needs F, BW, DQ, VL and VNNI
extern const CodeKernels kNeonCodeKernels;

// As AvailableKernels and ActiveKernels of kernels.h, with the same choice by CHROMA_SIMD: the
// table named as ActiveKernels is, or the next one below it where the processor lacks a part of it
// (AVX-512 without VNNI takes the AVX2 table).
const CodeKernels& ActiveCodeKernels();
const CodeKernels* AvailableCodeKernels(size_t index);

}  // namespace chroma::simd
