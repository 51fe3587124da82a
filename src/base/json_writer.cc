#include "base/json_writer.h"

#include <charconv>
#include <cmath>

#include "base/json_number.h"
#include "base/json_string.h"

namespace chroma {
namespace {

char* WriteF32(char* out, float value) {
  if (std::isfinite(value)) return WriteJsonF32(out, value);
  constexpr std::string_view kNull = "null";
  return out + kNull.copy(out, kNull.size());
}

}  // namespace

void JsonWriter::Separate() {
  if (comma_) out_->push_back(',');
  comma_ = true;
}

void JsonWriter::BeginObject() {
  Separate();
  out_->push_back('{');
  comma_ = false;
}

void JsonWriter::EndObject() {
  out_->push_back('}');
  comma_ = true;
}

void JsonWriter::BeginArray() {
  Separate();
  out_->push_back('[');
  comma_ = false;
}

void JsonWriter::EndArray() {
  out_->push_back(']');
  comma_ = true;
}

void JsonWriter::Key(std::string_view key) {
  Separate();
  AppendJsonString(out_, key);
  out_->push_back(':');
  comma_ = false;
}

void JsonWriter::Null() {
  Raw("null");
}

void JsonWriter::Bool(bool value) {
  Raw(value ? "true" : "false");
}

void JsonWriter::Int(int64_t value) {
  char digits[24];
  const char* end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  Raw(std::string_view(digits, static_cast<size_t>(end - digits)));
}

void JsonWriter::Uint(uint64_t value) {
  char digits[24];
  const char* end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  Raw(std::string_view(digits, static_cast<size_t>(end - digits)));
}

void JsonWriter::F32(float value) {
  char text[kJsonNumberBytesMax];
  Raw(std::string_view(text, static_cast<size_t>(WriteF32(text, value) - text)));
}

void JsonWriter::F64(double value) {
  if (!std::isfinite(value)) {
    Null();
    return;
  }
  char text[kJsonNumberBytesMax];
  Raw(std::string_view(text, static_cast<size_t>(WriteJsonF64(text, value) - text)));
}

void JsonWriter::F32Array(const float* values, size_t count) {
  Separate();
  // Appended by the kilobyte: a string grows once per chunk, not once per number.
  constexpr size_t kChunk = 2048;
  char chunk[kChunk + kJsonNumberBytesMax];
  char* end = chunk;
  *end++ = '[';
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) *end++ = ',';
    end = WriteF32(end, values[i]);
    if (end >= chunk + kChunk - 1) {
      out_->append(chunk, end);
      end = chunk;
    }
  }
  *end++ = ']';
  out_->append(chunk, end);
}

void JsonWriter::String(std::string_view value) {
  Separate();
  AppendJsonString(out_, value);
}

void JsonWriter::Raw(std::string_view json) {
  Separate();
  out_->append(json);
}

}  // namespace chroma
