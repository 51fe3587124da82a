// What a regular expression means, with flags, escapes, classes and case folding resolved: the
// form from which programs are made. Captures and greediness are gone, because the only question
// is whether a match exists.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "index/text/char_set.h"
#include "index/text/regex_ast.h"

namespace chroma::index::regex {

enum class Look : uint8_t {
  kStart,
  kEnd,
  kStartLine,
  kEndLine,
  kStartLineCrlf,
  kEndLineCrlf,
  kWordBoundary,
  kNotWordBoundary,
  kWordStart,
  kWordEnd,
  kWordStartHalf,
  kWordEndHalf,
};

struct HirNode {
  enum class Kind : uint8_t { kEmpty, kChar, kSet, kLook, kRepeat, kConcat, kAlternate };
  Kind kind = Kind::kEmpty;
  Look look = Look::kStart;
  bool ascii_word = false;  // of word looks: words are [0-9A-Za-z_]
  bool bytes = false;       // of kSet: written in byte mode, or empty
  bool zero_width = true;   // can only match the empty string
  uint32_t value = 0;       // of kChar: the character; of kSet: index into Hir::sets
  uint32_t min = 0;
  uint32_t max = 0;  // kUnlimited: no bound
  std::vector<uint32_t> children;
};

struct Hir {
  std::vector<HirNode> nodes;
  std::vector<CharSet> sets;
  uint32_t root = 0;
  bool too_large = false;  // the classes alone exceed kRangesMax; the rest is not valid
};

// Bounds the memory of a Hir: ranges of all its classes together.
inline constexpr size_t kRangesMax = 1 << 21;

// The meaning of a parsed pattern, or why it has none.
std::optional<Error> Translate(const Tree& tree, Hir* hir);

// True when a part that can match is a class of bytes, or a class that matches nothing.
bool HasByteClass(const Hir& hir);

}  // namespace chroma::index::regex
