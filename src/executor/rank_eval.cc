// A rank is a program of a stack machine (planner/plan.h). Each operand is a score of some of the
// candidates, its support, and perhaps a default for all other records. The machine runs it for a
// block of candidates at a time: what it needs depends on the depth of the stack, not on how many
// candidates there are.
//
// Where an operand has a default, candidates outside of its support hold that value. So an operator
// computes every candidate alike, and what it makes of the defaults is in place at once.
#include "executor/rank_eval.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <span>

#include "model/metadata_order.h"

namespace chroma::executor {
namespace {

using planner::RankStep;
using Op = RankStep::Op;

uint64_t KeyOf(const Neighbor& row) {
  return uint64_t{row.part} << 32 | row.row;
}

// What one knn found, by record.
struct Found {
  uint64_t key;
  float distance;
  float position;
};

std::vector<Found> ByRecord(const std::vector<Neighbor>& nearest) {
  std::vector<Found> found;
  found.reserve(nearest.size());
  for (size_t i = 0; i < nearest.size(); ++i) {
    found.push_back({KeyOf(nearest[i]), nearest[i].distance, static_cast<float>(i)});
  }
  std::sort(found.begin(), found.end(),
            [](const Found& a, const Found& b) { return a.key < b.key; });
  return found;
}

// Every record that some knn found, once, by record.
std::vector<Neighbor> AllFound(const std::vector<std::vector<Neighbor>>& found) {
  std::vector<Neighbor> rows;
  for (const std::vector<Neighbor>& one : found) rows.insert(rows.end(), one.begin(), one.end());
  std::sort(rows.begin(), rows.end(),
            [](const Neighbor& a, const Neighbor& b) { return KeyOf(a) < KeyOf(b); });
  const auto same = [](const Neighbor& a, const Neighbor& b) { return KeyOf(a) == KeyOf(b); };
  rows.erase(std::unique(rows.begin(), rows.end(), same), rows.end());
  return rows;
}

float Apply(Op op, float a, float b) {
  switch (op) {
    case Op::kAdd:
      return a + b;
    case Op::kSubtract:
      return a - b;
    case Op::kMultiply:
      return a * b;
    case Op::kDivide:
      return a / b;
    case Op::kMax:
      return std::fmax(a, b);
    case Op::kMin:
      return std::fmin(a, b);
    case Op::kAbs:
      return std::fabs(a);
    case Op::kExp:
      return std::exp(a);
    case Op::kLog:
      return std::log(a);
    case Op::kKnn:
    case Op::kConstant:
      break;
  }
  return a;
}

class Machine {
 public:
  static constexpr size_t kBlock = 1024;

  Machine(const planner::SearchPlan& plan, const std::vector<std::vector<Found>>& found)
      : plan_(plan), found_(found), stack_(plan.stack_depth) {}

  // The scores of the candidates, and whether they have one; at most kBlock.
  void Run(std::span<const Neighbor> candidates) {
    depth_ = 0;
    for (const RankStep& step : plan_.rank) {
      switch (step.op) {
        case Op::kKnn:
          PushKnn(step, candidates);
          break;
        case Op::kConstant:
          Push(step.default_score);
          break;
        case Op::kAbs:
        case Op::kExp:
        case Op::kLog:
          Unary(step.op, candidates.size());
          break;
        default:
          Binary(step.op, candidates.size());
      }
    }
  }
  bool HasScore(size_t i) const { return stack_[0].support[i]; }
  float Score(size_t i) const { return stack_[0].values[i]; }

 private:
  struct Operand {
    std::vector<float> values = std::vector<float>(kBlock);
    std::vector<uint8_t> support = std::vector<uint8_t>(kBlock);  // 0 or 1
    std::optional<float> default_score;
  };

  Operand& Push(std::optional<float> default_score) {
    Operand& operand = stack_[depth_++];
    operand.default_score = default_score;
    std::fill(operand.values.begin(), operand.values.end(), default_score.value_or(0));
    std::fill(operand.support.begin(), operand.support.end(), uint8_t{0});
    return operand;
  }

  void PushKnn(const RankStep& step, std::span<const Neighbor> candidates) {
    Operand& operand = Push(step.default_score);
    const std::vector<Found>& found = found_[step.knn];
    auto at = std::lower_bound(found.begin(), found.end(), KeyOf(candidates.front()),
                               [](const Found& one, uint64_t key) { return one.key < key; });
    // Every record that a knn found is a candidate.
    for (size_t i = 0; i < candidates.size() && at != found.end(); ++i) {
      if (at->key != KeyOf(candidates[i])) continue;
      operand.values[i] = step.positions ? at->position : at->distance;
      operand.support[i] = 1;
      ++at;
    }
  }

  void Unary(Op op, size_t n) {
    Operand& operand = stack_[depth_ - 1];
    for (size_t i = 0; i < n; ++i) operand.values[i] = Apply(op, operand.values[i], 0);
    if (operand.default_score) operand.default_score = Apply(op, *operand.default_score, 0);
  }

  void Binary(Op op, size_t n) {
    Operand& left = stack_[depth_ - 2];
    const Operand& right = stack_[depth_ - 1];
    for (size_t i = 0; i < n; ++i) left.values[i] = Apply(op, left.values[i], right.values[i]);
    if (left.default_score && right.default_score) {
      for (size_t i = 0; i < n; ++i) left.support[i] |= right.support[i];
      left.default_score = Apply(op, *left.default_score, *right.default_score);
    } else if (left.default_score) {
      left.support = right.support;
      left.default_score.reset();
    } else if (!right.default_score) {
      for (size_t i = 0; i < n; ++i) left.support[i] &= right.support[i];
    }
    --depth_;
  }

  const planner::SearchPlan& plan_;
  const std::vector<std::vector<Found>>& found_;
  std::vector<Operand> stack_;
  size_t depth_ = 0;
};

}  // namespace

Result<std::vector<Neighbor>> EvaluateRank(runtime::Context& ctx, const planner::SearchPlan& plan,
                                           const std::vector<std::vector<Neighbor>>& found) {
  std::vector<Neighbor> rows = AllFound(found);
  std::vector<std::vector<Found>> by_record;
  by_record.reserve(found.size());
  for (const std::vector<Neighbor>& one : found) by_record.push_back(ByRecord(one));
  Machine machine(plan, by_record);
  size_t kept = 0;
  for (size_t begin = 0; begin < rows.size(); begin += Machine::kBlock) {
    CHROMA_TRY(ctx.Check());
    const size_t n = std::min(Machine::kBlock, rows.size() - begin);
    machine.Run({rows.data() + begin, n});
    for (size_t i = 0; i < n; ++i) {
      if (!machine.HasScore(i)) continue;
      const float score = machine.Score(i);
      rows[begin + i].distance =
          std::isnan(score) ? std::numeric_limits<float>::quiet_NaN() : score;
      rows[kept++] = rows[begin + i];
    }
  }
  rows.resize(kept);
  return rows;
}

bool ScoresBefore(const Neighbor& a, const Neighbor& b) {
  const auto order = model::CompareTotally(a.distance, b.distance);
  return order != 0 ? order < 0 : a.order < b.order;
}

void KeepBest(uint64_t wanted, std::vector<Neighbor>* rows) {
  if (wanted >= rows->size()) {
    std::sort(rows->begin(), rows->end(), ScoresBefore);
    return;
  }
  const auto end = rows->begin() + static_cast<ptrdiff_t>(wanted);
  std::partial_sort(rows->begin(), end, rows->end(), ScoresBefore);
  rows->resize(wanted);
}

}  // namespace chroma::executor
