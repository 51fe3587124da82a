#include <algorithm>
#include <limits>
#include <utility>

#include "planner/planner.h"

namespace chroma::planner {
namespace {

using model::RankOperator;
using Op = RankStep::Op;

bool IsFold(RankOperator op) {
  return op == RankOperator::kSum || op == RankOperator::kMultiply || op == RankOperator::kMax ||
         op == RankOperator::kMin;
}

float FoldStart(RankOperator op) {
  constexpr float kMax = std::numeric_limits<float>::max();
  switch (op) {
    case RankOperator::kMultiply:
      return 1;
    case RankOperator::kMax:
      return -kMax;
    case RankOperator::kMin:
      return kMax;
    default:
      return 0;
  }
}

Op StepOf(RankOperator op) {
  switch (op) {
    case RankOperator::kSum:
      return Op::kAdd;
    case RankOperator::kMultiply:
      return Op::kMultiply;
    case RankOperator::kMax:
      return Op::kMax;
    case RankOperator::kMin:
      return Op::kMin;
    case RankOperator::kSubtract:
      return Op::kSubtract;
    case RankOperator::kDivide:
      return Op::kDivide;
    case RankOperator::kAbs:
      return Op::kAbs;
    case RankOperator::kExp:
      return Op::kExp;
    case RankOperator::kLog:
      return Op::kLog;
    case RankOperator::kKnn:
      return Op::kKnn;
    case RankOperator::kValue:
      return Op::kConstant;
  }
  return Op::kConstant;
}

// Compiles a rank. Recursion is bounded by model::kRankDepthMax.
class RankCompiler {
 public:
  RankCompiler(const model::Rank& rank, const model::Schema& schema, SearchPlan* plan)
      : rank_(rank), schema_(schema), plan_(*plan), operands_(rank.nodes.size()) {
    for (uint32_t i = 0; i < rank.nodes.size(); ++i) {
      const auto begin = roots_.end() - rank.nodes[i].operands;
      operands_[i].assign(begin, roots_.end());
      roots_.erase(begin, roots_.end());
      roots_.push_back(i);
    }
  }

  void Compile() { Compile(roots_.back()); }

 private:
  void Compile(uint32_t number) {
    const model::RankNode& node = rank_.nodes[number];
    const RankStep step{StepOf(node.op), 0, false, std::nullopt};
    if (node.op == RankOperator::kValue) {
      Push(Constant(node.value));
    } else if (node.op == RankOperator::kKnn) {
      const model::Knn& knn = rank_.knns[node.knn];
      Push({Op::kKnn, AddKnn(knn), knn.return_rank, knn.default_score});
    } else if (IsFold(node.op)) {
      Push(Constant(FoldStart(node.op)));
      for (const uint32_t operand : operands_[number]) {
        Compile(operand);
        Push(step);
      }
    } else {
      for (const uint32_t operand : operands_[number]) Compile(operand);
      Push(step);
    }
  }

  static RankStep Constant(float value) { return {Op::kConstant, 0, false, value}; }

  // Its number in the plan; equal ones are run once.
  uint32_t AddKnn(const model::Knn& knn) {
    KnnPlan planned;
    planned.limit = knn.limit;
    if (const auto* dense = std::get_if<std::vector<float>>(&knn.query)) planned.query = *dense;
    if (knn.sparse() != nullptr) {
      planned.query = *knn.sparse();
      planned.key = knn.key;
      planned.bm25 = schema_.IsBm25(knn.key);
    }
    const auto at = std::find(plan_.knns.begin(), plan_.knns.end(), planned);
    if (at == plan_.knns.end()) {
      plan_.knns.push_back(std::move(planned));
      return static_cast<uint32_t>(plan_.knns.size() - 1);
    }
    return static_cast<uint32_t>(at - plan_.knns.begin());
  }

  void Push(RankStep step) {
    if (step.op == Op::kKnn || step.op == Op::kConstant) {
      plan_.stack_depth = std::max(plan_.stack_depth, ++depth_);
    } else if (step.op < Op::kAbs) {
      --depth_;
    }
    plan_.rank.push_back(step);
  }

  const model::Rank& rank_;
  const model::Schema& schema_;
  SearchPlan& plan_;
  std::vector<std::vector<uint32_t>> operands_;  // of every node
  std::vector<uint32_t> roots_;                  // nodes that are nobody's operand
  uint32_t depth_ = 0;                           // of the stack after the last step
};

}  // namespace

Result<SearchPlan> PlanSearch(const model::Search& search, const model::Schema& schema,
                              index::RegexSet* regexes) {
  SearchPlan plan;
  CHROMA_ASSIGN(plan.predicate, PlanPredicate(std::nullopt, search.filter, std::nullopt, regexes));
  if (search.rank) {
    plan.ranked = true;
    RankCompiler(*search.rank, schema, &plan).Compile();
  }
  plan.group_by = search.group_by;
  plan.offset = search.offset;
  plan.limit = search.limit;
  plan.select = search.select;
  return plan;
}

}  // namespace chroma::planner
