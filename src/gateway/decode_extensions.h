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

}  // namespace chroma::gateway
