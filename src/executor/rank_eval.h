// Scores records by a rank (semantics.md §2.3).
#pragma once

#include <cstddef>
#include <vector>

#include "base/top_k.h"
#include "chroma/status.h"
#include "planner/plan.h"
#include "runtime/context.h"

namespace chroma::executor {

// The records that the rank gives a score, with it in place of the distance, in no order.
// `found[i]` is what plan.knns[i] found, nearest first. Every score that is no number is the
// positive NaN, whatever this processor makes of 0 / 0.
Result<std::vector<Neighbor>> EvaluateRank(runtime::Context& ctx, const planner::SearchPlan& plan,
                                           const std::vector<std::vector<Neighbor>>& found);

// Best first: by score in its total order, then in insertion order.
bool ScoresBefore(const Neighbor& a, const Neighbor& b);

// Sorts so far that the first `wanted` are in place, and drops the others.
void KeepBest(uint64_t wanted, std::vector<Neighbor>* rows);

}  // namespace chroma::executor
