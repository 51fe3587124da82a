// Reads one JSON object into named fields, as serde derives it: every known field at most once,
// required ones present, unknown ones skipped.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "base/json_reader.h"

namespace chroma {

struct JsonField {
  std::string_view name;
  bool required = false;
  // Reads the value; null is its business too.
  std::function<void(JsonReader&)> read;
};

// `expected` completes "invalid type: …, expected …". `ignore_unknown` skips unknown fields
// whatever is in them (JsonReader::SkipValue); otherwise they are checked as values.
void ReadJsonObject(JsonReader& reader, std::string_view expected,
                    const std::vector<JsonField>& fields, bool ignore_unknown = true);

}  // namespace chroma
