#include "model/metadata_codec.h"

#include <algorithm>
#include <utility>

namespace chroma::model {

namespace {

// Small negative numbers stay short: 0, -1, 1, -2 … become 0, 1, 2, 3 …
uint64_t ZigZag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}

int64_t UnZigZag(uint64_t value) {
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}

struct PutPayload {
  Bytes& out;

  void operator()(std::monostate) const {}
  void operator()(bool value) const { PutFixed<uint8_t>(out, value ? 1 : 0); }
  void operator()(int64_t value) const { PutVarint(out, ZigZag(value)); }
  void operator()(double value) const { PutFixed(out, value); }
  void operator()(const std::string& value) const { PutString(out, value); }
  void operator()(const SparseVector& value) const {
    const size_t n = std::min(value.indices.size(), value.values.size());
    const bool has_tokens = n != 0 && value.tokens.size() == n;
    PutVarint(out, n);
    PutFixed<uint8_t>(out, has_tokens ? 1 : 0);
    for (size_t i = 0; i < n; ++i) PutFixed(out, value.indices[i]);
    for (size_t i = 0; i < n; ++i) PutFixed(out, value.values[i]);
    if (!has_tokens) return;
    for (const std::string& token : value.tokens) PutString(out, token);
  }
  void operator()(const BoolArray& value) const {
    PutVarint(out, value.values.size());
    for (uint8_t element : value.values) PutFixed<uint8_t>(out, element != 0 ? 1 : 0);
  }
  template <typename T>
  void operator()(const std::vector<T>& values) const {
    PutVarint(out, values.size());
    for (const T& value : values) (*this)(value);
  }
};

// The length of an array whose elements take at least `element_bytes`.
size_t ReadLength(ByteReader& reader, size_t element_bytes) {
  return reader.VarintAtMost(reader.remaining() / element_bytes);
}

bool ReadBit(ByteReader& reader) {
  const uint8_t byte = reader.Fixed<uint8_t>();
  if (byte > 1) reader.Fail();
  return byte == 1;
}

template <typename T>
std::vector<T> ReadFixedArray(ByteReader& reader, size_t n) {
  std::vector<T> values(n);
  for (T& value : values) value = reader.Fixed<T>();
  return values;
}

std::vector<std::string> ReadStrings(ByteReader& reader, size_t n) {
  std::vector<std::string> values;
  // Every string takes a byte here but sizeof(std::string) in memory, so do not reserve n: the
  // claimed number is only believed as far as the strings really come.
  for (size_t i = 0; i < n && reader.ok(); ++i) values.emplace_back(reader.String());
  return values;
}

SparseVector ReadSparse(ByteReader& reader) {
  SparseVector vector;
  const uint64_t claimed = reader.Varint();
  const bool has_tokens = ReadBit(reader);
  if (!reader.ok() || claimed > reader.remaining() / (sizeof(uint32_t) + sizeof(float)) ||
      (has_tokens && claimed == 0)) {
    reader.Fail();
    return vector;
  }
  const auto n = static_cast<size_t>(claimed);
  vector.indices = ReadFixedArray<uint32_t>(reader, n);
  vector.values = ReadFixedArray<float>(reader, n);
  if (has_tokens) vector.tokens = ReadStrings(reader, n);
  return vector;
}

BoolArray ReadBools(ByteReader& reader) {
  BoolArray array;
  array.values.resize(ReadLength(reader, 1));
  for (uint8_t& value : array.values) value = ReadBit(reader) ? 1 : 0;
  return array;
}

std::vector<int64_t> ReadInts(ByteReader& reader) {
  std::vector<int64_t> values(ReadLength(reader, 1));
  for (int64_t& value : values) value = UnZigZag(reader.Varint());
  return values;
}

}  // namespace

void PutMetadataValue(Bytes& out, const MetadataValue& value) {
  PutFixed(out, static_cast<uint8_t>(TypeOf(value)));
  std::visit(PutPayload{out}, value);
}

void PutMetadata(Bytes& out, const Metadata& metadata) {
  PutVarint(out, metadata.size());
  for (const auto& [key, value] : metadata) {
    PutString(out, key);
    PutMetadataValue(out, value);
  }
}

bool ReadMetadataValue(ByteReader& reader, MetadataValue* out) {
  const uint8_t type = reader.Fixed<uint8_t>();
  switch (static_cast<ValueType>(type)) {
    case ValueType::kNull:
      *out = std::monostate();
      break;
    case ValueType::kBool:
      *out = ReadBit(reader);
      break;
    case ValueType::kInt:
      *out = UnZigZag(reader.Varint());
      break;
    case ValueType::kFloat:
      *out = reader.Fixed<double>();
      break;
    case ValueType::kString:
      *out = std::string(reader.String());
      break;
    case ValueType::kSparseVector:
      *out = ReadSparse(reader);
      break;
    case ValueType::kBoolArray:
      *out = ReadBools(reader);
      break;
    case ValueType::kIntArray:
      *out = ReadInts(reader);
      break;
    case ValueType::kFloatArray:
      *out = ReadFixedArray<double>(reader, ReadLength(reader, sizeof(double)));
      break;
    case ValueType::kStringArray:
      *out = ReadStrings(reader, ReadLength(reader, 1));
      break;
    default:
      reader.Fail();
  }
  return reader.ok();
}

bool ReadMetadata(ByteReader& reader, Metadata* out) {
  std::vector<Metadata::Entry> entries;
  const uint64_t count = ReadLength(reader, 2);  // a key's length and a type at least
  for (uint64_t i = 0; i < count; ++i) {
    std::string key(reader.String());
    MetadataValue value;
    if (!ReadMetadataValue(reader, &value)) return false;
    if (!entries.empty() && key <= entries.back().first) reader.Fail();
    entries.emplace_back(std::move(key), std::move(value));
  }
  if (!reader.ok()) return false;
  *out = Metadata::FromEntries(std::move(entries));
  return true;
}

}  // namespace chroma::model
