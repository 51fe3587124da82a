#include "gateway/decode_extensions.h"

#include "gateway/decode_fields.h"
#include "model/limits.h"

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

}  // namespace

FacetsBody DecodeFacets(JsonReader& reader) {
  FacetsBody body;
  std::vector<StructField> fields;
  AddFilterFields(&body.filter, &fields);
  fields.push_back({"facets", false, [&body](JsonReader& r) {
                      body.facets.clear();
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
  CHROMA_TRY(ParseFilters(body.filter, &request.where, &request.where_document));
  request.ids = std::move(body.filter.ids);
  request.facets = std::move(body.facets);
  return request;
}

}  // namespace chroma::gateway
