// Answers of the routes that are beyond upstream (docs/extensions.md).
#pragma once

#include <string>
#include <vector>

#include "engine/engine.h"

namespace chroma::gateway {

// `include` is echoed as it was given; highlights are null where they were not asked for.
std::string EncodeList(const executor::ListResult& result,
                       const std::vector<model::Include>& include, bool highlight);
std::string EncodeExplanation(const executor::Explanation& explanation);
std::string EncodeFacets(const executor::FacetResult& result);
std::string EncodeDescription(const executor::CollectionStatus& status);

}  // namespace chroma::gateway
