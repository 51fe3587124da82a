#include "executor/clause_order.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "executor/estimate.h"
#include "planner/planner.h"

namespace chroma::executor {
namespace {

using planner::Predicate;
using segment::Part;

enum class Rest : uint8_t { kMatching, kOthers };  // what a clause leaves to those after it

// In units of looking at the metadata of one row.
struct Cost {
  double whole = 0;    // over any number of rows
  double per_row = 0;  // or else for each

  double Of(double rows) const { return std::min(whole, rows * per_row); }
};

// Of clauses that read no document.
struct Coster {
  const Part& part;

  Cost Of(const Predicate& predicate) const { return std::visit(*this, predicate.node); }
  Cost Sum(const std::vector<Predicate>& children) const {
    Cost sum;
    for (const Predicate& child : children) {
      const Cost cost = Of(child);
      sum.whole += cost.whole;
      sum.per_row += cost.per_row;
    }
    return sum;
  }
  // However few the candidates are, each of the ids is looked up.
  static Cost LookUps(size_t n) {
    constexpr double kLookUp = 2;
    return {kLookUp * static_cast<double>(n), kLookUp * static_cast<double>(n)};
  }

  Cost operator()(const planner::AllOf& all) const { return Sum(all.children); }
  Cost operator()(const planner::AnyOf& any) const { return Sum(any.children); }
  Cost operator()(const planner::Not& negation) const { return Of(*negation.child); }
  Cost operator()(const planner::IdIn& in) const { return LookUps(in.ids.size()); }
  Cost operator()(const planner::HasMetadata& has) const {
    return {static_cast<double>(part.MatchCost(has.predicate)), 1};
  }
  Cost operator()(const planner::MetadataHasText& has) const {
    const auto needles = static_cast<double>(has.pattern->needles().size());
    return {needles * static_cast<double>(part.MatchTextCost(has.key, *has.pattern)), needles};
  }
  // Uris lie together in blocks, some hundred in each.
  Cost operator()(const planner::UriIn&) const { return {static_cast<double>(part.rows()), 100}; }
  template <typename ReadsDocuments>
  Cost operator()(const ReadsDocuments&) const {
    return {};
  }
};

struct Clause {
  const Predicate* predicate = nullptr;
  Cost cost;
  double left = 1;  // share of rows that clauses after it get
};

// What all of the clauses cost when the i-th runs first and the others on what it leaves.
double CostWithFirst(const std::vector<Clause>& clauses, size_t i, double rows) {
  double sum = clauses[i].cost.Of(rows);
  for (size_t j = 0; j < clauses.size(); ++j) {
    if (j != i) sum += clauses[j].cost.Of(rows * clauses[i].left);
  }
  return sum;
}

constexpr double kShareMin = 1e-9;  // of rows that drop out: none do
constexpr double kCostMin = 64;     // about what estimating a clause takes

std::vector<const Predicate*> CheapestOrder(std::vector<Clause> clauses, double rows) {
  // Of many, and of those that cost the same, what drops most rows for its cost comes first: trying
  // each as the first takes time that grows with the third power of their number.
  constexpr size_t kClausesTried = 8;
  const auto rank = [&](const Clause& clause) {
    return clause.cost.Of(rows) / std::max(1 - clause.left, kShareMin);
  };
  std::stable_sort(clauses.begin(), clauses.end(),
                   [&](const Clause& a, const Clause& b) { return rank(a) < rank(b); });
  std::vector<const Predicate*> ordered;
  if (clauses.size() > kClausesTried) {
    for (const Clause& clause : clauses) ordered.push_back(clause.predicate);
    return ordered;
  }
  while (!clauses.empty()) {
    size_t first = 0;
    double least = CostWithFirst(clauses, 0, rows);
    for (size_t i = 1; i < clauses.size(); ++i) {
      const double cost = CostWithFirst(clauses, i, rows);
      if (cost >= least) continue;
      least = cost;
      first = i;
    }
    ordered.push_back(clauses[first].predicate);
    rows *= clauses[first].left;
    clauses.erase(clauses.begin() + static_cast<ptrdiff_t>(first));
  }
  return ordered;
}

// Whether a clause takes so little, or leaves so few rows for it, that it runs first unestimated.
// The complement of few rows is nearly all.
bool IsLookUp(const Clause& clause, double rows) {
  constexpr double kShareOfIds = 1.0 / 64;
  if (std::holds_alternative<planner::Not>(clause.predicate->node)) return false;
  if (clause.cost.whole <= kCostMin) return true;
  const auto* in = std::get_if<planner::IdIn>(&clause.predicate->node);
  return in != nullptr && static_cast<double>(in->ids.size()) <= rows * kShareOfIds;
}

// Clauses that read no document. They stay as they are where it does not matter, or the part knows
// nothing of its values.
Result<std::vector<const Predicate*>> OrderColumns(runtime::Context& ctx, const Part& part,
                                                   std::vector<const Predicate*> predicates,
                                                   Rest rest, uint64_t candidates) {
  if (predicates.size() < 2) return predicates;
  const auto rows = static_cast<double>(candidates);
  std::vector<Clause> clauses;
  double all = 0;
  for (const Predicate* predicate : predicates) {
    clauses.push_back({predicate, Coster{part}.Of(*predicate), 1});
    all += clauses.back().cost.Of(rows);
  }
  if (all < kCostMin) return predicates;
  const auto is_look_up = [&](const Clause& clause) { return IsLookUp(clause, rows); };
  if (rest == Rest::kMatching && std::any_of(clauses.begin(), clauses.end(), is_look_up)) {
    // What they leave is next to nothing, as a rule.
    std::stable_partition(clauses.begin(), clauses.end(), is_look_up);
    for (size_t i = 0; i < clauses.size(); ++i) predicates[i] = clauses[i].predicate;
    return predicates;
  }
  Estimator estimator(part);
  for (Clause& clause : clauses) {
    CHROMA_ASSIGN(const std::optional<double> share, estimator.KnownShare(ctx, *clause.predicate));
    if (!share) return predicates;
    clause.left = rest == Rest::kMatching ? *share : 1 - *share;
  }
  return CheapestOrder(std::move(clauses), rows);
}

// Clauses of a conjunction that read documents.
Result<std::vector<const Predicate*>> OrderTexts(runtime::Context& ctx, const Part& part,
                                                 std::vector<const Predicate*> predicates) {
  if (predicates.size() < 2) return predicates;
  std::vector<std::pair<double, const Predicate*>> ranked;
  Estimator estimator(part);
  for (const Predicate* predicate : predicates) {
    CHROMA_ASSIGN(const TextCost cost, estimator.CostOfText(ctx, *predicate));
    ranked.emplace_back(cost.documents_read / std::max(1 - cost.share, kShareMin), predicate);
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (size_t i = 0; i < ranked.size(); ++i) predicates[i] = ranked[i].second;
  return predicates;
}

Result<std::vector<const Predicate*>> InOrder(runtime::Context& ctx, const Part& part,
                                              const std::vector<Predicate>& children, Rest rest,
                                              uint64_t candidates) {
  std::vector<const Predicate*> columns;
  std::vector<const Predicate*> texts;
  for (const Predicate& child : children) {
    (planner::ReadsText(child) ? texts : columns).push_back(&child);
  }
  CHROMA_ASSIGN(std::vector<const Predicate*> ordered,
                OrderColumns(ctx, part, std::move(columns), rest, candidates));
  // Of a disjunction each child reads what it has to, whatever others do.
  if (rest == Rest::kMatching) {
    CHROMA_ASSIGN(texts, OrderTexts(ctx, part, std::move(texts)));
  }
  ordered.insert(ordered.end(), texts.begin(), texts.end());
  return ordered;
}

}  // namespace

Result<std::vector<const Predicate*>> InOrderOfCost(runtime::Context& ctx,
                                                    const planner::AllOf& all, const Part& part,
                                                    uint64_t candidates) {
  return InOrder(ctx, part, all.children, Rest::kMatching, candidates);
}

Result<std::vector<const Predicate*>> InOrderOfCost(runtime::Context& ctx,
                                                    const planner::AnyOf& any, const Part& part,
                                                    uint64_t candidates) {
  return InOrder(ctx, part, any.children, Rest::kOthers, candidates);
}

}  // namespace chroma::executor
