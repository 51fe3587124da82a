// Every limit of the product that a request can meet, named in one place.
#pragma once

#include <cstddef>
#include <cstdint>

namespace chroma::model {

// Filters. Depth bounds the stack of every recursive walk over a tree.
inline constexpr int kFilterDepthMax = 128;
inline constexpr size_t kFilterLeavesMax = 10'000;
inline constexpr size_t kFilterListMax = 100'000;
// Characters and ranges of characters in the different regular expressions of one request, with all
// repetitions written out: \w has 770 of them, the largest expression that compiles 350,000. A
// million take some seconds to compile.
inline constexpr uint64_t kRegexesSizeMax = 1'000'000;
// JSON that is held as a tree: a filter, a rank, an embedding function's configuration. Counts
// every value in it; a tree takes some 30 times the memory of its text.
inline constexpr size_t kJsonTreeValuesMax = 1'000'000;

// Searches. A rank is evaluated without recursion; its depth bounds what its reader may nest.
inline constexpr size_t kSearchesMax = 1'000;
inline constexpr size_t kRankNodesMax = 10'000;
inline constexpr uint32_t kRankDepthMax = 128;
inline constexpr size_t kRankKnnsMax = 1'000;
inline constexpr size_t kGroupKeysMax = 1'000;

// Extensions.
inline constexpr size_t kFacetsMax = 100;
inline constexpr size_t kSortKeysMax = 100;
inline constexpr size_t kExplainedRecordsMax = 100;
inline constexpr uint32_t kHighlightMatchesMax = 10'000;  // of a document
inline constexpr uint32_t kHighlightSnippetsMax = 100;    // of a document
inline constexpr uint32_t kSnippetCharactersMax = 10'000;

// What one query may answer with, over all of its vectors. A few bytes can ask for every record
// once for each of a million vectors.
inline constexpr uint64_t kQueryRowsMax = 10'000'000;
inline constexpr uint64_t kQueryAnswerBytesMax = 1ull << 30;

inline constexpr uint32_t kDimensionMax = 100'000;
inline constexpr uint32_t kDefaultResults = 10;
// What /pre-flight-checks tells clients; larger requests are served all the same.
inline constexpr uint32_t kBatchSizeMax = 5461;
inline constexpr size_t kPayloadBytesMax = 41'943'040;

inline constexpr size_t kNameBytesMin = 3;
inline constexpr size_t kNameBytesMax = 512;

}  // namespace chroma::model
