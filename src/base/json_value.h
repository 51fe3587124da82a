// A parsed JSON value, for the few places that need a tree: filters before their collection is
// known, embedding function configurations that are echoed, answers read by the HTTP client.
// Numbers keep the three kinds that the wire contract distinguishes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "chroma/status.h"

namespace chroma {

class JsonValue;
using JsonArray = std::vector<JsonValue>;
// Members in document order; a repeated key keeps its first place and its last value.
using JsonObject = std::vector<std::pair<std::string, JsonValue>>;

class JsonValue {
 public:
  // uint64_t holds only integers above INT64_MAX; everything else integral is int64_t.
  using Storage = std::variant<std::nullptr_t, bool, int64_t, uint64_t, double, std::string,
                               JsonArray, JsonObject>;

  JsonValue() : storage_(nullptr) {}
  explicit JsonValue(Storage storage) : storage_(std::move(storage)) {}

  bool IsNull() const { return std::holds_alternative<std::nullptr_t>(storage_); }
  const bool* AsBool() const { return std::get_if<bool>(&storage_); }
  const int64_t* AsInt() const { return std::get_if<int64_t>(&storage_); }
  const uint64_t* AsUint() const { return std::get_if<uint64_t>(&storage_); }
  const double* AsDouble() const { return std::get_if<double>(&storage_); }
  const std::string* AsString() const { return std::get_if<std::string>(&storage_); }
  const JsonArray* AsArray() const { return std::get_if<JsonArray>(&storage_); }
  const JsonObject* AsObject() const { return std::get_if<JsonObject>(&storage_); }
  // The member of an object, or null when there is none or this is no object.
  const JsonValue* Find(std::string_view key) const;

  bool operator==(const JsonValue&) const = default;

 private:
  Storage storage_;
};

// The whole text as one value; kInvalidArgument with serde_json's text and position.
Result<JsonValue> ParseJson(std::string_view text);

class JsonWriter;
// Compact. `sort_keys` writes object members in byte order (upstream echoes them so).
void WriteJson(JsonWriter& out, const JsonValue& value, bool sort_keys = false);
std::string ToJson(const JsonValue& value, bool sort_keys = false);

}  // namespace chroma
