// What a text must contain to match: a tree of and, or, and substrings, from which the text index
// finds the rows that come into question.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace chroma::index {

// A value. Every text that matches what the query was made from satisfies it.
struct TextQuery {
  enum class Kind : uint8_t { kAll, kSubstring, kAnd, kOr };
  Kind kind = Kind::kAll;
  std::string substring;            // not empty
  std::vector<TextQuery> children;  // two at least

  static TextQuery All() { return TextQuery(); }
  // All() for the empty one.
  static TextQuery Substring(std::string text);
  static TextQuery And(TextQuery a, TextQuery b);
  static TextQuery Or(std::vector<TextQuery> any);
  static TextQuery AnyOf(const std::vector<std::string>& substrings);

  bool IsAll() const { return kind == Kind::kAll; }
  // Substrings in the tree.
  size_t Size() const;
  bool IsSatisfiedBy(std::string_view text) const;
  // (ab & (c | d)); * for All: for messages and tests.
  std::string ToString() const;
};

}  // namespace chroma::index
