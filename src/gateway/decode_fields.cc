#include "gateway/decode_fields.h"

#include "model/limits.h"

namespace chroma::gateway {
namespace {

std::optional<JsonValue> ReadFilter(JsonReader& reader) {
  JsonValue value = reader.ReadValue(model::kJsonTreeValuesMax);
  if (value.IsNull()) return std::nullopt;
  return value;
}

}  // namespace

std::vector<std::string> ReadTexts(JsonReader& reader) {
  std::vector<std::string> texts;
  for (reader.BeginArray(); reader.NextElement();) texts.push_back(reader.ReadString());
  return texts;
}

void AddFilterFields(FilterBody* filter, std::vector<StructField>* fields) {
  fields->push_back({"ids", false, [filter](JsonReader& r) {
                       if (!r.TryNull()) filter->ids = ReadTexts(r);
                     }});
  fields->push_back({"where", false, [filter](JsonReader& r) { filter->where = ReadFilter(r); }});
  fields->push_back({"where_document", false,
                     [filter](JsonReader& r) { filter->where_document = ReadFilter(r); }});
}

ReadField ReadOptionalU32(std::optional<uint32_t>* out) {
  return [out](JsonReader& reader) {
    if (!reader.TryNull()) *out = reader.ReadU32();
  };
}

ReadField ReadInclude(std::vector<model::Include>* out) {
  return [out](JsonReader& reader) {
    constexpr model::Include kVariants[] = {model::kIncludeDistances, model::kIncludeDocuments,
                                            model::kIncludeEmbeddings, model::kIncludeMetadatas,
                                            model::kIncludeUris};
    out->clear();
    for (reader.BeginArray(); reader.NextElement();) {
      const size_t variant =
          reader.ReadVariant({"distances", "documents", "embeddings", "metadatas", "uris"});
      if (variant != JsonReader::kNoVariant) out->push_back(kVariants[variant]);
    }
  };
}

model::IncludeSet ToSet(const std::vector<model::Include>& include) {
  model::IncludeSet set = 0;
  for (model::Include one : include) set |= one;
  return set;
}

Status ParseFilters(const FilterBody& body, std::optional<model::Filter>* where,
                    std::optional<model::Filter>* where_document, model::Dialect dialect) {
  if (body.where) {
    CHROMA_ASSIGN(*where, model::ParseWhere(*body.where, dialect));
  }
  if (body.where_document) {
    CHROMA_ASSIGN(*where_document, model::ParseWhereDocument(*body.where_document, dialect));
  }
  return Status::Ok();
}

void AddQueryFields(QueryBody* body, std::vector<StructField>* fields) {
  body->include = {model::kIncludeDocuments, model::kIncludeMetadatas, model::kIncludeDistances};
  AddFilterFields(&body->filter, fields);
  fields->push_back({"query_embeddings", true, [body](JsonReader& r) {
                       for (r.BeginArray(); r.NextElement();) {
                         const size_t before = body->queries.values.size();
                         r.ReadF32Array(&body->queries.values);
                         body->query_lengths.push_back(
                             static_cast<uint32_t>(body->queries.values.size() - before));
                       }
                     }});
  fields->push_back({"n_results", false, ReadOptionalU32(&body->n_results)});
  fields->push_back({"include", false, ReadInclude(&body->include)});
}

void FinishQuery(QueryBody* body) {
  if (!body->query_lengths.empty()) body->queries.dimension = body->query_lengths.front();
}

}  // namespace chroma::gateway
