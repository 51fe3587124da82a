// Booleans and floats by number. (Integers: packed_column.h.)
//
//   booleans  u64 words[ceil(count / 64)]
//   floats    u8 width, padding to 8, count numbers of IEEE 754 of 4 or 8 bytes, padding to 8;
//             4 when that keeps every bit of every value
#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/coding.h"

namespace chroma::format {

void EncodeBools(Bytes& out, std::span<const uint8_t> values);
void EncodeFloats(Bytes& out, std::span<const double> values);

// Does not own the bytes. Immutable; thread safe.
class BoolReader {
 public:
  static BoolReader Read(ByteReader& in, uint64_t count);
  bool operator[](uint64_t i) const {
    return (static_cast<uint8_t>(words_[i / 8]) >> (i % 8) & 1) != 0;
  }

 private:
  const char* words_ = nullptr;
};

// Does not own the bytes. Immutable; thread safe.
class FloatReader {
 public:
  static FloatReader Read(ByteReader& in, uint64_t count);
  double operator[](uint64_t i) const {
    return narrow_ ? static_cast<double>(LoadFixed<float>(numbers_ + 4 * i))
                   : LoadFixed<double>(numbers_ + 8 * i);
  }
  bool narrow() const { return narrow_; }
  const char* numbers() const { return numbers_; }

 private:
  bool narrow_ = false;
  const char* numbers_ = nullptr;
};

}  // namespace chroma::format
