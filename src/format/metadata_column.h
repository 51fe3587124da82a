// The values of one metadata key that have one type: a section of its own.
//
//   presence (presence.h), then the values of the rows that have one, by ordinal:
//     kBool, kInt, kFloat, kString   a column of scalars (number, packed, string columns)
//     arrays                         packed offsets (count + 1, the first 0), then a column of
//                                    all elements, scalars of the element type
//     kSparseVector                  packed offsets, packed indices, f32 values[], padding to 8,
//                                    packed token offsets (0 or as many tokens as indices), tokens
//
// Columns of elements use at least one byte each, so that bytes bound their count.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/coding.h"
#include "format/number_column.h"
#include "format/packed_column.h"
#include "format/presence.h"
#include "format/string_column.h"
#include "model/metadata.h"

namespace chroma::format {

// Collects the values of one key and type. One task at a time.
class MetadataColumnWriter {
 public:
  explicit MetadataColumnWriter(model::ValueType type) : type_(type) {}
  // Rows ascend; `value` has the type of the column, which is not kNull, and is no empty array.
  void Add(uint32_t row, const model::MetadataValue& value);
  void Encode(Bytes& out, uint32_t rows) const;

  // Of a column of sparse vectors: the i-th belongs to rows[i] and has the elements ends[i] …
  // ends[i + 1] - 1. Valid until the next Add.
  struct SparseVectors {
    std::span<const uint32_t> rows;
    std::span<const uint64_t> ends;
    std::span<const uint64_t> indices;
    std::span<const float> weights;
  };
  SparseVectors sparse_vectors() const { return {present_, ends_, indices_, weights_}; }

 private:
  void EncodeScalars(Bytes& out, uint32_t width_min) const;
  void AddSparse(const model::SparseVector& vector);
  void EncodeSparse(Bytes& out) const;

  const model::ValueType type_;
  std::vector<uint32_t> present_;
  std::vector<uint64_t> ends_{0};  // arrays and sparse vectors
  // Scalars or elements, one of them in use.
  std::vector<uint8_t> bools_;
  std::vector<int64_t> ints_;
  std::vector<double> floats_;
  StringWriter strings_;
  // Sparse vectors; their tokens are in strings_.
  std::vector<uint64_t> indices_;
  std::vector<float> weights_;
  std::vector<uint64_t> token_ends_{0};
};

// Does not own the bytes. Immutable; thread safe.
class MetadataColumnReader {
 public:
  // Fails `in` unless a whole column of `type` for a part of `rows` rows follows.
  static MetadataColumnReader Read(ByteReader& in, model::ValueType type, uint32_t rows);

  model::ValueType type() const { return type_; }
  const PresenceReader& presence() const { return presence_; }
  model::MetadataValue Value(uint32_t ordinal) const;

  // For evaluation in bulk. Elements of the row with ordinal i are offsets()[i] … offsets()[i + 1];
  // only the column of the (element) type holds anything.
  const PackedReader& offsets() const { return offsets_; }
  const BoolReader& bools() const { return bools_; }
  const PackedReader& ints() const { return ints_; }
  const FloatReader& floats() const { return floats_; }
  const StringValuesReader& strings() const { return strings_; }
  // Of sparse vectors.
  const PackedReader& indices() const { return indices_; }
  float weight(uint64_t element) const {
    return LoadFixed<float>(weights_ + element * sizeof(float));
  }

 private:
  void ReadScalars(ByteReader& in, uint64_t count, uint32_t width_min);
  void ReadSparse(ByteReader& in);
  uint64_t ReadOffsets(ByteReader& in, uint64_t count, PackedReader* offsets);
  model::MetadataValue Sparse(uint64_t begin, uint64_t end, uint32_t ordinal) const;

  model::ValueType type_ = model::ValueType::kNull;
  PresenceReader presence_;
  PackedReader offsets_;
  BoolReader bools_;
  PackedReader ints_;
  FloatReader floats_;
  StringValuesReader strings_;
  PackedReader indices_;
  const char* weights_ = nullptr;
  PackedReader token_offsets_;
};

}  // namespace chroma::format
