// The OpenAPI document and the page that shows it: complete in themselves, nothing is fetched
// from anywhere.
#pragma once

#include <string_view>

namespace chroma::gateway {

std::string_view OpenApiDocument();  // JSON
std::string_view DocsPage();         // HTML

}  // namespace chroma::gateway
