// Evaluates a metadata predicate on one stored column, all values at a time, by the rules of
// model/compare.h. An operand is translated once into the column's own terms (a range of its
// integers or floats, a dictionary code, a table or a hash set), so that the loop over the values
// is a comparison or a look-up of one number each.
#pragma once

#include <cstdint>
#include <vector>

#include "chroma/status.h"
#include "format/metadata_column.h"
#include "model/filter.h"
#include "runtime/context.h"
#include "segment/value_order.h"

namespace chroma::segment {

// Whether a value of `type` can satisfy the predicate at all.
bool CanMatch(model::ValueType type, const model::MetadataPredicate& predicate);

// The ordinals of the values that satisfy a positive predicate, as bits: none where there is no
// word for them. `ordinals` comes empty; `order` is the column's, or null. Requires
// CanMatch(column.type(), predicate).
Status MatchColumn(runtime::Context& ctx, const format::MetadataColumnReader& column,
                   const ValueOrder* order, const model::MetadataPredicate& predicate,
                   std::vector<uint64_t>* ordinals);

// The ordinals of the values that are, or of the arrays that have, one of the `entries` of a column
// of strings, a bit for each (value_text.h).
Status CollectEntries(runtime::Context& ctx, const format::MetadataColumnReader& column,
                      std::vector<uint64_t> entries, std::vector<uint64_t>* ordinals);

// About how many rows KeyValues::At gives in the time that MatchColumn takes: measured
// (bench/filter_bench --rows). Has the same requirement.
uint64_t MatchColumnCost(const format::MetadataColumnReader& column, const ValueOrder* order,
                         const model::MetadataPredicate& predicate);

}  // namespace chroma::segment
