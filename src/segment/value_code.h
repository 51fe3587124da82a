// Numbers as unsigned ones of the same order: what columns of integers and of floats are compared,
// sorted and counted by.
#pragma once

#include <bit>
#include <cstdint>

namespace chroma::segment {

inline uint64_t CodeOf(int64_t value) {
  return static_cast<uint64_t>(value) ^ uint64_t { 1 } << 63;
}

// All bits of negative numbers are flipped, of others the sign. Both zeros are one.
inline uint64_t CodeOf(double value) {
  const auto bits = std::bit_cast<uint64_t>(value + 0.0);
  return bits >> 63 != 0 ? ~bits : bits | uint64_t{1} << 63;
}

}  // namespace chroma::segment
