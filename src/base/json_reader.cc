#include "base/json_reader.h"

#include <algorithm>
#include <limits>

#include "base/json_string.h"

namespace chroma {
namespace {

bool IsSpace(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}
bool StartsNumber(char c) {
  return c == '-' || (c >= '0' && c <= '9');
}

// Drops all but the last value of a repeated key, at the first one's place. Sorting keeps a
// hostile object of a million keys cheap.
void MergeRepeatedKeys(JsonObject* object) {
  std::vector<size_t> order(object->size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  const auto key = [object](size_t i) -> const std::string& { return (*object)[i].first; };
  std::stable_sort(order.begin(), order.end(),
                   [&key](size_t a, size_t b) { return key(a) < key(b); });
  std::vector<bool> dropped(object->size());
  bool any = false;
  for (size_t i = 0; i < order.size();) {
    size_t next = i + 1;
    while (next < order.size() && key(order[next]) == key(order[i])) dropped[order[next++]] = true;
    if (next > i + 1) {
      (*object)[order[i]].second = std::move((*object)[order[next - 1]].second);
      any = true;
    }
    i = next;
  }
  if (!any) return;
  size_t kept = 0;
  for (size_t i = 0; i < object->size(); ++i) {
    if (dropped[i]) continue;
    if (kept != i) (*object)[kept] = std::move((*object)[i]);
    ++kept;
  }
  object->resize(kept);
}

}  // namespace

void JsonReader::SkipSpace() {
  while (at_ < text_.size() && IsSpace(text_[at_])) ++at_;
}

bool JsonReader::TakeColon(Tail tail) {
  if (!colon_due_) return true;
  colon_due_ = false;
  SkipSpace();
  if (AtEnd()) {
    FailSyntax("EOF while parsing an object", At::kNext, tail);
  } else if (text_[at_] != ':') {
    FailSyntax("expected `:`", At::kNext, tail);
  } else {
    ++at_;
  }
  return ok_;
}

bool JsonReader::StartValue() {
  if (!ok_ || !TakeColon()) return false;
  SkipSpace();
  if (AtEnd()) FailSyntax("EOF while parsing a value", At::kNext);
  return ok_;
}

bool JsonReader::TakeWord(std::string_view rest) {
  for (const char c : rest) {
    if (AtEnd()) {
      FailSyntax("EOF while parsing a value", At::kConsumed);
      return false;
    }
    if (text_[at_++] != c) {
      FailSyntax("expected ident", At::kConsumed);
      return false;
    }
  }
  return true;
}

bool JsonReader::TakeNumber(JsonNumber* number) {
  const char* p = text_.data() + at_;
  const auto fault = ParseJsonNumber(&p, text_.data() + text_.size(), number);
  at_ = static_cast<size_t>(p - text_.data());
  if (!fault.text.empty()) FailSyntax(fault.text, fault.at_next ? At::kNext : At::kConsumed);
  return ok_;
}

bool JsonReader::TakeString(std::string_view* value) {
  const char* p = text_.data() + at_ + 1;
  const auto fault = ReadJsonString(&p, text_.data() + text_.size(), &scratch_, value);
  at_ = static_cast<size_t>(p - text_.data());
  if (!fault.empty()) FailSyntax(fault, At::kConsumed);
  return ok_;
}

bool JsonReader::OpenLevel(bool object) {
  if (levels_.size() + 1 >= kDepthMax) {
    FailSyntax("recursion limit exceeded", At::kNext);
    return false;
  }
  ++at_;
  levels_.push_back(Level{.object = object});
  return true;
}

JsonReader::Kind JsonReader::Peek() {
  if (!ok_ || !TakeColon()) return Kind::kEnd;
  SkipSpace();
  if (AtEnd()) return Kind::kEnd;
  switch (const char c = text_[at_]; c) {
    case 'n':
      return Kind::kNull;
    case 't':
    case 'f':
      return Kind::kBool;
    case '"':
      return Kind::kString;
    case '[':
      return Kind::kArray;
    case '{':
      return Kind::kObject;
    default:
      return StartsNumber(c) ? Kind::kNumber : Kind::kEnd;
  }
}

bool JsonReader::TryNull() {
  if (Peek() != Kind::kNull) return false;
  ++at_;
  return TakeWord("ull");
}

bool JsonReader::ReadBool(std::string_view expected) {
  if (!StartValue()) return false;
  if (text_[at_] != 't' && text_[at_] != 'f') {
    WrongType(expected);
    return false;
  }
  const bool value = text_[at_++] == 't';
  return TakeWord(value ? "rue" : "alse") && value;
}

JsonNumber JsonReader::NumberFor(std::string_view expected) {
  JsonNumber number;
  if (!StartValue()) return number;
  if (!StartsNumber(text_[at_])) {
    WrongType(expected);
  } else if (!TakeNumber(&number)) {
    return JsonNumber();
  }
  return number;
}

uint64_t JsonReader::ReadU64(std::string_view expected) {
  const JsonNumber number = NumberFor(expected);
  if (number.kind == JsonNumber::Kind::kUint) return number.magnitude;
  WrongNumber(number.kind == JsonNumber::Kind::kInt ? "value" : "type", number, expected);
  return 0;
}

uint32_t JsonReader::ReadU32(std::string_view expected) {
  const JsonNumber number = NumberFor(expected);
  if (number.kind == JsonNumber::Kind::kUint &&
      number.magnitude <= std::numeric_limits<uint32_t>::max()) {
    return static_cast<uint32_t>(number.magnitude);
  }
  WrongNumber(number.kind == JsonNumber::Kind::kDouble ? "type" : "value", number, expected);
  return 0;
}

int64_t JsonReader::ReadI64(std::string_view expected) {
  const JsonNumber number = NumberFor(expected);
  if (number.kind == JsonNumber::Kind::kInt) return number.negative;
  if (number.kind == JsonNumber::Kind::kUint &&
      number.magnitude <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return static_cast<int64_t>(number.magnitude);
  }
  WrongNumber(number.kind == JsonNumber::Kind::kDouble ? "type" : "value", number, expected);
  return 0;
}

double JsonReader::ReadF64(std::string_view expected) {
  const JsonNumber number = NumberFor(expected);
  switch (number.kind) {
    case JsonNumber::Kind::kUint:
      return static_cast<double>(number.magnitude);
    case JsonNumber::Kind::kInt:
      return static_cast<double>(number.negative);
    case JsonNumber::Kind::kDouble:
      break;
  }
  return number.real;
}

float JsonReader::ReadF32(std::string_view expected) {
  const JsonNumber number = NumberFor(expected);
  switch (number.kind) {
    case JsonNumber::Kind::kUint:
      return static_cast<float>(number.magnitude);
    case JsonNumber::Kind::kInt:
      return static_cast<float>(number.negative);
    case JsonNumber::Kind::kDouble:
      break;
  }
  return RoundToF32(number.real);
}

JsonValue JsonReader::ReadNumber(std::string_view expected) {
  const JsonNumber number = NumberFor(expected);
  switch (number.kind) {
    case JsonNumber::Kind::kUint:
      if (number.magnitude > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
        return JsonValue(number.magnitude);
      }
      return JsonValue(static_cast<int64_t>(number.magnitude));
    case JsonNumber::Kind::kInt:
      return JsonValue(number.negative);
    case JsonNumber::Kind::kDouble:
      break;
  }
  return JsonValue(number.real);
}

std::string_view JsonReader::ReadStringView(std::string_view expected) {
  if (!StartValue()) return {};
  std::string_view value;
  if (text_[at_] != '"') {
    WrongType(expected);
    return {};
  }
  return TakeString(&value) ? value : std::string_view();
}

std::string JsonReader::ReadString(std::string_view expected) {
  return std::string(ReadStringView(expected));
}

void JsonReader::BeginArray(std::string_view expected) {
  if (!StartValue()) return;
  if (text_[at_] == '[') {
    OpenLevel(false);
  } else {
    WrongType(expected);
  }
}

bool JsonReader::NextElement() {
  if (!ok_) return false;
  SkipSpace();
  if (AtEnd()) {
    FailSyntax("EOF while parsing a list", At::kNext, Tail::kParent);
    return false;
  }
  Level& level = levels_.back();
  if (text_[at_] == ']') {
    ++at_;
    levels_.pop_back();
    return false;
  }
  if (level.first) {
    level.first = false;
    return true;
  }
  if (text_[at_] != ',') {
    FailSyntax("expected `,` or `]`", At::kNext, Tail::kParent);
    return false;
  }
  ++at_;
  SkipSpace();
  if (AtEnd()) {
    FailSyntax("EOF while parsing a value", At::kNext, Tail::kParent);
  } else if (text_[at_] == ']') {
    FailSyntax("trailing comma", At::kNext, Tail::kParent);
  }
  ++level.index;
  return ok_;
}

void JsonReader::EndArrayNow() {
  if (!ok_) return;
  SkipSpace();
  if (AtEnd()) {
    FailSyntax("EOF while parsing a list", At::kNext, Tail::kParent);
  } else if (text_[at_] == ']') {
    ++at_;
    levels_.pop_back();
  } else {
    const bool comma = text_[at_] == ',';
    if (comma) {
      ++at_;
      SkipSpace();
    }
    const bool ends = comma && !AtEnd() && text_[at_] == ']';
    FailSyntax(ends ? "trailing comma" : "trailing characters", At::kNext, Tail::kParent);
  }
}

void JsonReader::BeginObject(std::string_view expected) {
  if (!StartValue()) return;
  if (text_[at_] == '{') {
    OpenLevel(true);
  } else {
    WrongType(expected);
  }
}

bool JsonReader::NextKey(std::string* key) {
  std::string_view view;
  if (!NextKeyView(&view)) return false;
  key->assign(view);
  return true;
}

bool JsonReader::NextKeyView(std::string_view* key) {
  // A key whose value was never read still has its colon to come; then this is no key.
  if (!ok_ || !TakeColon()) return false;
  SkipSpace();
  if (AtEnd()) {
    FailSyntax("EOF while parsing an object", At::kNext, Tail::kUnknownKey);
    return false;
  }
  Level& level = levels_.back();
  if (text_[at_] == '}') {
    ++at_;
    levels_.pop_back();
    return false;
  }
  if (!level.first) {
    if (text_[at_] != ',') {
      FailSyntax("expected `,` or `}`", At::kNext, Tail::kUnknownKey);
      return false;
    }
    ++at_;
    SkipSpace();
  }
  if (AtEnd()) {
    FailSyntax("EOF while parsing a value", At::kNext, Tail::kUnknownKey);
    return false;
  }
  if (text_[at_] != '"') {
    const bool trailing = !level.first && text_[at_] == '}';
    FailSyntax(trailing ? "trailing comma" : "key must be a string", At::kNext, Tail::kUnknownKey);
    return false;
  }
  level.first = false;
  const size_t begin = at_ + 1;
  const char* p = text_.data() + begin;
  const auto fault = ReadJsonString(&p, text_.data() + text_.size(), &scratch_, key);
  at_ = static_cast<size_t>(p - text_.data());
  if (!fault.empty()) {
    FailSyntax(fault, At::kConsumed, Tail::kUnknownKey);
    return false;
  }
  level.key_begin = begin;
  level.key_end = at_ - 1;
  colon_due_ = true;
  return true;
}

bool JsonReader::ReadF32Array(std::vector<float>* out, std::string_view expected,
                              std::string_view element) {
  BeginArray(expected);
  if (!ok_) return false;
  const char* const begin = text_.data();
  const char* const end = begin + text_.size();
  size_t read = 0;
  while (NextElement()) {
    // Runs of plain numbers go by a tight loop; whatever it does not know, by the general one.
    const char* p = begin + at_;
    float value = 0;
    while (ParseF32Fast(&p, end, &value)) {
      out->push_back(value);
      ++read;
      const char* next = p;
      while (next < end && IsSpace(*next)) ++next;
      if (next == end || *next != ',') break;
      ++next;
      while (next < end && IsSpace(*next)) ++next;
      if (next == end || !StartsNumber(*next)) break;
      p = next;
      at_ = static_cast<size_t>(p - begin);
      levels_.back().index = read;
    }
    const auto done = static_cast<size_t>(p - begin);
    if (done != at_) {
      at_ = done;  // the number at at_ was taken
      continue;
    }
    out->push_back(ReadF32(element));
    ++read;
  }
  return ok_;
}

void JsonReader::Finish() {
  if (!ok_) return;
  SkipSpace();
  if (!AtEnd()) FailSyntax("trailing characters", At::kNext);
}

void JsonReader::Restore(const Checkpoint& mark) {
  at_ = mark.at;
  colon_due_ = mark.colon_due;
  ok_ = mark.ok;
  levels_.resize(mark.depth);
}

JsonValue JsonReader::ReadValue(size_t values_max) {
  size_t values = 0;
  return ReadTree(values_max, &values);
}

JsonValue JsonReader::ReadTree(size_t values_max, size_t* values) {
  if (!StartValue()) return JsonValue();
  if (++*values > values_max) {
    FailShape("more than " + std::to_string(values_max) + " values");
    return JsonValue();
  }
  switch (Peek()) {
    case Kind::kNull:
      TryNull();
      return JsonValue();
    case Kind::kBool:
      return JsonValue(ReadBool());
    case Kind::kNumber:
      return ReadNumber();
    case Kind::kString:
      return JsonValue(ReadString());
    case Kind::kArray: {
      JsonArray array;
      for (BeginArray(); NextElement();) array.push_back(ReadTree(values_max, values));
      return JsonValue(std::move(array));
    }
    case Kind::kObject: {
      JsonObject object;
      std::string key;
      for (BeginObject(); NextKey(&key);) {
        object.emplace_back(key, ReadTree(values_max, values));
      }
      if (object.size() > 1) MergeRepeatedKeys(&object);
      return JsonValue(std::move(object));
    }
    case Kind::kEnd:
      break;
  }
  FailSyntax("expected value", At::kNext);
  return JsonValue();
}

void JsonReader::SkipValue(bool unlimited_depth) {
  if (unlimited_depth) {
    SkipIgnored();
  } else {
    SkipStrict();
  }
}

}  // namespace chroma
