#include "model/metadata_json.h"

#include <limits>
#include <optional>
#include <utility>

#include "base/json_number.h"

namespace chroma::model {

namespace {

using Kind = JsonReader::Kind;

constexpr std::string_view kSparseType = "sparse_vector";

// -0.0 is stored as 0.0, as upstream does.
double WithoutSign(double value) {
  return value == 0.0 ? 0.0 : value;
}

double ToDouble(const JsonValue& number) {
  if (const int64_t* value = number.AsInt()) return static_cast<double>(*value);
  if (const uint64_t* value = number.AsUint()) return static_cast<double>(*value);
  return number.AsDouble() != nullptr ? WithoutSign(*number.AsDouble()) : 0.0;
}

MetadataValue NumberValue(const JsonValue& number) {
  if (const int64_t* value = number.AsInt()) return *value;
  return ToDouble(number);
}

void SkipRest(JsonReader& reader) {
  while (reader.NextElement()) reader.SkipValue();
}

// Each of the following reads the rest of an array whose first element, of the kind that the
// name says, is next. The whole array is consumed even when it is of mixed kinds (nullopt), for
// an error of syntax further on comes first.
std::optional<MetadataValue> ReadBools(JsonReader& reader) {
  BoolArray array;
  do {
    if (reader.Peek() != Kind::kBool) {
      reader.SkipValue();
      SkipRest(reader);
      return std::nullopt;
    }
    array.values.push_back(reader.ReadBool() ? 1 : 0);
  } while (reader.NextElement());
  return array;
}

std::optional<MetadataValue> ReadStrings(JsonReader& reader) {
  std::vector<std::string> values;
  do {
    if (reader.Peek() != Kind::kString) {
      reader.SkipValue();
      SkipRest(reader);
      return std::nullopt;
    }
    values.push_back(reader.ReadString());
  } while (reader.NextElement());
  return values;
}

std::optional<MetadataValue> ReadNumbers(JsonReader& reader) {
  std::vector<int64_t> ints;
  std::vector<double> floats;  // takes over at the first number that is no int64
  bool all_ints = true;
  do {
    if (reader.Peek() != Kind::kNumber) {
      reader.SkipValue();
      SkipRest(reader);
      return std::nullopt;
    }
    const JsonValue number = reader.ReadNumber();
    if (all_ints && number.AsInt() == nullptr) {
      all_ints = false;
      floats.assign(ints.begin(), ints.end());
    }
    if (all_ints) {
      ints.push_back(*number.AsInt());
    } else {
      floats.push_back(ToDouble(number));
    }
  } while (reader.NextElement());
  if (all_ints) return ints;
  return floats;
}

std::optional<MetadataValue> ReadArray(JsonReader& reader) {
  reader.BeginArray();
  if (!reader.NextElement()) return BoolArray();
  switch (reader.Peek()) {
    case Kind::kBool:
      return ReadBools(reader);
    case Kind::kNumber:
      return ReadNumbers(reader);
    case Kind::kString:
      return ReadStrings(reader);
    default:
      reader.SkipValue();
      SkipRest(reader);
      return std::nullopt;
  }
}

// The three lists of a sparse vector. False when the list is not one of such elements.
bool ReadIndices(JsonReader& reader, std::vector<uint32_t>* out) {
  if (reader.Peek() != Kind::kArray) return reader.SkipValue(), false;
  bool fits = true;
  for (reader.BeginArray(); reader.NextElement();) {
    if (reader.Peek() != Kind::kNumber) {
      fits = false;
      reader.SkipValue();
      continue;
    }
    const JsonValue number = reader.ReadNumber();
    const int64_t* index = number.AsInt();
    if (index == nullptr || *index < 0 || *index > std::numeric_limits<uint32_t>::max()) {
      fits = false;
    } else {
      out->push_back(static_cast<uint32_t>(*index));
    }
  }
  return fits;
}

bool ReadWeights(JsonReader& reader, std::vector<float>* out) {
  if (reader.Peek() != Kind::kArray) return reader.SkipValue(), false;
  bool fits = true;
  for (reader.BeginArray(); reader.NextElement();) {
    if (reader.Peek() != Kind::kNumber) {
      fits = false;
      reader.SkipValue();
    } else {
      out->push_back(RoundToF32(ToDouble(reader.ReadNumber())));
    }
  }
  return fits;
}

bool ReadTokens(JsonReader& reader, std::vector<std::string>* out) {
  if (reader.TryNull()) return true;
  if (reader.Peek() != Kind::kArray) return reader.SkipValue(), false;
  bool fits = true;
  for (reader.BeginArray(); reader.NextElement();) {
    if (reader.Peek() != Kind::kString) {
      fits = false;
      reader.SkipValue();
    } else {
      out->push_back(reader.ReadString());
    }
  }
  return fits;
}

bool ReadSparseType(JsonReader& reader) {
  if (reader.Peek() != Kind::kString) return reader.SkipValue(), false;
  return reader.ReadString() == kSparseType;
}

std::optional<SparseVector> ReadSparseVector(JsonReader& reader) {
  SparseVector vector;
  bool fits = true;
  uint32_t seen = 0;
  const auto once = [&](uint32_t bit) {
    fits = fits && (seen & bit) == 0;
    seen |= bit;
  };
  std::string key;
  for (reader.BeginObject(); reader.NextKey(&key);) {
    if (key == "indices") {
      once(1);
      fits = ReadIndices(reader, &vector.indices) && fits;
    } else if (key == "values") {
      once(2);
      fits = ReadWeights(reader, &vector.values) && fits;
    } else if (key == "tokens") {
      once(4);
      fits = ReadTokens(reader, &vector.tokens) && fits;
    } else if (key == "#type") {
      once(8);
      fits = ReadSparseType(reader) && fits;
    } else {
      reader.SkipValue();
    }
  }
  if (!fits || (seen & 3) != 3) return std::nullopt;
  return vector;
}

std::optional<MetadataValue> ReadAny(JsonReader& reader, bool allow_null) {
  switch (reader.Peek()) {
    case Kind::kNull:
      reader.TryNull();
      if (allow_null) return std::monostate();
      return std::nullopt;
    case Kind::kBool:
      return reader.ReadBool();
    case Kind::kNumber:
      return NumberValue(reader.ReadNumber());
    case Kind::kString:
      return reader.ReadString();
    case Kind::kArray:
      return ReadArray(reader);
    case Kind::kObject: {
      std::optional<SparseVector> vector = ReadSparseVector(reader);
      if (!vector) return std::nullopt;
      return *std::move(vector);
    }
    default:
      return std::monostate();  // the reader has failed
  }
}

template <typename T, typename Write>
void WriteArray(JsonWriter& out, const std::vector<T>& values, Write&& write) {
  out.BeginArray();
  for (const T& value : values) write(value);
  out.EndArray();
}

struct WriteValue {
  JsonWriter& out;

  void operator()(std::monostate) const { out.Null(); }
  void operator()(bool value) const { out.Bool(value); }
  void operator()(int64_t value) const { out.Int(value); }
  void operator()(double value) const { out.F64(value); }
  void operator()(const std::string& value) const { out.String(value); }
  void operator()(const SparseVector& vector) const {
    out.BeginObject();
    out.StringField("#type", kSparseType);
    out.Key("indices");
    WriteArray(out, vector.indices, [&](uint32_t index) { out.Uint(index); });
    out.Key("values");
    WriteArray(out, vector.values, [&](float value) { out.F32(value); });
    if (!vector.tokens.empty()) {
      out.Key("tokens");
      (*this)(vector.tokens);
    }
    out.EndObject();
  }
  void operator()(const BoolArray& array) const {
    WriteArray(out, array.values, [&](uint8_t value) { out.Bool(value != 0); });
  }
  template <typename T>
  void operator()(const std::vector<T>& values) const {
    WriteArray(out, values, *this);
  }
};

}  // namespace

MetadataValue DecodeMetadataValue(JsonReader& reader, bool allow_null) {
  std::optional<MetadataValue> value = ReadAny(reader, allow_null);
  if (value) return *std::move(value);
  reader.NoVariant(allow_null ? "UpdateMetadataValue" : "MetadataValue");
  return MetadataValue();
}

std::optional<SparseVector> TryDecodeSparseVector(JsonReader& reader) {
  if (reader.Peek() == Kind::kObject) return ReadSparseVector(reader);
  reader.SkipValue();
  return std::nullopt;
}

Metadata DecodeMetadata(JsonReader& reader, bool allow_null) {
  std::vector<Metadata::Entry> entries;
  std::string key;
  for (reader.BeginObject("a map"); reader.NextKey(&key);) {
    MetadataValue value = DecodeMetadataValue(reader, allow_null);
    entries.emplace_back(key, std::move(value));
  }
  return Metadata::FromEntries(std::move(entries));
}

void EncodeMetadataValue(JsonWriter& out, const MetadataValue& value) {
  std::visit(WriteValue{out}, value);
}

void EncodeMetadata(JsonWriter& out, const Metadata& metadata) {
  out.BeginObject();
  for (const auto& [key, value] : metadata) {
    out.Key(key);
    EncodeMetadataValue(out, value);
  }
  out.EndObject();
}

}  // namespace chroma::model
