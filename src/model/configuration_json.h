// The parts that `configuration` and `schema` share as JSON.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/json_reader.h"
#include "base/json_writer.h"
#include "model/schema.h"

namespace chroma::model {

// One member of a strict object: every member is optional and may be null, any other is an
// "unknown field". Exactly one of the member pointers is set.
template <typename Config>
struct StrictField {
  std::string_view name;
  std::optional<uint64_t> Config::*integer = nullptr;
  std::optional<double> Config::*real = nullptr;
  std::optional<Space> Config::*space = nullptr;
  bool is_u32 = false;  // of `integer`
};

Space DecodeSpace(JsonReader& reader);
EmbeddingFunction DecodeEmbeddingFunction(JsonReader& reader);
void EncodeEmbeddingFunction(JsonWriter& out, const EmbeddingFunction& function);

// `names` are those of `fields`, in the order of the error text.
template <typename Config>
Config DecodeStrict(JsonReader& reader, std::string_view expected,
                    std::span<const StrictField<Config>> fields,
                    std::initializer_list<std::string_view> names) {
  Config config;
  uint32_t seen = 0;
  std::string key;
  for (reader.BeginObject(expected); reader.NextKey(&key);) {
    size_t i = 0;
    while (i < fields.size() && fields[i].name != key) ++i;
    if (i == fields.size()) {
      reader.UnknownField(key, names);
      break;
    }
    if ((seen & (1u << i)) != 0) {
      reader.DuplicateField(key);
      break;
    }
    seen |= 1u << i;
    const StrictField<Config>& field = fields[i];
    if (reader.TryNull()) continue;
    if (field.integer != nullptr) {
      config.*field.integer = field.is_u32 ? reader.ReadU32() : reader.ReadU64();
    } else if (field.real != nullptr) {
      config.*field.real = reader.ReadF64();
    } else {
      config.*field.space = DecodeSpace(reader);
    }
  }
  return config;
}

// Writes the members that are set, in the order of `fields`.
template <typename Config>
void EncodeStrict(JsonWriter& out, const Config& config,
                  std::span<const StrictField<Config>> fields) {
  out.BeginObject();
  for (const StrictField<Config>& field : fields) {
    if (field.integer != nullptr) {
      if (!(config.*field.integer)) continue;
      out.Key(field.name);
      out.Uint(*(config.*field.integer));
    } else if (field.real != nullptr) {
      if (!(config.*field.real)) continue;
      out.Key(field.name);
      out.F64(*(config.*field.real));
    } else if (config.*field.space) {
      out.StringField(field.name, SpaceName(*(config.*field.space)));
    }
  }
  out.EndObject();
}

}  // namespace chroma::model
