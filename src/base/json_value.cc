#include "base/json_value.h"

#include <algorithm>

#include "base/json_reader.h"
#include "base/json_writer.h"

namespace chroma {
namespace {

void WriteMembers(JsonWriter& out, const JsonObject& object, bool sort_keys) {
  std::vector<const JsonObject::value_type*> members;
  members.reserve(object.size());
  for (const auto& member : object) members.push_back(&member);
  if (sort_keys) {
    std::sort(members.begin(), members.end(),
              [](const auto* a, const auto* b) { return a->first < b->first; });
  }
  out.BeginObject();
  for (const auto* member : members) {
    out.Key(member->first);
    WriteJson(out, member->second, sort_keys);
  }
  out.EndObject();
}

}  // namespace

const JsonValue* JsonValue::Find(std::string_view key) const {
  const JsonObject* object = AsObject();
  if (object == nullptr) return nullptr;
  const auto found = std::find_if(object->begin(), object->end(),
                                  [key](const auto& member) { return member.first == key; });
  return found == object->end() ? nullptr : &found->second;
}

Result<JsonValue> ParseJson(std::string_view text) {
  JsonReader reader(text);
  JsonValue value = reader.ReadValue();
  reader.Finish();
  if (!reader.ok()) return Status::InvalidArgument(reader.error().message);
  return value;
}

void WriteJson(JsonWriter& out, const JsonValue& value, bool sort_keys) {
  if (const bool* b = value.AsBool()) {
    out.Bool(*b);
  } else if (const int64_t* i = value.AsInt()) {
    out.Int(*i);
  } else if (const uint64_t* u = value.AsUint()) {
    out.Uint(*u);
  } else if (const double* d = value.AsDouble()) {
    out.F64(*d);
  } else if (const std::string* s = value.AsString()) {
    out.String(*s);
  } else if (const JsonArray* array = value.AsArray()) {
    out.BeginArray();
    for (const JsonValue& element : *array) WriteJson(out, element, sort_keys);
    out.EndArray();
  } else if (const JsonObject* object = value.AsObject()) {
    WriteMembers(out, *object, sort_keys);
  } else {
    out.Null();
  }
}

std::string ToJson(const JsonValue& value, bool sort_keys) {
  std::string text;
  JsonWriter out(&text);
  WriteJson(out, value, sort_keys);
  return text;
}

}  // namespace chroma
