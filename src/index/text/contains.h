// Substring search over documents, as $contains means it: bytes, case-sensitive, no wildcards.
#pragma once

#include <string_view>

namespace chroma::index {

// True when `text` contains `needle`; the empty needle is contained in everything. NUL bytes are
// ordinary. Linear time.
bool Contains(std::string_view text, std::string_view needle);

// Where `needle`, which is not empty, is at `from` or behind; npos when it is not. Linear time.
size_t FindFrom(std::string_view text, std::string_view needle, size_t from);

}  // namespace chroma::index
