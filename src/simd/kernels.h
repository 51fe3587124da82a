// Distance kernels over float32 vectors: one table of functions per instruction set, the best
// one that this processor runs chosen once, at first use.
//
// Dispatch is per batch: callers fetch the table once per scan and call the one-to-many forms.
// Every function accepts any dimension, zero included, and rows aligned to 4 bytes only. All
// arithmetic is float32; the order of accumulation differs between instruction sets, so results
// agree within rounding, not bit for bit. NaN and infinities follow IEEE 754 as in scalar.cc.
// Stateless and thread safe.
//
// This header is included by files compiled for wider instruction sets than the rest of the
// program: nothing inline may ever be added to it (one such copy, chosen by the linker, would
// crash older processors).
#pragma once

#include <cstddef>
#include <cstdint>

namespace chroma::simd {

// Arguments of the one-to-many forms: `n` rows of `dimension` floats, row i at
// rows + i * stride (stride counts floats); of the gathered forms: row i at rows[i].
// Result i goes to out[i]. Arrays must not overlap the results.
using ManyFunction = void (*)(const float* query, const float* rows, size_t stride, size_t n,
                              size_t dimension, float* out);
using GatherFunction = void (*)(const float* query, const float* const* rows, size_t n,
                                size_t dimension, float* out);

struct Kernels {
  const char* name;  // "scalar", "avx2", "avx512", "neon"

  // One to one.
  float (*l2)(const float* a, const float* b, size_t dimension);   // sum of (a - b)^2
  float (*dot)(const float* a, const float* b, size_t dimension);  // sum of a * b
  float (*squared_norm)(const float* a, size_t dimension);         // sum of a^2

  // One query against many rows.
  ManyFunction l2_many;
  ManyFunction dot_many;
  // Dot products and the rows' squared norms, both in one pass over the rows.
  void (*dot_norm_many)(const float* query, const float* rows, size_t stride, size_t n,
                        size_t dimension, float* dots, float* squared_norms);

  GatherFunction l2_gather;
  GatherFunction dot_gather;
  void (*dot_norm_gather)(const float* query, const float* const* rows, size_t n, size_t dimension,
                          float* dots, float* squared_norms);
};

// One table per source file; those of other processor families do not exist in the build. Use
// AvailableKernels, which asks the processor first.
extern const Kernels kScalarKernels;
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;
extern const Kernels kNeonKernels;

// The table in use: the one named by the environment variable CHROMA_SIMD if this processor runs
// it, else the best one. Chosen at the first call and then fixed.
const Kernels& ActiveKernels();

// Why CHROMA_SIMD was not followed, for the log at start; "" when there is nothing to say.
const char* ActiveKernelsNote();

// The `index`-th table that this processor runs, best first; null past the last one ("scalar").
const Kernels* AvailableKernels(size_t index);

struct Choice {
  const Kernels* kernels;
  const char* note;  // as ActiveKernelsNote
};
// What ActiveKernels would choose were CHROMA_SIMD `wanted`; null means unset.
Choice ChooseKernels(const char* wanted);

}  // namespace chroma::simd
