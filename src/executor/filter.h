// Evaluates a planned predicate over one part of a collection.
#pragma once

#include "base/bitmap.h"
#include "chroma/status.h"
#include "executor/trace.h"
#include "planner/plan.h"
#include "runtime/context.h"
#include "runtime/thread_pool.h"
#include "segment/snapshot.h"

namespace chroma::executor {

inline constexpr uint64_t kAllRows = UINT64_MAX;

struct FilterOptions {
  uint64_t rows_max = kAllRows;         // the first ones found are enough; there may be more
  runtime::ThreadPool* pool = nullptr;  // helps to read documents; null: nobody does
  Trace* trace = nullptr;               // is told what happens; null: nobody is
};

// The rows of `candidates` that satisfy the predicate.
Result<Bitmap> Evaluate(runtime::Context& ctx, const planner::Predicate& predicate,
                        const segment::Part& part, Bitmap candidates,
                        const FilterOptions& options = {});

// The live rows of the part that satisfy the predicate; all live ones when there is none.
Result<Bitmap> SelectRows(runtime::Context& ctx, const planner::Predicate* predicate,
                          const segment::SnapshotPart& part, const FilterOptions& options = {});

}  // namespace chroma::executor
