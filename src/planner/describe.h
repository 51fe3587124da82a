// Predicates in the words of requests, for explaining plans.
#pragma once

#include <string>
#include <string_view>

#include "planner/plan.h"

namespace chroma::planner {

// {"year":{"$gt":2000}}; of a predicate that has others within it only its name: $and, $or, not.
// Long lists and texts are cut.
std::string Describe(const Predicate& predicate);

// $knn of #embedding, limit 10
std::string Describe(const KnnPlan& knn);

// A text as descriptions show it: no more than its first 100 bytes.
std::string Cut(std::string_view text);

}  // namespace chroma::planner
