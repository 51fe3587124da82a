// The requests of what is beyond upstream (docs/extensions.md).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/extensions.h"
#include "model/filter.h"

namespace chroma::engine {

// How many records match, and how many have each value of some keys.
struct FacetsRequest {
  std::optional<std::vector<std::string>> ids;
  std::optional<model::Filter> where;
  std::optional<model::Filter> where_document;
  std::vector<model::Facet> facets;
};

}  // namespace chroma::engine
