// Integers as differences from their minimum, in the narrowest of 0, 1, 2, 4 or 8 bytes each
// (frame of reference), so that element i is one load.
//
//   u64 count, u64 base, u8 width, padding to 8, count * width bytes, padding to 8
//
// Element i is base + the i-th stored number, modulo 2^64. Padding counts from the start of the
// section.
#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/coding.h"

namespace chroma::format {

// The base is the minimum of the values as unsigned, or as signed numbers. Columns whose count is
// not bounded by the rows of the part pass `width_min` 1 here and to Read(), so that a damaged
// count cannot claim more elements than there are bytes.
void EncodePacked(Bytes& out, std::span<const uint64_t> values, uint32_t width_min = 0);
void EncodePackedSigned(Bytes& out, std::span<const int64_t> values, uint32_t width_min = 0);

// Does not own the bytes. Immutable; thread safe.
class PackedReader {
 public:
  PackedReader() = default;
  // Fails `in` unless exactly `count` elements follow.
  static PackedReader Read(ByteReader& in, uint64_t count, uint32_t width_min = 0);

  uint64_t count() const { return count_; }
  uint64_t base() const { return base_; }
  uint32_t width() const { return width_; }  // bytes
  const char* packed() const { return packed_; }

  // i < count().
  uint64_t operator[](uint64_t i) const {
    switch (width_) {
      case 0:
        return base_;
      case 1:
        return base_ + LoadFixed<uint8_t>(packed_ + i);
      case 2:
        return base_ + LoadFixed<uint16_t>(packed_ + 2 * i);
      case 4:
        return base_ + LoadFixed<uint32_t>(packed_ + 4 * i);
      default:
        return base_ + LoadFixed<uint64_t>(packed_ + 8 * i);
    }
  }

  // Of ascending elements, the last i in [first, end) whose element is at most `value`, as that of
  // `first` is: which of many stretches, one after the other, has a place. Takes the longer the
  // farther it is from `first`.
  uint64_t LastAtMost(uint64_t first, uint64_t end, uint64_t value) const;
  // Whether the elements ascend (equal ones allowed) from `first` to `last`: what makes them
  // offsets into something of `last` elements.
  bool AreOffsets(uint64_t first, uint64_t last) const;
  // Whether every element is below `end`.
  bool AllBelow(uint64_t end) const;

 private:
  uint64_t count_ = 0;
  uint64_t base_ = 0;
  uint32_t width_ = 0;
  const char* packed_ = nullptr;
};

// Calls visit(load) where load(i) gives the i-th stored number without the base, so that a loop
// inside `visit` is compiled for each width.
template <typename Visit>
auto VisitPacked(const PackedReader& column, Visit&& visit) {
  const char* at = column.packed();
  switch (column.width()) {
    case 0:
      return visit([](uint64_t) { return uint8_t{0}; });
    case 1:
      return visit([at](uint64_t i) { return LoadFixed<uint8_t>(at + i); });
    case 2:
      return visit([at](uint64_t i) { return LoadFixed<uint16_t>(at + 2 * i); });
    case 4:
      return visit([at](uint64_t i) { return LoadFixed<uint32_t>(at + 4 * i); });
    default:
      return visit([at](uint64_t i) { return LoadFixed<uint64_t>(at + 8 * i); });
  }
}

}  // namespace chroma::format
