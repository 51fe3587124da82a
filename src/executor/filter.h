// Evaluates a planned predicate over one part of a collection.
#pragma once

#include "base/bitmap.h"
#include "chroma/status.h"
#include "planner/plan.h"
#include "runtime/context.h"
#include "segment/snapshot.h"

namespace chroma::executor {

// The rows of `candidates` that satisfy the predicate.
Result<Bitmap> Evaluate(runtime::Context& ctx, const planner::Predicate& predicate,
                        const segment::Part& part, Bitmap candidates);

// The live rows of the part that satisfy the predicate; all live ones when there is none.
Result<Bitmap> SelectRows(runtime::Context& ctx, const planner::Predicate* predicate,
                          const segment::SnapshotPart& part);

}  // namespace chroma::executor
