// Predicates in the words of requests, for explaining plans.
#pragma once

#include <string>

#include "planner/plan.h"

namespace chroma::planner {

// {"year":{"$gt":2000}}; of a predicate that has others within it only its name: $and, $or, not.
// Long lists and texts are cut.
std::string Describe(const Predicate& predicate);

// $knn of #embedding, limit 10
std::string Describe(const KnnPlan& knn);

}  // namespace chroma::planner
