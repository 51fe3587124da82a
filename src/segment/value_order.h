// Where a string is among the values of a metadata column that has no dictionary, which are nearly
// all different: the numbers of the values in order of their XXH3, as a packed column. Looking a
// string up is a few reads, where comparing every value of a million takes some 10 ms. Columns with
// a dictionary, and numbers, do without: comparing all their codes takes a tenth of a millisecond
// a million rows (docs/performance.md).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/coding.h"
#include "format/metadata_column.h"
#include "format/packed_column.h"

namespace chroma::segment {

// Whether the column gets one.
bool HasValueOrder(const format::MetadataColumnReader& column);
Bytes EncodeValueOrder(const format::StringReader& values);

// The key of a section that belongs to a metadata column: the value type of the column, one byte,
// and the metadata key.
std::string ValueIndexKey(std::string_view key, model::ValueType type);

// Does not own the bytes. Immutable; thread safe.
class ValueOrder {
 public:
  // Fails `in` unless the order of `count` values follows.
  static ValueOrder Read(ByteReader& in, uint64_t count);

  // Appends the numbers of the values that equal `wanted`, ascending.
  void Find(const format::StringReader& values, std::string_view wanted,
            std::vector<uint32_t>* numbers) const;

 private:
  format::PackedReader numbers_;
};

}  // namespace chroma::segment
