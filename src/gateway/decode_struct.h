// Decodes one JSON object into named fields, as serde derives it: every known field at most
// once, required ones present, unknown ones skipped; for some bodies also as a positional array.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "base/json_reader.h"

namespace chroma::gateway {

struct StructField {
  std::string_view name;
  bool required = false;
  // Reads the value; null is its business too.
  std::function<void(JsonReader&)> read;
};

enum class StructForm {
  kObject,            // unknown fields are buffered by upstream, and checked as values
  kObjectOrSequence,  // a positional array is accepted too; unknown fields are ignored
};

void DecodeStruct(JsonReader& reader, std::string_view struct_name, StructForm form,
                  const std::vector<StructField>& fields);

}  // namespace chroma::gateway
