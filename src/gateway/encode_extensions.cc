#include "gateway/encode_extensions.h"

#include "base/json_writer.h"
#include "model/metadata_json.h"

namespace chroma::gateway {
namespace {

void UintField(JsonWriter& out, std::string_view key, uint64_t value) {
  out.Key(key);
  out.Uint(value);
}

void WriteFacet(JsonWriter& out, const executor::FacetValues& facet) {
  out.BeginObject();
  out.StringField("key", facet.key);
  UintField(out, "records", facet.records);
  UintField(out, "distinct", facet.distinct);
  out.Key("values");
  out.BeginArray();
  for (const segment::ValueCount& one : facet.values) {
    out.BeginObject();
    out.Key("value");
    model::EncodeMetadataValue(out, one.value);
    UintField(out, "count", one.count);
    out.EndObject();
  }
  out.EndArray();
  out.EndObject();
}

}  // namespace

std::string EncodeFacets(const executor::FacetResult& result) {
  std::string body;
  JsonWriter out(&body);
  out.BeginObject();
  UintField(out, "count", result.count);
  out.Key("facets");
  out.BeginArray();
  for (const executor::FacetValues& facet : result.facets) WriteFacet(out, facet);
  out.EndArray();
  out.EndObject();
  return body;
}

}  // namespace chroma::gateway
