// The parts of a request target: path segments and the query string (rest-api.md §1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/catalog.h"
#include "chroma/status.h"

namespace chroma::gateway {

// "/a/b" → {"a", "b"}, still percent-encoded. None for a path that names nothing: not absolute,
// or with an empty segment, as in "/a//b" and "/a/".
std::optional<std::vector<std::string_view>> SplitPath(std::string_view path);

// Decodes %XX; kInvalidArgument "Invalid URL: Invalid UTF-8 in `<parameter>`".
Result<std::string> DecodeSegment(std::string_view segment, std::string_view parameter);

// ?limit=&offset= of the list routes; kInvalidArgument with the contract's texts (§5.3).
Result<catalog::Page> DecodePage(std::string_view query);
// ?read_level= of count (§8.3); checked only, since every read here sees every write.
Status CheckReadLevel(std::string_view query);

}  // namespace chroma::gateway
