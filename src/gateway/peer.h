// Headers by which processes on one directory speak to its owner, on its own socket only: from
// anywhere else they are ignored.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/request_tag.h"

namespace chroma::gateway {

// The id of the collection or database that a request creates.
inline constexpr std::string_view kPeerIdHeader = "chroma-peer-id";
// Whether the process that the request came to lets its clients reset ("true" or "false").
inline constexpr std::string_view kPeerResetHeader = "chroma-peer-reset";
// The model::RequestTag of a request that changes something: its id, when it was sent first, and
// whether it was sent before (1 or 0), with a space between each.
inline constexpr std::string_view kPeerTagHeader = "chroma-peer-tag";

std::string EncodeTag(const model::RequestTag& tag);
std::optional<model::RequestTag> ParseTag(std::string_view text);

}  // namespace chroma::gateway
