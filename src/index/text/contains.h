// Substring search over documents, as $contains means it: bytes, case-sensitive, no wildcards.
#pragma once

#include <string_view>

namespace chroma::index {

// True when `text` contains `needle`; the empty needle is contained in everything. NUL bytes are
// ordinary. Linear time.
bool Contains(std::string_view text, std::string_view needle);

}  // namespace chroma::index
