// In which order the children of a conjunction or a disjunction run over a part: cheap ones first,
// and those that leave little to the others; of those that read documents the one first that saves
// most for its cost.
//
// What is looked up in metadata and ids comes before what reads documents. A column is matched as a
// whole, whatever the candidates, until these are so few that they are looked at one by one: so
// the first clause is that after which all others together cost least, and so on. The shares of
// rows are those of the part's statistics (Part::EstimateMatch), taken as independent. Nothing is
// estimated where running all of it takes no longer, or after a look-up that leaves next to
// nothing.
#pragma once

#include <vector>

#include "chroma/status.h"
#include "planner/plan.h"
#include "runtime/context.h"
#include "segment/part.h"

namespace chroma::executor {

// The children, to be run over `candidates` rows, each over those that all before it match. Ones
// that read documents are ordered by cost / (1 - share of rows that are left), which is best for
// clauses that are independent (J. Hellerstein, M. Stonebraker, "Predicate migration", 1993).
Result<std::vector<const planner::Predicate*>> InOrderOfCost(runtime::Context& ctx,
                                                             const planner::AllOf& all,
                                                             const segment::Part& part,
                                                             uint64_t candidates);
// The same, each over those that none before it matches.
Result<std::vector<const planner::Predicate*>> InOrderOfCost(runtime::Context& ctx,
                                                             const planner::AnyOf& any,
                                                             const segment::Part& part,
                                                             uint64_t candidates);

}  // namespace chroma::executor
