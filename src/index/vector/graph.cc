#include "index/vector/graph.h"

#include <cstring>

namespace chroma::index {

void Edges::Read(uint32_t row, uint32_t* out) const {
  const uint32_t row_bytes = Bytes(bits);
  const uint8_t* begin = bytes + size_t{row} * row_bytes;
  if (bits == 32) {
    std::memcpy(out, begin, row_bytes);
    return;
  }
  // With room behind it, so that each number is within eight bytes from where it begins.
  uint8_t padded[kDegree * sizeof(uint32_t) + sizeof(uint64_t)];
  std::memcpy(padded, begin, row_bytes);
  std::memset(padded + row_bytes, 0, sizeof(uint64_t));
  const uint32_t none = (uint32_t{1} << bits) - 1;
  for (uint32_t i = 0, at = 0; i < kDegree; ++i, at += bits) {
    uint64_t word;
    std::memcpy(&word, padded + at / 8, sizeof word);
    const uint32_t number = static_cast<uint32_t>(word >> at % 8) & none;
    out[i] = number == none ? kNoRow : number;
  }
}

void PackEdges(const uint32_t* neighbors, uint32_t bits, uint8_t* out) {
  const uint64_t mask = (uint64_t{1} << bits) - 1;
  uint64_t waiting = 0;
  uint32_t count = 0;  // of bits that wait
  for (uint32_t i = 0; i < kDegree; ++i) {
    waiting |= (neighbors[i] & mask) << count;
    for (count += bits; count >= 8; count -= 8) {
      *out++ = static_cast<uint8_t>(waiting);
      waiting >>= 8;
    }
  }
}

}  // namespace chroma::index
