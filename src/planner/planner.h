// Request → plan. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "chroma/status.h"
#include "model/filter.h"
#include "model/search.h"
#include "planner/plan.h"
#include "runtime/context.h"

namespace chroma::planner {

// ids ∧ where ∧ where_document as one normalised predicate; none when all three are absent.
// Compiles regular expressions: kInvalidArgument with their error text. `regexes` are those of the
// whole request; null: this is all of it.
Result<std::optional<Predicate>> PlanPredicate(const std::optional<std::vector<std::string>>& ids,
                                               const std::optional<model::Filter>& where,
                                               const std::optional<model::Filter>& where_document,
                                               index::RegexSet* regexes = nullptr);

// For one request, whose `ctx` outlives it.
index::RegexSet RegexesOf(runtime::Context& ctx);

// Whether evaluating it reads documents: such predicates run last, on what the others left.
bool ReadsText(const Predicate& predicate);

// A search that was validated (model/search.h), of a collection with this schema.
Result<SearchPlan> PlanSearch(const model::Search& search, const model::Schema& schema,
                              index::RegexSet* regexes = nullptr);

}  // namespace chroma::planner
