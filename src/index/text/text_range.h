// A piece of a text.
#pragma once

#include <cstddef>

namespace chroma::index {

// [begin, end), in bytes unless said otherwise.
struct TextRange {
  size_t begin = 0;
  size_t end = 0;
  bool operator==(const TextRange&) const = default;
};

}  // namespace chroma::index
