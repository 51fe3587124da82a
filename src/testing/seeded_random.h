// Randomness of simulations and tests: the same numbers for the same seed, on every machine.
#pragma once

#include <cstdint>

#include "base/split_mix.h"
#include "runtime/random.h"

namespace chroma::testing {

class SeededRandom final : public runtime::Random {
 public:
  explicit SeededRandom(uint64_t seed) : state_(seed) {}

  uint64_t Next() override { return SplitMix(&state_); }
  // In [0, n); n > 0. The bias is below 2^-32 for small ranges.
  uint64_t Below(uint64_t n) { return Next() % n; }
  uint64_t Between(uint64_t low, uint64_t high) { return low + Below(high - low + 1); }
  bool Chance(uint64_t part, uint64_t whole) { return Below(whole) < part; }
  // Of the order of 2^0 … 2^bits: short times and sizes as often as long ones.
  uint64_t Skewed(int bits) { return Below(uint64_t{1} << Below(static_cast<uint64_t>(bits) + 1)); }

 private:
  uint64_t state_;
};

}  // namespace chroma::testing
