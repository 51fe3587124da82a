// Searches as JSON (semantics.md §2.2-2.3).
#pragma once

#include <string>

#include "base/json_reader.h"
#include "base/json_writer.h"
#include "model/search.h"

namespace chroma::model {

// One element of `searches`, and a rank alone. Errors go to the reader: those of the wire contract,
// and kRankNodesMax exceeded, so that a tree is never large. Not yet validated.
Search DecodeSearch(JsonReader& reader);
Rank DecodeRank(JsonReader& reader);

// The reverse, of ranks and searches that are well-formed. No recursion.
void EncodeSearch(JsonWriter& out, const Search& search);
std::string RankToJson(const Rank& rank);

}  // namespace chroma::model
