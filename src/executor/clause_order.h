// In which order the clauses of a conjunction run over a part: cheap ones first, and of those that
// read documents the one first that saves most for its cost.
#pragma once

#include <vector>

#include "chroma/status.h"
#include "planner/plan.h"
#include "runtime/context.h"
#include "segment/part.h"

namespace chroma::executor {

// The children, ordered by cost / (1 - share of rows that are left), which is best for clauses that
// are independent (J. Hellerstein, M. Stonebraker, "Predicate migration", 1993). The shares are
// estimated (estimate.h) only for clauses that read documents, where there are several: evaluating
// any other takes less time than estimating it.
Result<std::vector<const planner::Predicate*>> InOrderOfCost(runtime::Context& ctx,
                                                             const planner::AllOf& all,
                                                             const segment::Part& part);

}  // namespace chroma::executor
