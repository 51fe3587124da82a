#include "testing/search_oracle.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <utility>

#include "index/text/bm25.h"
#include "model/metadata_order.h"

namespace chroma::testing {
namespace {

using model::RankOperator;

struct Scores {
  std::map<const OracleRecord*, float> support;
  std::optional<float> others;

  std::optional<float> Of(const OracleRecord* record) const {
    const auto found = support.find(record);
    return found == support.end() ? others : std::optional(found->second);
  }
};

Scores Constant(float value) {
  return {{}, value};
}

Scores Map(const Scores& of, const std::function<float(float)>& op) {
  Scores result;
  for (const auto& [record, score] : of.support) result.support[record] = op(score);
  if (of.others) result.others = op(*of.others);
  return result;
}

Scores Combine(const Scores& a, const Scores& b, const std::function<float(float, float)>& op) {
  Scores result;
  for (const Scores* side : {&a, &b}) {
    for (const auto& [record, score] : side->support) {
      const std::optional<float> left = a.Of(record);
      const std::optional<float> right = b.Of(record);
      if (!left || !right) continue;
      // A side with a default adds no record of its own to one without.
      const bool kept = (a.others || a.support.contains(record)) &&
                        (b.others || b.support.contains(record)) &&
                        (a.others.has_value() == b.others.has_value() ||
                         (a.others ? b : a).support.contains(record));
      if (kept) result.support[record] = op(*left, *right);
    }
  }
  if (a.others && b.others) result.others = op(*a.others, *b.others);
  return result;
}

class Evaluator {
 public:
  Evaluator(const Oracle& oracle, const model::Search& search, const std::vector<std::string>& bm25)
      : oracle_(oracle),
        bm25_(bm25),
        matching_(oracle.Select(nullptr, search.filter ? &*search.filter : nullptr, nullptr)) {}

  const std::vector<const OracleRecord*>& matching() const { return matching_; }
  bool is_free() const { return is_free_; }

  Scores Evaluate(const model::Rank& rank) {
    std::vector<Scores> stack;
    for (const model::RankNode& node : rank.nodes) {
      const std::vector<Scores> operands(stack.end() - node.operands, stack.end());
      stack.resize(stack.size() - node.operands);
      stack.push_back(Apply(rank, node, operands));
    }
    return stack.back();
  }

 private:
  Scores Apply(const model::Rank& rank, const model::RankNode& node,
               const std::vector<Scores>& operands) {
    const auto fold = [&](float start, const std::function<float(float, float)>& op) {
      Scores result = Constant(start);
      for (const Scores& operand : operands) result = Combine(result, operand, op);
      return result;
    };
    constexpr float kMax = std::numeric_limits<float>::max();
    switch (node.op) {
      case RankOperator::kKnn:
        return Nearest(rank.knns[node.knn]);
      case RankOperator::kValue:
        return Constant(node.value);
      case RankOperator::kSum:
        return fold(0, std::plus<float>());
      case RankOperator::kMultiply:
        return fold(1, std::multiplies<float>());
      case RankOperator::kMax:
        return fold(-kMax, [](float a, float b) { return std::fmax(a, b); });
      case RankOperator::kMin:
        return fold(kMax, [](float a, float b) { return std::fmin(a, b); });
      case RankOperator::kSubtract:
        return Combine(operands[0], operands[1], std::minus<float>());
      case RankOperator::kDivide:
        return Combine(operands[0], operands[1], std::divides<float>());
      case RankOperator::kAbs:
        return Map(operands[0], [](float a) { return std::fabs(a); });
      case RankOperator::kExp:
        return Map(operands[0], [](float a) { return std::exp(a); });
      case RankOperator::kLog:
        return Map(operands[0], [](float a) { return std::log(a); });
    }
    return {};
  }

  Scores Nearest(const model::Knn& knn) {
    std::vector<OracleHit> ranked =
        std::holds_alternative<std::vector<float>>(knn.query) ? RankDense(knn) : RankSparse(knn);
    std::stable_sort(ranked.begin(), ranked.end(),
                     [](const OracleHit& a, const OracleHit& b) { return a.score < b.score; });
    if (ranked.size() > knn.limit) {
      is_free_ |= knn.limit > 0 && ranked[knn.limit - 1].score == ranked[knn.limit].score;
      ranked.resize(knn.limit);
    }
    Scores scores;
    scores.others = knn.default_score;
    for (size_t i = 0; i < ranked.size(); ++i) {
      scores.support[ranked[i].record] = knn.return_rank ? static_cast<float>(i) : ranked[i].score;
    }
    return scores;
  }

  // In insertion order.
  std::vector<OracleHit> RankDense(const model::Knn& knn) const {
    std::map<std::string, float> distances;
    const auto& query = std::get<std::vector<float>>(knn.query);
    for (const OracleNeighbor& neighbor : oracle_.Rank(matching_, query.data())) {
      distances[neighbor.id] = static_cast<float>(neighbor.distance);
    }
    std::vector<OracleHit> ranked;
    for (const OracleRecord* record : matching_) ranked.push_back({record, distances[record->id]});
    return ranked;
  }

  static const model::SparseVector* SparseOf(const OracleRecord& record, const std::string& key) {
    const model::MetadataValue* value = record.metadata.Find(key);
    return value == nullptr ? nullptr : std::get_if<model::SparseVector>(value);
  }
  static std::optional<float> Weight(const model::SparseVector& vector, uint32_t index) {
    for (size_t i = 0; i < vector.indices.size(); ++i) {
      if (vector.indices[i] == index) return vector.values[i];
    }
    return std::nullopt;
  }

  float Rarity(const std::string& key, uint32_t index) const {
    double with = 0;
    for (const auto& [id, record] : oracle_.records()) {
      const model::SparseVector* vector = SparseOf(record, key);
      if (vector != nullptr && Weight(*vector, index)) ++with;
    }
    const auto all = static_cast<double>(oracle_.size());
    return static_cast<float>(std::log(1 + (all - with + 0.5) / (with + 0.5)));
  }

  std::vector<OracleHit> RankSparse(const model::Knn& knn) const {
    const bool scaled = std::find(bm25_.begin(), bm25_.end(), knn.key) != bm25_.end();
    const model::SparseVector query =
        knn.text() != nullptr ? index::Bm25().Embed(*knn.text()) : *knn.sparse();
    std::vector<double> scales;
    for (const uint32_t index : query.indices) {
      scales.push_back(scaled ? Rarity(knn.key, index) : 1);
    }
    std::vector<OracleHit> ranked;
    for (const OracleRecord* record : matching_) {
      const model::SparseVector* vector = SparseOf(*record, knn.key);
      if (vector == nullptr) continue;
      double dot = 0;
      bool shared = false;
      for (size_t i = 0; i < query.indices.size(); ++i) {
        const std::optional<float> weight = Weight(*vector, query.indices[i]);
        if (!weight) continue;
        shared = true;
        dot += scales[i] * query.values[i] * *weight;
      }
      if (shared) ranked.push_back({record, static_cast<float>(1 - dot)});
    }
    return ranked;
  }

  const Oracle& oracle_;
  const std::vector<std::string>& bm25_;
  const std::vector<const OracleRecord*> matching_;
  bool is_free_ = false;
};

bool Before(const OracleHit& a, const OracleHit& b) {
  const auto order = model::CompareTotally(a.score, b.score);
  return order != 0 ? order < 0 : a.record->order < b.record->order;
}

// An integer in the total order of floats.
int64_t OrderedBits(float score) {
  const auto bits = std::bit_cast<int32_t>(score);
  return bits < 0 ? int64_t{INT32_MIN} - bits - 1 : int64_t{bits};
}

std::vector<model::MetadataValue> Values(const OracleHit& hit,
                                         const std::vector<std::string>& keys) {
  std::vector<model::MetadataValue> values;
  for (const std::string& key : keys) {
    const model::MetadataValue* value = hit.record->metadata.Find(key);
    values.push_back(value == nullptr ? model::MetadataValue() : *value);
    if (key == model::kScoreKey) values.back() = OrderedBits(hit.score);
  }
  return values;
}

std::weak_ordering Compare(const std::vector<model::MetadataValue>& a,
                           const std::vector<model::MetadataValue>& b) {
  return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end(),
                                                model::CompareValues);
}

// `hits` are best first.
std::vector<OracleHit> Group(const std::vector<OracleHit>& hits, const model::GroupBy& group_by) {
  const model::Aggregate& aggregate = *group_by.aggregate;
  std::vector<std::vector<OracleHit>> groups;
  for (const OracleHit& hit : hits) {
    auto group = std::find_if(groups.begin(), groups.end(), [&](const auto& members) {
      return Compare(Values(members[0], group_by.keys), Values(hit, group_by.keys)) == 0;
    });
    if (group == groups.end()) group = groups.insert(group, std::vector<OracleHit>());
    group->push_back(hit);
  }
  std::vector<OracleHit> kept;
  for (std::vector<OracleHit>& group : groups) {
    std::stable_sort(group.begin(), group.end(), [&](const OracleHit& a, const OracleHit& b) {
      const auto order = Compare(Values(a, aggregate.keys), Values(b, aggregate.keys));
      return aggregate.largest ? order > 0 : order < 0;
    });
    if (group.size() > aggregate.k) group.resize(aggregate.k);
    kept.insert(kept.end(), group.begin(), group.end());
  }
  std::sort(kept.begin(), kept.end(), Before);
  return kept;
}

}  // namespace

OracleSearch RunSearch(const Oracle& oracle, const model::Search& search,
                       const std::vector<std::string>& bm25) {
  Evaluator evaluator(oracle, search, bm25);
  std::vector<OracleHit> hits;
  if (search.rank) {
    for (const auto& [record, score] : evaluator.Evaluate(*search.rank).support) {
      const bool is_number = !std::isnan(score);
      hits.push_back({record, is_number ? score : std::numeric_limits<float>::quiet_NaN()});
    }
    std::sort(hits.begin(), hits.end(), Before);
    if (search.group_by.aggregate) hits = Group(hits, search.group_by);
  } else {
    for (const OracleRecord* record : evaluator.matching()) hits.push_back({record, 0});
  }
  const size_t begin = std::min<size_t>(search.offset, hits.size());
  const size_t n = std::min<size_t>(search.limit.value_or(UINT32_MAX), hits.size() - begin);
  hits = {hits.begin() + static_cast<ptrdiff_t>(begin),
          hits.begin() + static_cast<ptrdiff_t>(begin + n)};
  for (size_t i = 0; i < hits.size() && !search.rank; ++i) hits[i].score = static_cast<float>(i);
  return {std::move(hits), evaluator.is_free()};
}

}  // namespace chroma::testing
