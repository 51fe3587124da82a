// Numbers that look random and are the same for the same seed on every machine: for choices that
// must not differ from run to run.
#pragma once

#include <cstdint>

namespace chroma {

// The next 64 uniform bits. G. L. Steele, D. Lea, C. H. Flood, "Fast Splittable Pseudorandom Number
// Generators" (OOPSLA 2014).
inline uint64_t SplitMix(uint64_t* state) {
  uint64_t z = *state += 0x9E3779B97F4A7C15;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

}  // namespace chroma
