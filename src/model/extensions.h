// What reads can be asked for beyond upstream (docs/extensions.md), and the checks of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "chroma/status.h"

namespace chroma::model {

// The values of a metadata key, with how many records have each.
struct Facet {
  std::string key;
  uint32_t limit = 100;   // so many values at most
  bool by_value = false;  // ascending by value; else the most frequent first, then by value
};

// By the values of a metadata key, or by "#id". Records without the key come last, whichever way.
struct SortKey {
  std::string key;
  bool descending = false;
};

// Where the things that a filter looks for are in the documents of an answer.
struct HighlightOptions {
  uint32_t matches_max = 100;         // of a document
  uint32_t snippets_max = 1;          // of a document
  uint32_t snippet_characters = 160;  // of each
};

Status ValidateOrder(const std::vector<SortKey>& order_by);
Status ValidateHighlight(const HighlightOptions& options);
// "Validation error: facets[0].key: …"; kInvalidArgument.
Status ValidateFacets(const std::vector<Facet>& facets);

}  // namespace chroma::model
