// A random orthogonal transformation that costs O(d log d): it spreads the length of every vector
// evenly over all components, so that one scale per row quantises each of them well and the signs
// alone tell much about a direction, whatever the embedding model's own coordinates mean.
//
// Rounds of random signs and Walsh-Hadamard transforms of the largest power-of-two block that
// fits, from the front and from the back in turn; blocks overlap unless the dimension is a power of
// two itself. N. Ailon, B. Chazelle, "The Fast Johnson-Lindenstrauss Transform" (2009).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "simd/code_kernels.h"

namespace chroma::index {

// Immutable.
class Rotation {
 public:
  // The same `seed` gives the same transformation everywhere.
  Rotation(uint32_t dimension, uint64_t seed);

  uint32_t dimension() const { return dimension_; }
  // Of the result: the next multiple of 64, not below kPaddedMin: codes of few bits say too little
  // about a direction, so rows of few components are spread over more.
  uint32_t padded() const { return padded_; }
  // `vector` has dimension() floats, `out` room for padded(); they do not overlap.
  void Apply(const simd::CodeKernels& kernels, const float* vector, float* out) const;

  static constexpr uint32_t kPaddedMin = 128;
  static uint32_t Padded(uint32_t dimension) {
    return std::max(kPaddedMin, (dimension + 63) / 64 * 64);
  }

 private:
  const uint32_t dimension_;
  const uint32_t padded_;
  const uint32_t block_;        // the largest power of two that is not above padded_
  std::vector<float> factors_;  // per round and component: a sign, and the norm of the transform
};

}  // namespace chroma::index
