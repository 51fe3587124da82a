// The schemas of the OpenAPI document: what bodies look like (rest-api.md §5-8).
#pragma once

#include <string_view>

namespace chroma::gateway {

// One JSON object: name → schema. Names are upstream's, which generated clients show.
std::string_view OpenApiSchemas();

}  // namespace chroma::gateway
