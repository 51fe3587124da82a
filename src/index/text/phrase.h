// Phrases: words that follow each other in a text, whatever stands between them.
//
// The words of a text are the runs of letters and digits that text_terms.h cuts (by block of
// Unicode; case is kept), and every single character of scripts that are written without spaces.
// Everything else, spaces and punctuation, only separates them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "chroma/status.h"
#include "index/text/text_query.h"
#include "index/text/text_range.h"

namespace chroma::index {

// Cuts a text into its words, one after the other. Does not own the text.
class WordCutter {
 public:
  explicit WordCutter(std::string_view text) : text_(text) {}
  // False at the end.
  bool Next(TextRange* word);

 private:
  std::string_view text_;
  size_t at_ = 0;
  size_t ideographs_end_ = 0;  // before it every character is a word
};

// Immutable; thread safe.
class Phrase {
 public:
  // `ends_with_prefix`: of the last word only the beginning is given. kInvalidArgument where there
  // are no words in the text, or more than kWordsMax.
  static constexpr size_t kWordsMax = 1000;
  static Result<Phrase> Parse(std::string_view text, bool ends_with_prefix);

  bool Matches(std::string_view text) const;
  // From the first word to the last, of every match that begins after the one before has ended;
  // ascending, appended. A last word that only begins so is in the range as far as it is given.
  void FindAll(std::string_view text, std::vector<TextRange>* found) const;

  // What every text that matches satisfies; when it is exact, no other does.
  const TextQuery& query() const { return query_; }
  bool query_is_exact() const { return words_.size() == 1; }

  const std::string& text() const { return text_; }
  // Every text that matches contains it.
  const std::string& longest_word() const { return words_[longest_]; }
  bool ends_with_prefix() const { return ends_with_prefix_; }

 private:
  Phrase() = default;
  // Calls visit(range) for every match until it returns false. Linear time: the automaton of
  // Knuth, Morris and Pratt (1977) over the words that are given whole.
  template <typename Visit>
  void Search(std::string_view text, Visit visit) const;

  std::string text_;
  bool ends_with_prefix_ = false;
  std::vector<std::string> words_;
  size_t longest_ = 0;            // of the words
  std::vector<size_t> fallback_;  // of the automaton: words still matched after a mismatch
  TextQuery query_;
};

}  // namespace chroma::index
