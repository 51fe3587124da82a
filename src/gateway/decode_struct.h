// Decodes a whole body into named fields (base/json_fields.h); some bodies also as a positional
// array.
#pragma once

#include <string_view>
#include <vector>

#include "base/json_fields.h"
#include "base/json_reader.h"

namespace chroma::gateway {

using StructField = JsonField;

enum class StructForm {
  kObject,            // unknown fields are buffered by upstream, and checked as values
  kObjectOrSequence,  // a positional array is accepted too; unknown fields are ignored
};

void DecodeStruct(JsonReader& reader, std::string_view struct_name, StructForm form,
                  const std::vector<StructField>& fields);

}  // namespace chroma::gateway
