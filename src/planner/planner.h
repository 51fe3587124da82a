// Request → plan. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "chroma/status.h"
#include "model/filter.h"
#include "planner/plan.h"

namespace chroma::planner {

// ids ∧ where ∧ where_document as one normalised predicate; none when all three are absent.
// Compiles regular expressions: kInvalidArgument with their error text.
Result<std::optional<Predicate>> PlanPredicate(const std::optional<std::vector<std::string>>& ids,
                                               const std::optional<model::Filter>& where,
                                               const std::optional<model::Filter>& where_document);

}  // namespace chroma::planner
