// The two ways of choosing rows: in insertion order, and by distance.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "chroma/status.h"
#include "executor/project.h"
#include "executor/trace.h"
#include "planner/plan.h"
#include "runtime/context.h"
#include "runtime/thread_pool.h"
#include "segment/snapshot.h"

namespace chroma::executor {

// Matching rows in insertion order, without the first `offset`, at most `limit`. The pool, if any,
// helps to read documents.
Result<std::vector<RowRef>> SelectInOrder(runtime::Context& ctx, const segment::Snapshot& snapshot,
                                          const planner::Predicate* predicate, uint32_t offset,
                                          std::optional<uint32_t> limit,
                                          runtime::ThreadPool* pool = nullptr,
                                          Trace* trace = nullptr);

struct NearestRows {
  std::vector<RowRef> rows;  // nearest first; equal distances in insertion order
  std::vector<float> distances;
};
// Whether that takes some 100 µs, of memory that is at hand, and no more.
bool IsQuick(const segment::Snapshot& snapshot, const planner::QueryPlan& plan);

// One element per query vector. Every part is searched, by its vector indexes where it has
// some and exactly where not; distances are exact. More than plan.rows_max rows over
// all of them: kInvalidArgument.
// `maps_rows`: where PartSearch::MapsRows says so, rows are mapped, and the caller gives them back.
Result<std::vector<NearestRows>> SelectNearest(runtime::Context& ctx, runtime::ThreadPool& pool,
                                               const segment::Snapshot& snapshot,
                                               const planner::QueryPlan& plan,
                                               Trace* trace = nullptr, bool maps_rows = false);

// How many records match.
Result<uint64_t> CountRows(runtime::Context& ctx, const segment::Snapshot& snapshot,
                           const planner::Predicate* predicate,
                           runtime::ThreadPool* pool = nullptr);

}  // namespace chroma::executor
