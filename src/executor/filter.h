// Evaluates a planned predicate over one part of a collection.
#pragma once

#include "base/bitmap.h"
#include "chroma/status.h"
#include "planner/plan.h"
#include "runtime/context.h"
#include "segment/snapshot.h"

namespace chroma::executor {

inline constexpr uint64_t kAllRows = UINT64_MAX;

// The rows of `candidates` that satisfy the predicate: the first `rows_max` of them, and maybe
// some of the others.
Result<Bitmap> Evaluate(runtime::Context& ctx, const planner::Predicate& predicate,
                        const segment::Part& part, Bitmap candidates, uint64_t rows_max = kAllRows);

// The live rows of the part that satisfy the predicate; all live ones when there is none.
// `rows_max` as above.
Result<Bitmap> SelectRows(runtime::Context& ctx, const planner::Predicate* predicate,
                          const segment::SnapshotPart& part, uint64_t rows_max = kAllRows);

}  // namespace chroma::executor
