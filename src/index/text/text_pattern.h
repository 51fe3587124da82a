// What a string under a metadata key has to be like: contain one of some texts (contains.h), or
// have words in a row (phrase.h). Of documents these are several conditions; here they are one, so
// that values are gone through once.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "index/text/phrase.h"
#include "index/text/text_query.h"

namespace chroma::index {

// Immutable; thread safe.
class TextPattern {
 public:
  // `texts` is not empty. The empty text is contained in everything.
  static TextPattern AnyOf(std::vector<std::string> texts);
  static TextPattern Of(Phrase phrase);

  bool Matches(std::string_view text) const;
  // Whether every string matches.
  bool MatchesAll() const { return query_.IsAll(); }

  // What every text that matches satisfies; when it is exact, no other does.
  const TextQuery& query() const { return query_; }
  bool query_is_exact() const { return !phrase_ || phrase_->query_is_exact(); }

  // Every text that matches contains one of these; without a phrase, no other does. Sorted,
  // distinct.
  const std::vector<std::string>& needles() const { return needles_; }
  // None: one of the needles is looked for, as it is.
  const std::optional<Phrase>& phrase() const { return phrase_; }

 private:
  TextPattern() = default;

  std::vector<std::string> needles_;
  std::optional<Phrase> phrase_;
  TextQuery query_;
};

}  // namespace chroma::index
