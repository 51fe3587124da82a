// What a reader says when the text is not what its decoder wants.
#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>

#include "base/json_reader.h"
#include "base/json_string.h"

namespace chroma {
namespace {

void AppendNumber(std::string* out, uint64_t value, int base = 10) {
  char digits[24];
  out->append(digits, std::to_chars(digits, digits + sizeof digits, value, base).ptr);
}

// The code points that Rust's Debug of a str shows as \u{…}, as far as they are met in practice:
// controls, invisible formatting, combining marks, private use.
bool IsUnprintable(uint32_t c) {
  constexpr uint32_t kRanges[][2] = {
      {0x00, 0x1F},     {0x7F, 0xA0},     {0xAD, 0xAD},       {0x300, 0x36F},     {0x200B, 0x200F},
      {0x2028, 0x202F}, {0x205F, 0x206F}, {0x3000, 0x3000},   {0xE000, 0xF8FF},   {0xFE00, 0xFE0F},
      {0xFEFF, 0xFEFF}, {0xFFF0, 0xFFFB}, {0xE0000, 0xE0FFF}, {0xF0000, 0x10FFFF}};
  return std::any_of(std::begin(kRanges), std::end(kRanges),
                     [c](const auto& range) { return c >= range[0] && c <= range[1]; });
}

// One code point of valid UTF-8.
uint32_t Decode(std::string_view text, size_t* length) {
  const auto byte = [text](size_t i) { return static_cast<unsigned char>(text[i]); };
  const uint32_t lead = byte(0);
  *length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (*length == 1) return lead;
  uint32_t c = lead & (0x7Fu >> *length);
  for (size_t i = 1; i < *length; ++i) c = c << 6 | (byte(i) & 0x3Fu);
  return c;
}

// In quotes, escaped as Rust's Debug does.
void AppendDebug(std::string* out, std::string_view text) {
  out->push_back('"');
  while (!text.empty()) {
    size_t length = 0;
    const uint32_t c = Decode(text, &length);
    constexpr std::string_view kNamed("\0\t\n\r\"\\", 6);
    if (const size_t named = c < 0x80 ? kNamed.find(static_cast<char>(c)) : std::string_view::npos;
        named != std::string_view::npos) {
      out->push_back('\\');
      out->push_back("0tnr\"\\"[named]);
    } else if (IsUnprintable(c)) {
      out->append("\\u{");
      AppendNumber(out, c, 16);
      out->push_back('}');
    } else {
      out->append(text.substr(0, length));
    }
    text.remove_prefix(length);
  }
  out->push_back('"');
}

// "integer `5`", "floating point `1.5`".
std::string Describe(const JsonNumber& number) {
  std::string text = number.kind == JsonNumber::Kind::kDouble ? "floating point `" : "integer `";
  char digits[kJsonNumberBytesMax];
  switch (number.kind) {
    case JsonNumber::Kind::kUint:
      AppendNumber(&text, number.magnitude);
      break;
    case JsonNumber::Kind::kInt:
      text.append(digits, std::to_chars(digits, digits + sizeof digits, number.negative).ptr);
      break;
    case JsonNumber::Kind::kDouble:
      text.append(digits, WriteJsonF64(digits, number.real));
  }
  text.push_back('`');
  return text;
}

std::string Join(std::string_view a, std::string_view b, std::string_view c,
                 std::string_view d = {}) {
  std::string text;
  text.reserve(a.size() + b.size() + c.size() + d.size());
  return text.append(a).append(b).append(c).append(d);
}

// ", expected `a` or `b`" as serde's derived code words it; `nothing` when none are known.
std::string OneOf(std::initializer_list<std::string_view> known, std::string_view nothing) {
  if (known.size() == 0) return std::string(nothing);
  std::string text = known.size() > 2 ? ", expected one of " : ", expected ";
  size_t i = 0;
  for (const std::string_view name : known) {
    if (i > 0) text.append(known.size() == 2 ? " or " : ", ");
    text.append(Join("`", name, "`"));
    ++i;
  }
  return text;
}

}  // namespace

void JsonReader::WrongNumber(std::string_view problem, const JsonNumber& number,
                             std::string_view expected) {
  if (!ok_) return;
  FailShape(Join(Join("invalid ", problem, ": "), Describe(number), ", expected ", expected));
}

void JsonReader::WrongType(std::string_view expected) {
  if (!StartValue()) return;
  std::string found;
  switch (Peek()) {
    case Kind::kNull:
      TryNull();
      found = "null";
      break;
    case Kind::kBool:
      found = ReadBool() ? "boolean `true`" : "boolean `false`";
      break;
    case Kind::kNumber: {
      JsonNumber number;
      if (TakeNumber(&number)) found = Describe(number);
      break;
    }
    case Kind::kString: {
      std::string_view value;
      found = "string ";
      if (TakeString(&value)) AppendDebug(&found, value);
      break;
    }
    case Kind::kArray:
      found = "sequence";
      break;
    case Kind::kObject:
      found = "map";
      break;
    case Kind::kEnd:
      FailSyntax("expected value", At::kNext);
  }
  if (ok_) FailShape(Join("invalid type: ", found, ", expected ", expected));
}

size_t JsonReader::ReadVariantName(std::initializer_list<std::string_view> known, bool* as_map) {
  if (!StartValue()) return kNoVariant;
  *as_map = text_[at_] == '{';
  if (!*as_map && text_[at_] != '"') FailSyntax("expected value", At::kNext);
  if (*as_map) BeginVariantMap();
  const size_t name_begin = at_ + 1;
  const std::string name = ReadString();
  if (!ok_) return kNoVariant;
  const auto* found = std::find(known.begin(), known.end(), name);
  if (found == known.end()) UnknownVariant(name, known);
  if (*as_map) BeginVariantPayload(name_begin);
  return ok_ ? static_cast<size_t>(found - known.begin()) : kNoVariant;
}

size_t JsonReader::ReadVariant(std::initializer_list<std::string_view> known) {
  bool as_map = false;
  const size_t variant = ReadVariantName(known, &as_map);
  if (variant == kNoVariant || !as_map) return variant;
  if (!TryNull()) WrongType("unit");
  EndVariant();
  return ok_ ? variant : kNoVariant;
}

// {"name": null} is the long form of "name"; up to the name.
void JsonReader::BeginVariantMap() {
  if (levels_.size() + 1 >= kDepthMax) FailSyntax("recursion limit exceeded", At::kNext);
  ++at_;
  SkipSpace();
  if (AtEnd()) {
    FailSyntax("EOF while parsing an object", At::kNext);
  } else if (text_[at_] != '"') {
    FailSyntax(text_[at_] == '}' ? "expected value" : "key must be a string", At::kNext);
  }
}

// The name was read.
void JsonReader::BeginVariantPayload(size_t name_begin) {
  if (!ok_) return;
  const size_t name_end = at_ - 1;
  colon_due_ = true;
  if (!TakeColon(Tail::kFull)) return;
  levels_.push_back(Level{.object = true, .key_begin = name_begin, .key_end = name_end});
}

size_t JsonReader::BeginVariant(std::initializer_list<std::string_view> known) {
  bool as_map = false;
  const size_t variant = ReadVariantName(known, &as_map);
  if (variant == kNoVariant || as_map) return variant;
  FailBuffered("invalid type: unit variant, expected newtype variant");
  return kNoVariant;
}

void JsonReader::EndVariant() {
  if (!ok_) return;
  levels_.pop_back();
  SkipSpace();
  if (AtEnd()) {
    FailSyntax("EOF while parsing an object", At::kConsumed);
  } else if (text_[at_] != '}') {
    FailSyntax("expected value", At::kConsumed);
  } else {
    ++at_;
  }
}

void JsonReader::MissingField(std::string_view field) {
  FailShape(Join("missing field `", field, "`"));
}

void JsonReader::FailAtKey(std::string_view text) {
  if (!ok_) return;
  UnwindContainer();
  FailShapeAt(text, Tail::kParent);
}

void JsonReader::DuplicateField(std::string_view field) {
  FailAtKey(Join("duplicate field `", field, "`"));
}

void JsonReader::UnknownField(std::string_view field,
                              std::initializer_list<std::string_view> known) {
  if (!ok_) return;
  UnwindContainer();
  FailShape(Join("unknown field `", field, "`", OneOf(known, ", there are no fields")));
}

void JsonReader::UnknownVariant(std::string_view variant,
                                std::initializer_list<std::string_view> known) {
  FailShape(Join("unknown variant `", variant, "`", OneOf(known, ", there are no variants")));
}

void JsonReader::NoVariant(std::string_view enum_name) {
  FailBuffered(Join("data did not match any variant of untagged enum ", enum_name, ""));
}

void JsonReader::FailBuffered(std::string_view text) {
  if (!ok_) return;
  UnwindContainer();
  FailShape(text);
}

void JsonReader::FailShape(std::string_view text) {
  FailShapeAt(text, Tail::kFull);
}

void JsonReader::FailShapeAt(std::string_view text, Tail tail) {
  Fail(JsonError::Kind::kShape, text, at_, tail);
}

// A visitor's error gets its position from the container around it, after an attempt to end
// that: white space is passed, and the closing bracket, and in an array also a comma.
void JsonReader::UnwindContainer() {
  if (levels_.empty()) return;
  SkipSpace();
  if (AtEnd()) return;
  const bool object = levels_.back().object;
  if (text_[at_] == (object ? '}' : ']')) {
    ++at_;
  } else if (!object && text_[at_] == ',') {
    ++at_;
    SkipSpace();
  }
}

void JsonReader::FailSyntax(std::string_view text, At at, Tail tail) {
  const size_t end = std::min(text_.size(), at == At::kNext ? at_ + 1 : at_);
  Fail(JsonError::Kind::kSyntax, text, end, tail);
}

// `end`: the bytes up to and including the faulty one.
void JsonReader::Fail(JsonError::Kind kind, std::string_view text, size_t end, Tail tail) {
  if (!ok_) return;
  ok_ = false;
  error_.kind = kind;
  error_.message = Path(tail);
  const std::string_view read = text_.substr(0, end);
  const size_t newline = read.rfind('\n');
  const size_t line_begin = newline == std::string_view::npos ? 0 : newline + 1;
  const auto lines = std::count(read.begin(), read.end(), '\n') + 1;
  error_.message.append(text).append(" at line ");
  AppendNumber(&error_.message, static_cast<uint64_t>(lines));
  error_.message.append(" column ");
  AppendNumber(&error_.message, end - line_begin);
}

std::string JsonReader::Path(Tail tail) const {
  std::string path;
  const size_t shown = levels_.size() - (tail == Tail::kFull || levels_.empty() ? 0 : 1);
  for (size_t i = 0; i < shown; ++i) {
    const Level& level = levels_[i];
    if (!level.object) {
      path.push_back('[');
      AppendNumber(&path, level.index);
      path.push_back(']');
      continue;
    }
    if (i > 0) path.push_back('.');
    const char* at = text_.data() + level.key_begin;
    std::string scratch;
    std::string_view key;
    if (ReadJsonString(&at, text_.data() + level.key_end + 1, &scratch, &key).empty()) {
      path.append(key);
    }
  }
  if (shown == 0) return path;
  return path.append(tail == Tail::kUnknownKey ? ".?: " : ": ");
}

}  // namespace chroma
