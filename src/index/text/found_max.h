// How many matches of one thing are looked for in one text: what bounds the memory of highlights.
#pragma once

#include <cstddef>

namespace chroma::index {

inline constexpr size_t kFoundMax = 1'000'000;

}  // namespace chroma::index
