#include "base/json_fields.h"

#include <string>

namespace chroma {

void ReadJsonObject(JsonReader& reader, std::string_view expected,
                    const std::vector<JsonField>& fields, bool ignore_unknown) {
  std::vector<bool> seen(fields.size(), false);
  std::string key;
  for (reader.BeginObject(expected); reader.NextKey(&key);) {
    size_t i = 0;
    while (i < fields.size() && fields[i].name != key) ++i;
    if (i == fields.size()) {
      reader.SkipValue(ignore_unknown);
    } else if (seen[i]) {
      reader.DuplicateField(key);
    } else {
      seen[i] = true;
      fields[i].read(reader);
    }
  }
  if (!reader.ok()) return;
  for (size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].required && !seen[i]) {
      reader.MissingField(fields[i].name);
      return;
    }
  }
}

}  // namespace chroma
