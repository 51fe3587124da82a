// Constants of the text index's bytes (text_index.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace chroma::index {

inline constexpr uint32_t kTextIndexLayout = 1;
inline constexpr size_t kTermsHeaderBytes = 24;
inline constexpr size_t kDirectoryEntryBytes = 12;
inline constexpr uint32_t kBlockTerms = 32;

// The three bytes from `at` as a number.
inline uint32_t GramAt(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return uint32_t{static_cast<uint8_t>(text[at + i])}; };
  return byte(0) << 16 | byte(1) << 8 | byte(2);
}

}  // namespace chroma::index
