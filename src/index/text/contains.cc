#include "index/text/contains.h"

#include <cstring>

namespace chroma::index {

bool Contains(std::string_view text, std::string_view needle) {
  if (needle.empty()) return true;
  if (text.size() < needle.size()) return false;  // memmem refuses the null of an empty view
  // glibc's memmem is the two-way algorithm (Crochemore and Perrin, 1991) with a shift table.
  return memmem(text.data(), text.size(), needle.data(), needle.size()) != nullptr;
}

}  // namespace chroma::index
