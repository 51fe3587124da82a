// What regular expressions need of the Unicode Character Database (version 16.0): properties by
// name, simple case folding, and UTF-8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "index/text/char_set.h"

namespace chroma::index {

// \d, \s and \w.
const CharSet& DigitSet();
const CharSet& SpaceSet();
const CharSet& WordSet();

bool IsWordChar(uint32_t c);
bool IsAlphabetic(uint32_t c);
bool IsAlphanumeric(uint32_t c);

// Adds every character that differs only in case (simple folding) from a member of `set`.
void FoldCase(CharSet* set);
bool HasCaseVariants(uint32_t c);

enum class PropertyError : uint8_t { kNone, kNameNotFound, kValueNotFound };
// \p{name}: a binary property, a general category or a script, matched loosely (UAX #44, LM3).
PropertyError FindProperty(std::string_view name, CharSet* set);
// \p{name=value}
PropertyError FindPropertyValue(std::string_view name, std::string_view value, CharSet* set);

// The character at text[*offset], advancing past it. `*offset` must be inside the text. A byte
// that is not part of valid UTF-8 reads as U+FFFD.
uint32_t DecodeUtf8(std::string_view text, size_t* offset);

// Appends the UTF-8 form of `c`, a scalar value.
void AppendUtf8(uint32_t c, std::string* out);

}  // namespace chroma::index
