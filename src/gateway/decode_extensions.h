// Bodies of the routes that are beyond upstream (docs/extensions.md).
#pragma once

#include "gateway/decode.h"

namespace chroma::gateway {

struct FacetsBody {
  FilterBody filter;
  std::vector<model::Facet> facets;
};
FacetsBody DecodeFacets(JsonReader& reader);
// Parses the filters: kInvalidArgument.
Result<engine::FacetsRequest> ToFacetsRequest(FacetsBody body);

// Filters may have operators that upstream does not have, here and in what is explained.
struct ListBody {
  FilterBody filter;
  std::vector<model::SortKey> order_by;
  std::optional<uint32_t> limit;
  std::optional<uint32_t> offset;
  std::vector<model::Include> include;  // as given, for the echo
  std::optional<model::HighlightOptions> highlight;
};
ListBody DecodeList(JsonReader& reader);
Result<engine::ListRequest> ToListRequest(ListBody body);

// One of the three is to be given.
struct ExplainBody {
  std::optional<ListBody> list;
  std::optional<QueryBody> query;
  std::optional<model::Search> search;
  std::vector<std::string> records;
};
ExplainBody DecodeExplain(JsonReader& reader);
Result<engine::ExplainRequest> ToExplainRequest(ExplainBody body);

}  // namespace chroma::gateway
