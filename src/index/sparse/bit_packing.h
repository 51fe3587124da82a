// Numbers in as few bits as the largest of them takes: the ascending row numbers of postings, as
// differences minus one.
//
// A full block of 128 lies "vertically" in four lanes of 32 bits, so that four numbers are unpacked
// at once (D. Lemire, L. Boytsov: "Decoding billions of integers per second through vectorization",
// 2015); fewer numbers lie one after the other, low bits first.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace chroma::index {

inline constexpr uint32_t kPackedBlock = 128;
inline constexpr uint32_t kWidthMax = 32;

// Bits that hold every number up to `value`.
uint32_t BitWidth(uint32_t value);

constexpr size_t FullBlockBytes(uint32_t width) {
  return size_t{16} * width;
}
constexpr size_t ShortBlockBytes(uint32_t n, uint32_t width) {
  return (size_t{n} * width + 7) / 8;
}

// Rows of a block, ascending strictly: `gaps` are the differences minus one, the first one 0.
void PackFull(const uint32_t* gaps, uint32_t width, Bytes& out);
void PackShort(const uint32_t* gaps, uint32_t n, uint32_t width, Bytes& out);

// Rows from the first one: rows[0] = first, rows[i] = rows[i - 1] + 1 + gap i. `in` holds
// FullBlockBytes(width); width ≤ kWidthMax.
void UnpackFull(const char* in, uint32_t width, uint32_t first, uint32_t* rows);
// n < kPackedBlock rows; `in` holds ShortBlockBytes(n - 1, width) bytes of the gaps 1 … n - 1.
void UnpackShort(const char* in, uint32_t n, uint32_t width, uint32_t first, uint32_t* rows);

}  // namespace chroma::index
