// How much of what an exact search finds the indexes of a collection find, and what that saves.
#pragma once

#include <cstdint>

#include "chroma/status.h"
#include "planner/plan.h"
#include "runtime/clock.h"
#include "runtime/context.h"
#include "runtime/random.h"
#include "runtime/thread_pool.h"
#include "segment/snapshot.h"

namespace chroma::executor {

struct RecallReport {
  uint64_t records = 0;   // of the collection
  uint32_t queries = 0;   // fewer than asked for where there are fewer records
  double recall = 1;      // the share of the nearest records that was found
  int64_t search_ns = 0;  // of all queries, as they are usually answered
  int64_t exact_ns = 0;   // comparing every record
};

// Takes random records as queries, each without itself among its answers. A record that is as near
// as the last of the exact answer counts as found.
Result<RecallReport> MeasureRecall(runtime::Context& ctx, runtime::ThreadPool& pool,
                                   runtime::Clock& clock, runtime::Random& random,
                                   const segment::Snapshot& snapshot,
                                   const planner::RecallPlan& plan);

}  // namespace chroma::executor
