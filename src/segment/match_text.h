// Which strings of a metadata column a pattern matches: found by the text index of its entries
// (value_text.h) and looked at where that leaves a doubt, or, without one, by going through the
// bytes of all entries. Each entry is looked at once, however many rows have it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "chroma/status.h"
#include "format/metadata_column.h"
#include "index/text/text_index.h"
#include "index/text/text_pattern.h"
#include "runtime/context.h"

namespace chroma::segment {

// `text` is the column's index, or null. All require a column of strings, or of arrays of them.

// The ordinals of the values that the pattern matches, as MatchColumn gives them. *how becomes what
// was done, in words. kDataLoss when the index turns out to be damaged.
Status MatchTextColumn(runtime::Context& ctx, const format::MetadataColumnReader& column,
                       const index::TextIndexReader* text, const index::TextPattern& pattern,
                       std::vector<uint64_t>* ordinals, std::string* how);

// About how many rows of the column match, in far less time than matching takes.
Result<double> EstimateTextColumn(runtime::Context& ctx, const format::MetadataColumnReader& column,
                                  const index::TextIndexReader* text,
                                  const index::TextPattern& pattern);

// About how many rows HasText judges in the time that MatchTextColumn takes: measured
// (bench/filter_bench --rows).
uint64_t MatchTextColumnCost(const format::MetadataColumnReader& column,
                             const index::TextIndexReader* text, const index::TextPattern& pattern);

}  // namespace chroma::segment
