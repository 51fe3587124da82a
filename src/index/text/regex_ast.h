// The syntax tree of a regular expression in the dialect of the Rust `regex` crate, and its
// parser. Character offsets are kept everywhere, because error messages point into the pattern.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chroma::index::regex {

inline constexpr uint32_t kNestMax = 250;            // as Rust's
inline constexpr size_t kPatternCharsMax = 1 << 19;  // Rust's compiled form would be too large

// Characters [begin, end) of the pattern.
struct Span {
  uint32_t begin = 0;
  uint32_t end = 0;
};

struct Error {
  std::string text;  // what follows "error: "
  Span span;
  std::optional<Span> other;  // also underlined: the first of two duplicates
};

enum class Kind : uint8_t {
  kEmpty,
  kFlags,    // (?i): holds from here to the end of the group
  kLiteral,  // c; `byte` when written \xFF
  kDot,
  kAssertion,   // assertion
  kPerl,        // c is one of d s w; negated
  kProperty,    // name, value; negated
  kBracketed,   // children[0] is the set; negated
  kRepetition,  // children[0], min, max
  kGroup,       // children[0], flags
  kAlternation,
  kConcat,
  // Inside brackets only:
  kRange,   // c to c2
  kPosix,   // name; negated
  kUnion,   // children
  kSetAnd,  // children[0], children[1]
  kSetMinus,
  kSetXor,
};

enum class Assertion : uint8_t {
  kStartLine,
  kEndLine,
  kStartText,
  kEndText,
  kWordBoundary,
  kNotWordBoundary,
  kWordStart,
  kWordEnd,
  kWordStartHalf,
  kWordEndHalf,
};

inline constexpr uint32_t kUnlimited = UINT32_MAX;

// What a flag group says; absent ones stay as they were.
struct Flags {
  std::optional<bool> ignore_case, multi_line, dot_all, swap_greed, unicode, crlf, verbose;
};

using NodeId = uint32_t;

struct Node {
  Kind kind = Kind::kEmpty;
  bool negated = false;
  bool byte = false;
  bool has_value = false;  // of kProperty: name=value
  bool captures = false;   // of kGroup
  Assertion assertion = Assertion::kStartLine;
  Span span;
  uint32_t c = 0;
  uint32_t c2 = 0;
  uint32_t min = 0;
  uint32_t max = 0;
  uint32_t extra = 0;  // of kFlags, kGroup: index into Tree::flags; of kProperty, kPosix: names
  std::vector<NodeId> children;
};

struct Tree {
  std::vector<Node> nodes;
  std::vector<Flags> flags;
  std::vector<std::pair<std::string, std::string>> names;  // of properties: name, value
  NodeId root = 0;
};

// The tree of `pattern`, whose depth is at most kNestMax; else the first error. `chars` are the
// characters of the pattern.
std::optional<Error> Parse(const std::vector<uint32_t>& chars, Tree* tree);

// Rust's rendering of an error: the pattern with carets under the span, then the text.
std::string Render(std::string_view pattern, const std::vector<uint32_t>& chars,
                   const Error& error);

}  // namespace chroma::index::regex
