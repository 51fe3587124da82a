// What a text must contain for a regular expression to match.
//
// After R. Cox, "Regular Expression Matching with a Trigram Index", 2012: each part of the
// expression is described by the strings that it matches, as long as these are few, or by what its
// matches begin with, end with, and contain. Where two such parts meet, the ends of the one
// and the beginnings of the other make strings that every match contains. Cox cuts them into
// trigrams; they are kept whole here, since the text index looks up strings of any length.
#pragma once

#include "index/text/regex_hir.h"
#include "index/text/text_query.h"

namespace chroma::index::regex {

struct RegexQuery {
  TextQuery query;     // every text that matches satisfies it
  bool exact = false;  // and every text that satisfies it matches
};

// Bounded in time and memory, whatever the pattern: All() where nothing short can be said.
RegexQuery DeriveQuery(const Hir& hir);

}  // namespace chroma::index::regex
