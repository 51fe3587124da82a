// Strings by number, in two forms.
//
// StringReader: all strings one after the other.
//   packed offsets (count + 1, the first 0), u64 length, bytes, padding to 8
// StringValuesReader: the same, or a dictionary when many strings repeat.
//   u8 encoding, padding to 8, then
//     kPlain       the strings as above
//     kDictionary  u64 entries, the distinct strings in byte order as above, packed codes
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/coding.h"
#include "format/packed_column.h"

namespace chroma::format {

// Collects strings in order.
class StringWriter {
 public:
  void Add(std::string_view value) {
    bytes_.append(value);
    ends_.push_back(bytes_.size());
  }
  uint64_t count() const { return ends_.size() - 1; }
  uint64_t size_bytes() const { return bytes_.size(); }
  std::string_view operator[](uint64_t i) const {
    return std::string_view(bytes_).substr(ends_[i], ends_[i + 1] - ends_[i]);
  }
  // As a StringReader, or as a StringValuesReader, reads it; see packed_column.h for the minimum.
  void Encode(Bytes& out, uint32_t width_min = 0) const;
  void EncodeValues(Bytes& out, uint32_t width_min = 0) const;

 private:
  bool EncodeDictionary(Bytes& out, uint32_t width_min) const;

  Bytes bytes_;
  std::vector<uint64_t> ends_{0};
};

// Does not own the bytes. Immutable; thread safe.
class StringReader {
 public:
  StringReader() = default;
  static StringReader Read(ByteReader& in, uint64_t count, uint32_t width_min = 0);

  uint64_t count() const { return offsets_.count() == 0 ? 0 : offsets_.count() - 1; }
  std::string_view operator[](uint64_t i) const {
    const uint64_t begin = offsets_[i];
    return bytes_.substr(begin, offsets_[i + 1] - begin);
  }
  // All of them, one after the other; the i-th are offsets()[i] … offsets()[i + 1] - 1.
  std::string_view bytes() const { return bytes_; }
  const PackedReader& offsets() const { return offsets_; }

 private:
  PackedReader offsets_;
  std::string_view bytes_;
};

// Does not own the bytes. Immutable; thread safe.
class StringValuesReader {
 public:
  StringValuesReader() = default;
  static StringValuesReader Read(ByteReader& in, uint64_t count, uint32_t width_min = 0);

  std::string_view operator[](uint64_t i) const {
    return dictionary_ ? strings_[codes_[i]] : strings_[i];
  }
  // With a dictionary, strings() are the distinct values in byte order and codes() their places;
  // without, strings() are the values.
  bool has_dictionary() const { return dictionary_; }
  const StringReader& strings() const { return strings_; }
  const PackedReader& codes() const { return codes_; }
  // The code of a string; requires has_dictionary().
  std::optional<uint64_t> FindCode(std::string_view value) const;

 private:
  bool dictionary_ = false;
  StringReader strings_;
  PackedReader codes_;
};

}  // namespace chroma::format
