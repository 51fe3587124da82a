#include "gateway/decode_extensions.h"

#include "gateway/decode_fields.h"
#include "model/limits.h"
#include "model/search_json.h"

namespace chroma::gateway {
namespace {

model::Facet ReadFacet(JsonReader& reader) {
  model::Facet facet;
  std::optional<uint32_t> limit;
  ReadJsonObject(reader, "a facet",
                 {{"key", true, [&](JsonReader& r) { facet.key = r.ReadString(); }},
                  {"limit", false, ReadOptionalU32(&limit)},
                  {"sort", false, [&](JsonReader& r) {
                     facet.by_value = r.ReadVariant({"count", "value"}) == 1;
                   }}});
  facet.limit = limit.value_or(facet.limit);
  return facet;
}

// "key", or {"key": …, "descending": …}.
model::SortKey ReadSortKey(JsonReader& reader) {
  model::SortKey key;
  if (reader.Peek() == JsonReader::Kind::kString) {
    key.key = reader.ReadString();
    return key;
  }
  ReadJsonObject(reader, "a string or a map",
                 {{"key", true, [&](JsonReader& r) { key.key = r.ReadString(); }},
                  {"descending", false, [&](JsonReader& r) { key.descending = r.ReadBool(); }}});
  return key;
}

std::optional<model::HighlightOptions> ReadHighlight(JsonReader& reader) {
  if (reader.TryNull()) return std::nullopt;
  model::HighlightOptions options;
  ReadJsonObject(reader, "a map",
                 {{"matches", false, [&](JsonReader& r) { options.matches_max = r.ReadU32(); }},
                  {"snippets", false, [&](JsonReader& r) { options.snippets_max = r.ReadU32(); }},
                  {"snippet_characters", false,
                   [&](JsonReader& r) { options.snippet_characters = r.ReadU32(); }}});
  return options;
}

void AddListFields(ListBody* body, std::vector<StructField>* fields) {
  body->include = {model::kIncludeDocuments, model::kIncludeMetadatas};
  AddFilterFields(&body->filter, fields);
  fields->push_back({"order_by", false, [body](JsonReader& r) {
                       body->order_by.clear();
                       if (r.TryNull()) return;
                       for (r.BeginArray(); r.NextElement();) {
                         if (body->order_by.size() == model::kSortKeysMax) {
                           return r.FailShape("more than " + std::to_string(model::kSortKeysMax) +
                                              " keys");
                         }
                         body->order_by.push_back(ReadSortKey(r));
                       }
                     }});
  fields->push_back({"limit", false, ReadOptionalU32(&body->limit)});
  fields->push_back({"offset", false, ReadOptionalU32(&body->offset)});
  fields->push_back({"include", false, ReadInclude(&body->include)});
  fields->push_back(
      {"highlight", false, [body](JsonReader& r) { body->highlight = ReadHighlight(r); }});
}

}  // namespace

FacetsBody DecodeFacets(JsonReader& reader) {
  FacetsBody body;
  std::vector<StructField> fields;
  AddFilterFields(&body.filter, &fields);
  fields.push_back({"facets", false, [&body](JsonReader& r) {
                      body.facets.clear();
                      if (r.TryNull()) return;
                      for (r.BeginArray(); r.NextElement();) {
                        if (body.facets.size() == model::kFacetsMax) {
                          return r.FailShape("more than " + std::to_string(model::kFacetsMax) +
                                             " facets");
                        }
                        body.facets.push_back(ReadFacet(r));
                      }
                    }});
  DecodeStruct(reader, "FacetsRequestPayload", StructForm::kObject, fields);
  return body;
}

Result<engine::FacetsRequest> ToFacetsRequest(FacetsBody body) {
  engine::FacetsRequest request;
  CHROMA_TRY(ParseFilters(body.filter, &request.where, &request.where_document,
                          model::Dialect::kExtended));
  request.ids = std::move(body.filter.ids);
  request.facets = std::move(body.facets);
  return request;
}

ListBody DecodeList(JsonReader& reader) {
  ListBody body;
  std::vector<StructField> fields;
  AddListFields(&body, &fields);
  DecodeStruct(reader, "ListRequestPayload", StructForm::kObject, fields);
  return body;
}

Result<engine::ListRequest> ToListRequest(ListBody body) {
  engine::ListRequest request;
  CHROMA_TRY(ParseFilters(body.filter, &request.where, &request.where_document,
                          model::Dialect::kExtended));
  request.ids = std::move(body.filter.ids);
  request.order_by = std::move(body.order_by);
  request.limit = body.limit;
  request.offset = body.offset.value_or(0);
  request.include = ToSet(body.include);
  request.highlight = body.highlight;
  return request;
}

ExplainBody DecodeExplain(JsonReader& reader) {
  ExplainBody body;
  const auto read_list = [&body](JsonReader& r) {
    std::vector<StructField> fields;
    AddListFields(&body.list.emplace(), &fields);
    ReadJsonObject(r, "a map", fields);
  };
  const auto read_query = [&body](JsonReader& r) {
    std::vector<StructField> fields;
    AddQueryFields(&body.query.emplace(), &fields);
    ReadJsonObject(r, "a map", fields);
    FinishQuery(&*body.query);
  };
  DecodeStruct(reader, "ExplainRequestPayload", StructForm::kObject,
               {{"list", false, read_list},
                {"query", false, read_query},
                {"search", false, [&](JsonReader& r) { body.search = model::DecodeSearch(r); }},
                {"records", false, [&](JsonReader& r) {
                   if (!r.TryNull()) body.records = ReadTexts(r);
                 }}});
  return body;
}

Result<engine::ExplainRequest> ToExplainRequest(ExplainBody body) {
  if (int{body.list.has_value()} + int{body.query.has_value()} + int{body.search.has_value()} !=
      1) {
    return Status::InvalidArgument(
        "Validation error: one of list, query and search must be given, and only one");
  }
  engine::ExplainRequest request;
  request.records = std::move(body.records);
  if (body.list) {
    CHROMA_ASSIGN(request.request, ToListRequest(*std::move(body.list)));
  } else if (body.query) {
    CHROMA_ASSIGN(request.request, ToQueryRequest(*std::move(body.query)));
  } else {
    request.request = *std::move(body.search);
  }
  return request;
}

}  // namespace chroma::gateway
