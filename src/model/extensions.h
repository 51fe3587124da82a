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

// "Validation error: facets[0].key: …"; kInvalidArgument.
Status ValidateFacets(const std::vector<Facet>& facets);

}  // namespace chroma::model
