#include "gateway/decode_struct.h"

#include <string>

namespace chroma::gateway {
namespace {

void DecodeSequence(JsonReader& reader, std::string_view struct_name,
                    const std::vector<StructField>& fields) {
  reader.BeginArray();
  for (size_t i = 0; i < fields.size(); ++i) {
    if (!reader.NextElement()) {
      reader.FailShape("invalid length " + std::to_string(i) + ", expected struct " +
                       std::string(struct_name) + " with " + std::to_string(fields.size()) +
                       (fields.size() == 1 ? " element" : " elements"));
      return;
    }
    fields[i].read(reader);
  }
  reader.EndArrayNow();
}

}  // namespace

void DecodeStruct(JsonReader& reader, std::string_view struct_name, StructForm form,
                  const std::vector<StructField>& fields) {
  const JsonReader::Kind kind = reader.Peek();
  if (kind == JsonReader::Kind::kArray && form == StructForm::kObjectOrSequence) {
    DecodeSequence(reader, struct_name, fields);
  } else if (kind == JsonReader::Kind::kObject || kind == JsonReader::Kind::kEnd) {
    ReadJsonObject(reader, "a map", fields,
                   /*ignore_unknown=*/form == StructForm::kObjectOrSequence);
  } else {
    reader.WrongType("struct " + std::string(struct_name));
  }
  reader.Finish();
}

}  // namespace chroma::gateway
