// Ascending row numbers as bytes: what the text index lists rows with.
//
// Gaps between rows are Golomb-Rice codes (S. W. Golomb, "Run-Length Encodings", 1966; R. F. Rice,
// 1979): the quotient by 2^k in unary, low bits first, then k bits. k follows from how many rows
// there are and how large they may become, so that nothing but the codes is stored, and a list
// takes about log2(universe / count) + 1.5 bits a row. Where a bitmap of the universe is no larger,
// it is the list.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "base/coding.h"

namespace chroma::index {

// The form of a list of `count` rows below `universe`.
struct PostingsShape {
  PostingsShape(uint64_t count, uint64_t universe);
  bool bitmap = false;
  uint32_t remainder_bits = 0;
};

// Appends the list; `rows` ascend and are below `universe`.
void PutPostings(Bytes& out, std::span<const uint32_t> rows, uint32_t universe);

// Calls visit(row) for each of the `count` rows, ascending, of untrusted bytes. False when they
// are not such a list: rows visited before that was noticed were below `universe` and ascended.
template <typename Visit>
bool VisitPostings(BytesView bytes, uint32_t count, uint32_t universe, Visit visit);

// The union of lists. Memory: 4 bytes a row while there are few, then a bit for each that may be.
class RowCollector {
 public:
  explicit RowCollector(uint32_t universe) : universe_(universe) {}

  // False when the bytes are not a list of `count` rows below `universe`.
  bool Add(BytesView postings, uint32_t count);
  Bitmap Take();

 private:
  void Spread();

  const uint32_t universe_;
  std::vector<uint32_t> rows_;  // in any order, while words_ is empty
  std::vector<uint64_t> words_;
};

// Reads codes, without ever reading past the end.
class RiceReader {
 public:
  RiceReader(BytesView bytes, uint32_t remainder_bits)
      : bytes_(bytes), bits_(uint64_t{bytes.size()} * 8), remainder_bits_(remainder_bits) {}

  // The next gap; UINT64_MAX when no whole code is left.
  uint64_t Next() {
    constexpr uint32_t kWindowBits = 57;  // of 64, less those before the position in its byte
    if (at_ / 8 + 8 <= bytes_.size()) {
      const uint64_t window = LoadFixed<uint64_t>(bytes_.data() + at_ / 8) >> (at_ % 8);
      const auto quotient = static_cast<uint32_t>(std::countr_one(window));
      if (quotient + 1 + remainder_bits_ <= kWindowBits) {
        at_ += quotient + 1 + remainder_bits_;
        const uint64_t mask = (uint64_t{1} << remainder_bits_) - 1;
        return (uint64_t{quotient} << remainder_bits_) | ((window >> (quotient + 1)) & mask);
      }
    }
    return NextSlowly();
  }
  // Whether all that is left is padding of less than a byte.
  bool AtEnd() const { return bits_ - at_ < 8; }

 private:
  bool Bit() {
    const bool bit = (static_cast<uint8_t>(bytes_[at_ / 8]) >> (at_ % 8) & 1) != 0;
    ++at_;
    return bit;
  }
  uint64_t NextSlowly();

  BytesView bytes_;
  uint64_t bits_;
  uint64_t at_ = 0;
  uint32_t remainder_bits_;
};

template <typename Visit>
bool VisitPostings(BytesView bytes, uint32_t count, uint32_t universe, Visit visit) {
  if (count > universe) return false;
  const PostingsShape shape(count, universe);
  if (shape.bitmap) {
    if (bytes.size() != (uint64_t{universe} + 7) / 8) return false;
    uint32_t found = 0;
    for (size_t i = 0; i < bytes.size(); i += 8) {
      uint64_t word = 0;
      std::memcpy(&word, bytes.data() + i, std::min<size_t>(8, bytes.size() - i));
      for (; word != 0; word &= word - 1) {
        const uint64_t row = i * 8 + static_cast<uint64_t>(std::countr_zero(word));
        if (row >= universe || ++found > count) return false;
        visit(static_cast<uint32_t>(row));
      }
    }
    return found == count;
  }
  RiceReader in(bytes, shape.remainder_bits);
  uint64_t row = UINT64_MAX;  // a gap of 0 leads to row 0
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t gap = in.Next();
    if (gap >= universe) return false;
    row += gap + 1;
    if (row >= universe) return false;
    visit(static_cast<uint32_t>(row));
  }
  return in.AtEnd();
}

}  // namespace chroma::index
