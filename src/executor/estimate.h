// How many rows of a part a predicate is about to match, before it is evaluated: for choosing and
// explaining plans.
//
// Metadata predicates are tried on a sample of rows, all of the tree on the same ones, so that
// what goes together in the data does in the estimate; predicates on documents take their counts
// from the dictionary of the text index, and are taken as independent of the rest.
#pragma once

#include <cstdint>

#include "chroma/status.h"
#include "planner/plan.h"
#include "runtime/context.h"
#include "segment/part.h"

namespace chroma::executor {

// Of 512 rows; dead rows count as the others. Reads no documents. Off by less than 4.5 % of the
// part's rows for metadata with a probability of 95 %; words of documents are counted exactly.
Result<double> EstimateRows(runtime::Context& ctx, const planner::Predicate& predicate,
                            const segment::Part& part);

}  // namespace chroma::executor
