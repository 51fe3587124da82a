#include "format/metadata_column.h"

#include <string>
#include <utility>

#include "base/check.h"

namespace chroma::format {

using model::MetadataValue;
using model::ValueType;

void MetadataColumnWriter::Add(uint32_t row, const MetadataValue& value) {
  CHECK(model::TypeOf(value) == type_);
  present_.push_back(row);
  switch (type_) {
    case ValueType::kNull:
      CHECK(type_ != ValueType::kNull);
      break;
    case ValueType::kBool:
      bools_.push_back(std::get<bool>(value) ? 1 : 0);
      break;
    case ValueType::kInt:
      ints_.push_back(std::get<int64_t>(value));
      break;
    case ValueType::kFloat:
      floats_.push_back(std::get<double>(value));
      break;
    case ValueType::kString:
      strings_.Add(std::get<std::string>(value));
      break;
    case ValueType::kSparseVector:
      AddSparse(std::get<model::SparseVector>(value));
      break;
    case ValueType::kBoolArray: {
      const auto& elements = std::get<model::BoolArray>(value).values;
      bools_.insert(bools_.end(), elements.begin(), elements.end());
      ends_.push_back(bools_.size());
      break;
    }
    case ValueType::kIntArray: {
      const auto& elements = std::get<std::vector<int64_t>>(value);
      ints_.insert(ints_.end(), elements.begin(), elements.end());
      ends_.push_back(ints_.size());
      break;
    }
    case ValueType::kFloatArray: {
      const auto& elements = std::get<std::vector<double>>(value);
      floats_.insert(floats_.end(), elements.begin(), elements.end());
      ends_.push_back(floats_.size());
      break;
    }
    case ValueType::kStringArray: {
      for (const std::string& element : std::get<std::vector<std::string>>(value)) {
        strings_.Add(element);
      }
      ends_.push_back(strings_.count());
      break;
    }
  }
}

void MetadataColumnWriter::AddSparse(const model::SparseVector& vector) {
  indices_.insert(indices_.end(), vector.indices.begin(), vector.indices.end());
  weights_.insert(weights_.end(), vector.values.begin(), vector.values.end());
  weights_.resize(indices_.size());
  for (const std::string& token : vector.tokens) strings_.Add(token);
  ends_.push_back(indices_.size());
  token_ends_.push_back(strings_.count());
}

void MetadataColumnWriter::EncodeScalars(Bytes& out, uint32_t width_min) const {
  switch (model::ElementType(type_)) {
    case ValueType::kBool:
      EncodeBools(out, bools_);
      break;
    case ValueType::kInt:
      EncodePackedSigned(out, ints_, width_min);
      break;
    case ValueType::kFloat:
      EncodeFloats(out, floats_);
      break;
    default:
      strings_.EncodeValues(out, width_min);
      break;
  }
}

void MetadataColumnWriter::EncodeSparse(Bytes& out) const {
  EncodePacked(out, ends_);
  EncodePacked(out, indices_, 1);
  out.append(reinterpret_cast<const char*>(weights_.data()), weights_.size() * sizeof(float));
  PutPadding(out, 8);
  EncodePacked(out, token_ends_);
  strings_.EncodeValues(out, 1);
}

void MetadataColumnWriter::Encode(Bytes& out, uint32_t rows) const {
  EncodePresence(out, present_, rows);
  if (type_ == ValueType::kSparseVector) {
    EncodeSparse(out);
  } else if (model::IsArray(type_)) {
    EncodePacked(out, ends_);
    EncodeScalars(out, 1);
  } else {
    EncodeScalars(out, 0);
  }
}

uint64_t MetadataColumnReader::ReadOffsets(ByteReader& in, uint64_t count, PackedReader* offsets) {
  *offsets = PackedReader::Read(in, count + 1);
  if (!in.ok()) return 0;
  const uint64_t end = (*offsets)[count];
  // A bit each is the least that an element takes.
  if (end / 8 > in.remaining() || !offsets->AreOffsets(0, end)) in.Fail();
  return in.ok() ? end : 0;
}

void MetadataColumnReader::ReadScalars(ByteReader& in, uint64_t count, uint32_t width_min) {
  switch (model::ElementType(type_)) {
    case ValueType::kBool:
      bools_ = BoolReader::Read(in, count);
      break;
    case ValueType::kInt:
      ints_ = PackedReader::Read(in, count, width_min);
      break;
    case ValueType::kFloat:
      floats_ = FloatReader::Read(in, count);
      break;
    default:
      strings_ = StringValuesReader::Read(in, count, width_min);
      break;
  }
}

void MetadataColumnReader::ReadSparse(ByteReader& in) {
  const uint64_t elements = ReadOffsets(in, presence_.count(), &offsets_);
  indices_ = PackedReader::Read(in, elements, 1);
  if (!in.ok() || !indices_.AllBelow(uint64_t{1} << 32) ||
      elements > in.remaining() / sizeof(float)) {
    in.Fail();
    return;
  }
  weights_ = in.Raw(elements * sizeof(float)).data();
  in.Align(8);
  const uint64_t tokens = ReadOffsets(in, presence_.count(), &token_offsets_);
  strings_ = StringValuesReader::Read(in, tokens, 1);
}

MetadataColumnReader MetadataColumnReader::Read(ByteReader& in, ValueType type, uint32_t rows) {
  MetadataColumnReader column;
  column.type_ = type;
  column.presence_ = PresenceReader::Read(in, rows);
  if (!in.ok()) return column;
  const uint64_t count = column.presence_.count();
  if (type == ValueType::kSparseVector) {
    column.ReadSparse(in);
  } else if (model::IsArray(type)) {
    const uint64_t elements = column.ReadOffsets(in, count, &column.offsets_);
    if (in.ok()) column.ReadScalars(in, elements, 1);
  } else {
    column.ReadScalars(in, count, 0);
  }
  if (!in.AtEnd()) in.Fail();
  return column;
}

MetadataValue MetadataColumnReader::Sparse(uint64_t begin, uint64_t end, uint32_t ordinal) const {
  model::SparseVector vector;
  for (uint64_t i = begin; i < end; ++i) {
    vector.indices.push_back(static_cast<uint32_t>(indices_[i]));
    vector.values.push_back(weight(i));
  }
  for (uint64_t i = token_offsets_[ordinal]; i < token_offsets_[ordinal + 1]; ++i) {
    vector.tokens.emplace_back(strings_[i]);
  }
  return vector;
}

MetadataValue MetadataColumnReader::Value(uint32_t ordinal) const {
  switch (type_) {
    case ValueType::kBool:
      return bools_[ordinal];
    case ValueType::kInt:
      return static_cast<int64_t>(ints_[ordinal]);
    case ValueType::kFloat:
      return floats_[ordinal];
    case ValueType::kString:
      return std::string(strings_[ordinal]);
    default:
      break;
  }
  const uint64_t begin = offsets_[ordinal];
  const uint64_t end = offsets_[uint64_t{ordinal} + 1];
  const auto gather = [&](auto array, auto&& element) {
    array.reserve(end - begin);
    for (uint64_t i = begin; i < end; ++i) array.push_back(element(i));
    return array;
  };
  switch (type_) {
    case ValueType::kSparseVector:
      return Sparse(begin, end, ordinal);
    case ValueType::kBoolArray:
      return model::BoolArray{
          gather(std::vector<uint8_t>(), [&](uint64_t i) -> uint8_t { return bools_[i] ? 1 : 0; })};
    case ValueType::kIntArray:
      return gather(std::vector<int64_t>(),
                    [&](uint64_t i) { return static_cast<int64_t>(ints_[i]); });
    case ValueType::kFloatArray:
      return gather(std::vector<double>(), [&](uint64_t i) { return floats_[i]; });
    case ValueType::kStringArray:
      return gather(std::vector<std::string>(),
                    [&](uint64_t i) { return std::string(strings_[i]); });
    default:
      return std::monostate();
  }
}

}  // namespace chroma::format
