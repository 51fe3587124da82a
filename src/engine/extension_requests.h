// The requests of what is beyond upstream (docs/extensions.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/extensions.h"
#include "model/filter.h"
#include "model/record.h"

namespace chroma::engine {

// How many records match, and how many have each value of some keys.
struct FacetsRequest {
  std::optional<std::vector<std::string>> ids;
  std::optional<model::Filter> where;
  std::optional<model::Filter> where_document;
  std::vector<model::Facet> facets;
};

// A get whose records may come in another order, with what was found in their documents.
struct ListRequest {
  std::optional<std::vector<std::string>> ids;
  std::optional<model::Filter> where;
  std::optional<model::Filter> where_document;
  std::vector<model::SortKey> order_by;  // none: insertion order
  std::optional<uint32_t> limit;
  uint32_t offset = 0;
  model::IncludeSet include = model::kIncludeDocuments | model::kIncludeMetadatas;
  std::optional<model::HighlightOptions> highlight;
};

}  // namespace chroma::engine
