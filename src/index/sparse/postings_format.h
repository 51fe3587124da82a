// The bytes of sparse postings: for each dimension that occurs, the rows that have it and their
// weights. Integers are little-endian; nothing is aligned.
//
//   header      40 bytes, PostingsHeader
//   codebook    u8 code → f32 low, f32 high: the weights of all postings with that code lie
//   between.
//               Both ascend. When each is one number (low = high) the codes are exact.
//   irregular   u32 row each, ascending: rows with weights that are not finite. They are in the
//               lists with any code; a search asks for their exact vectors.
//   dimensions  u32 each, ascending
//   ends        u32 or u64 each (header): where the list of dimension i ends, from the start of
//   lists lists       one after the other
//
// A list is a varint count of postings, then
//   1 posting     varint row, u8 code
//   2 … 128       varint first row, u8 lowest code, u8 highest code, u8 width, a block
//   more          a directory, BlockEntry for each 128 postings, then their blocks
// A block is the gaps between its rows, minus one, in `width` bits each (bit_packing.h: vertical
// when it has 128 postings), and a u8 code for each posting.
#pragma once

#include <cstdint>

#include "index/sparse/bit_packing.h"

namespace chroma::index {

inline constexpr uint32_t kPostingsLayout = 1;
inline constexpr uint32_t kPostingsBlock = kPackedBlock;
inline constexpr uint32_t kCodesMax = 256;

struct PostingsHeader {
  uint32_t layout = kPostingsLayout;
  uint32_t rows = 0;        // of the part
  uint32_t dimensions = 0;  // that occur
  uint32_t codes = 0;
  uint32_t irregular = 0;
  uint32_t end_bytes = 4;  // of each element of `ends`: 4 or 8
  uint64_t postings = 0;
  uint64_t list_bytes = 0;
};
static_assert(sizeof(PostingsHeader) == 40);

struct CodeRange {
  float low = 0;
  float high = 0;
};
static_assert(sizeof(CodeRange) == 8);

struct BlockEntry {
  uint32_t first_row = 0;
  uint32_t last_row = 0;
  uint32_t end = 0;  // of the block, from the end of the directory
  uint8_t code_min = 0;
  uint8_t code_max = 0;
  uint8_t width = 0;
  uint8_t zero = 0;
};
static_assert(sizeof(BlockEntry) == 16);

}  // namespace chroma::index
