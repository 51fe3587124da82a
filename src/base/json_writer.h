// Appends compact JSON to one string, with the wire contract's number and string forms
// (rest-api.md §4): shortest round-trip digits of the declared width, plain or exponent notation
// by its table, infinite and NaN floats as null. Commas are placed by the writer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace chroma {

class JsonWriter {
 public:
  explicit JsonWriter(std::string* out) : out_(out) {}

  void BeginObject();
  void EndObject();
  void BeginArray();
  void EndArray();
  void Key(std::string_view key);

  void Null();
  void Bool(bool value);
  void Int(int64_t value);
  void Uint(uint64_t value);
  void F32(float value);
  void F64(double value);
  // The whole array [a,b,…]; as F32 for each, but faster.
  void F32Array(const float* values, size_t count);
  void String(std::string_view value);
  // `json` is one complete JSON value already.
  void Raw(std::string_view json);

  // Key and value in one.
  void StringField(std::string_view key, std::string_view value) {
    Key(key);
    String(value);
  }

 private:
  void Separate();

  std::string* out_;
  bool comma_ = false;  // a value or a closing bracket was written last on this level
};

}  // namespace chroma
