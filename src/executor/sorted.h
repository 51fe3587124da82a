// Matching rows in the order of the values of metadata keys.
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

// Without keys in insertion order. By the first key, then by the next, and at last by id. Values
// are ordered as model::CompareValues does; rows without a key come behind those that have it, in
// both directions. Without the first plan.get.offset rows, at most plan.get.limit.
//
// Of every part as many rows are chosen as the page reaches down to, in linear time and by codes
// of the values where its columns have such (segment/key_values.h); only those are sorted.
Result<std::vector<RowRef>> SelectList(runtime::Context& ctx, const segment::Snapshot& snapshot,
                                       const planner::ListPlan& plan,
                                       runtime::ThreadPool* pool = nullptr, Trace* trace = nullptr);

}  // namespace chroma::executor
