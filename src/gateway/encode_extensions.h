// Answers of the routes that are beyond upstream (docs/extensions.md).
#pragma once

#include <string>

#include "engine/engine.h"

namespace chroma::gateway {

std::string EncodeFacets(const executor::FacetResult& result);

}  // namespace chroma::gateway
