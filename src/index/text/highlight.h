// Where in a text the things that were looked for are, and pieces of the text around them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "chroma/status.h"
#include "index/text/phrase.h"
#include "index/text/regex.h"

namespace chroma::index {

// A range both in bytes and in characters (code points; a byte that is not UTF-8 is one).
struct Highlight {
  TextRange bytes;
  TextRange characters;
  bool operator==(const Highlight&) const = default;
};

struct HighlightLimits {
  uint32_t matches_max = 100;         // of a text
  uint32_t snippets_max = 1;          // of a text
  uint32_t snippet_characters = 160;  // of each, at most
};

struct Highlights {
  std::vector<Highlight> matches;
  std::vector<Highlight> snippets;
  bool cut = false;  // finding all took too much work: there may be more
};

// Thread safe once everything is added.
class Highlighter {
 public:
  // Occurrences from left to right, each after the end of the one before; the longest where several
  // matches of an expression begin at the same place. Empty ones are none, and of each only the
  // first kFoundMax (text_range.h) are taken, and of all only what MatchWork allows to find.
  void AddSubstring(std::string needle);
  Status AddRegex(std::string_view pattern);
  void AddPhrase(std::shared_ptr<const Phrase> phrase) { phrases_.push_back(std::move(phrase)); }
  bool empty() const { return needles_.empty() && regexes_.empty() && phrases_.empty(); }

  // Matches in their order, overlapping ones as one. A snippet is as wide as allowed, with the
  // first match that is in none before it in its middle, and does not overlap another.
  Highlights Find(std::string_view text, const HighlightLimits& limits,
                  MatchWork work = MatchWork()) const;

 private:
  std::set<std::string> needles_;
  std::map<std::string, std::unique_ptr<Regex>, std::less<>> regexes_;  // by pattern
  RegexBudget budget_{UINT64_MAX};  // their number was bounded when they were planned
  std::vector<std::shared_ptr<const Phrase>> phrases_;
};

}  // namespace chroma::index
