#include "executor/clause_order.h"

#include <algorithm>

#include "executor/estimate.h"
#include "planner/planner.h"

namespace chroma::executor {

Result<std::vector<const planner::Predicate*>> InOrderOfCost(runtime::Context& ctx,
                                                             const planner::AllOf& all,
                                                             const segment::Part& part) {
  struct Clause {
    const planner::Predicate* predicate;
    double rank;
  };
  std::vector<Clause> texts;
  std::vector<const planner::Predicate*> ordered;
  for (const planner::Predicate& child : all.children) {
    if (planner::ReadsText(child)) {
      texts.push_back({&child, 0});
    } else {
      ordered.push_back(&child);
    }
  }
  if (texts.size() > 1) {
    constexpr double kShareMin = 1e-9;  // of rows that drop out: none do
    Estimator estimator(part);
    for (Clause& clause : texts) {
      CHROMA_ASSIGN(const double share, estimator.Share(ctx, *clause.predicate));
      CHROMA_ASSIGN(const double cost, estimator.DocumentsRead(ctx, *clause.predicate));
      clause.rank = cost / std::max(1 - share, kShareMin);
    }
    std::stable_sort(texts.begin(), texts.end(),
                     [](const Clause& a, const Clause& b) { return a.rank < b.rank; });
  }
  for (const Clause& clause : texts) ordered.push_back(clause.predicate);
  return ordered;
}

}  // namespace chroma::executor
