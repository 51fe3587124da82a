// Runs searches: selects rows, finds the nearest of each $knn, scores, groups and pages them.
#pragma once

#include <vector>

#include "chroma/status.h"
#include "executor/project.h"
#include "executor/trace.h"
#include "planner/plan.h"
#include "runtime/context.h"
#include "runtime/thread_pool.h"
#include "segment/snapshot.h"

namespace chroma::executor {

// What one search shows, in its order, with the scores: of a search without a rank the places
// within the page.
struct ScoredRows {
  std::vector<RowRef> rows;
  std::vector<float> scores;
};

// One element per search. kInvalidArgument where they would consider or answer more than
// plan.rows_max rows.
Result<std::vector<ScoredRows>> RunSearches(runtime::Context& ctx, runtime::ThreadPool& pool,
                                            const segment::Snapshot& snapshot,
                                            const planner::SearchBatchPlan& plan,
                                            Trace* trace = nullptr);

// The columns that a search selects, and of the metadata only what it names.
model::IncludeSet IncludeOf(const model::Select& select);
void KeepSelected(const model::Select& select, Records* records);

}  // namespace chroma::executor
