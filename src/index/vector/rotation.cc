#include "index/vector/rotation.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/split_mix.h"

namespace chroma::index {
namespace {

// Two from each end: after them a unit vector along one axis is spread over all components.
constexpr uint32_t kRounds = 4;

}  // namespace

Rotation::Rotation(uint32_t dimension, uint64_t seed)
    : dimension_(dimension), padded_(Padded(dimension)), block_(std::bit_floor(padded_)) {
  factors_.resize(size_t{kRounds} * padded_);
  const float norm = 1.0F / std::sqrt(static_cast<float>(block_));
  for (uint32_t round = 0; round < kRounds; ++round) {
    const uint32_t first = round % 2 == 0 ? 0 : padded_ - block_;
    for (uint32_t i = 0; i < padded_; ++i) {
      const bool transformed = i >= first && i - first < block_;
      const float factor = transformed ? norm : 1.0F;
      factors_[size_t{round} * padded_ + i] = (SplitMix(&seed) >> 63) != 0 ? factor : -factor;
    }
  }
}

void Rotation::Apply(const simd::CodeKernels& kernels, const float* vector, float* out) const {
  std::copy_n(vector, dimension_, out);
  std::fill(out + dimension_, out + padded_, 0.0F);
  for (uint32_t round = 0; round < kRounds; ++round) {
    const float* factors = factors_.data() + size_t{round} * padded_;
    for (uint32_t i = 0; i < padded_; ++i) out[i] *= factors[i];
    kernels.hadamard(round % 2 == 0 ? out : out + (padded_ - block_), block_);
  }
}

}  // namespace chroma::index
