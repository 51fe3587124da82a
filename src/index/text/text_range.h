// A piece of a text, as what is looked for in it is found.
#pragma once

#include <cstddef>

namespace chroma::index {

// [begin, end), in bytes unless said otherwise.
struct TextRange {
  size_t begin = 0;
  size_t end = 0;
  bool operator==(const TextRange&) const = default;
};

// So many matches of one thing are looked for in one text: what bounds the memory of highlights.
inline constexpr size_t kFoundMax = 1'000'000;

}  // namespace chroma::index
