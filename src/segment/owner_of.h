// Which of many stretches, one after the other, has a place.
#pragma once

#include <algorithm>
#include <cstdint>

#include "format/packed_column.h"

namespace chroma::segment {

// The last number in [first, count) whose stretch begins at `place` or before; takes the longer the
// farther it is from `first`.
inline uint64_t OwnerFrom(const format::PackedReader& offsets, uint64_t first, uint64_t count,
                          uint64_t place) {
  uint64_t step = 1;
  while (first + step < count && offsets[first + step] <= place) step *= 2;
  uint64_t low = first + step / 2;
  uint64_t high = std::min(first + step, count);
  while (high - low > 1) {
    const uint64_t middle = low + (high - low) / 2;
    if (offsets[middle] <= place) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

}  // namespace chroma::segment
