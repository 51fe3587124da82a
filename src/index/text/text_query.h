// What a text must contain to match: a tree of and, or, and substrings, from which the text index
// finds the rows that come into question.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace chroma::index {

// A value. Every text that matches what the query was made from satisfies it.
struct TextQuery {
  // Words are those of phrase.h that are no single ideographs.
  enum class Kind : uint8_t { kAll, kSubstring, kWord, kWordPrefix, kAnd, kOr };
  Kind kind = Kind::kAll;
  std::string substring;            // or the word, or its beginning; not empty
  std::vector<TextQuery> children;  // two at least

  static TextQuery All() { return TextQuery(); }
  // All() for the empty one.
  static TextQuery Substring(std::string text);
  static TextQuery Word(std::string word);
  static TextQuery WordPrefix(std::string beginning);
  static TextQuery And(TextQuery a, TextQuery b);
  static TextQuery Or(std::vector<TextQuery> any);
  static TextQuery AnyOf(const std::vector<std::string>& substrings);

  bool IsAll() const { return kind == Kind::kAll; }
  bool IsLeaf() const { return kind != Kind::kAnd && kind != Kind::kOr; }
  // Whether an index looks at all of its terms to find the rows: those that contain or end with one
  // or two bytes have no trigram.
  bool ReadsAllTerms() const;
  // Substrings and words in the tree.
  size_t Size() const;
  bool IsSatisfiedBy(std::string_view text) const;
  // (ab & (c | d)); * for All: for messages and tests.
  std::string ToString() const;
};

}  // namespace chroma::index
