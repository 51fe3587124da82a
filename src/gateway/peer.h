// Headers by which processes on one directory speak to its owner, on its own socket only: from
// anywhere else they are ignored.
#pragma once

#include <string_view>

namespace chroma::gateway {

// The id of the collection or database that a request creates, so that who repeats it after the
// owner died can tell what it made itself from what was there before.
inline constexpr std::string_view kPeerIdHeader = "chroma-peer-id";
// Whether the process that the request came to lets its clients reset ("true" or "false").
inline constexpr std::string_view kPeerResetHeader = "chroma-peer-reset";

}  // namespace chroma::gateway
