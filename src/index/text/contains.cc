#include "index/text/contains.h"

#include <cstring>

namespace chroma::index {

size_t FindFrom(std::string_view text, std::string_view needle, size_t from) {
  // memmem refuses the null of an empty view.
  if (text.size() < from || text.size() - from < needle.size()) return text.npos;
  // glibc's memmem is the two-way algorithm (Crochemore and Perrin, 1991) with a shift table.
  const void* at = memmem(text.data() + from, text.size() - from, needle.data(), needle.size());
  return at == nullptr ? text.npos
                       : static_cast<size_t>(static_cast<const char*>(at) - text.data());
}

bool Contains(std::string_view text, std::string_view needle) {
  return needle.empty() || FindFrom(text, needle, 0) != text.npos;
}

}  // namespace chroma::index
