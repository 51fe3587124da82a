// Bodies of tenant, database, collection and function routes.
#include <utility>

#include "gateway/decode.h"
#include "gateway/decode_struct.h"
#include "model/metadata_json.h"

namespace chroma::gateway {
namespace {

template <typename T, typename Read>
auto Optional(std::optional<T>* out, Read read) {
  return [out, read](JsonReader& reader) {
    if (!reader.TryNull()) *out = read(reader);
  };
}

auto ReadText(std::string* out) {
  return [out](JsonReader& reader) { *out = reader.ReadString(); };
}

void Ignore(JsonReader& reader) {
  reader.SkipValue();
}

}  // namespace

std::string DecodeName(JsonReader& reader, std::string_view struct_name) {
  std::string name;
  DecodeStruct(reader, struct_name, StructForm::kObjectOrSequence,
               {{"name", true, ReadText(&name)}});
  return name;
}

std::string DecodeUpdateTenant(JsonReader& reader) {
  std::string resource_name;
  DecodeStruct(reader, "UpdateTenantPayload", StructForm::kObjectOrSequence,
               {{"resource_name", true, ReadText(&resource_name)}});
  return resource_name;
}

std::string DecodeFork(JsonReader& reader) {
  std::string new_name;
  DecodeStruct(reader, "ForkCollectionPayload", StructForm::kObjectOrSequence,
               {{"new_name", true, ReadText(&new_name)}});
  return new_name;
}

void CheckAttachFunction(JsonReader& reader) {
  std::string text;
  DecodeStruct(reader, "AttachFunctionRequest", StructForm::kObjectOrSequence,
               {{"name", true, ReadText(&text)},
                {"function_id", true, ReadText(&text)},
                {"output_collection", true, ReadText(&text)},
                {"params", false, Ignore}});
}

void CheckDetachFunction(JsonReader& reader) {
  DecodeStruct(reader, "DetachFunctionRequest", StructForm::kObjectOrSequence,
               {{"delete_output", false, [](JsonReader& r) { static_cast<void>(r.ReadBool()); }}});
}

engine::CreateCollectionRequest DecodeCreateCollection(JsonReader& reader) {
  engine::CreateCollectionRequest request;
  const auto read_metadata = [](JsonReader& r) { return model::DecodeMetadata(r, false); };
  DecodeStruct(
      reader, "CreateCollectionPayload", StructForm::kObjectOrSequence,
      {{"name", true, ReadText(&request.name)},
       {"schema", false, Optional(&request.schema, model::DecodeSchema)},
       {"configuration", false, Optional(&request.configuration, model::DecodeConfiguration)},
       {"metadata", false, Optional(&request.metadata, read_metadata)},
       {"get_or_create", false, [&](JsonReader& r) { request.get_or_create = r.ReadBool(); }}});
  return request;
}

engine::ModifyCollectionRequest DecodeModifyCollection(JsonReader& reader) {
  engine::ModifyCollectionRequest request;
  const auto read_metadata = [](JsonReader& r) { return model::DecodeMetadata(r, true); };
  const auto read_name = [](JsonReader& r) { return r.ReadString(); };
  std::vector<StructField> fields = {
      {"new_name", false, Optional(&request.new_name, read_name)},
      {"new_metadata", false, Optional(&request.new_metadata, read_metadata)},
      {"new_configuration", false,
       Optional(&request.new_configuration, model::DecodeConfigurationUpdate)}};
  // An extension, which upstream's sequence of three does not have.
  if (reader.Peek() != JsonReader::Kind::kArray) {
    fields.push_back({"new_schema", false, Optional(&request.new_schema, model::DecodeSchema)});
  }
  DecodeStruct(reader, "UpdateCollectionPayload", StructForm::kObjectOrSequence, fields);
  return request;
}

}  // namespace chroma::gateway
