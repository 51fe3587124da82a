#include "api/rank.h"

#include <cmath>
#include <utility>

#include "base/json_reader.h"
#include "model/filter.h"
#include "model/search_json.h"

namespace chroma {
namespace {

using api::RankAccess;
using model::RankOperator;

// a op b; a chain of one operator is one list.
Rank Combine(Rank a, const Rank& b, RankOperator op, bool is_list) {
  if (b.empty()) return a;
  if (a.empty()) return b;
  const model::Rank& right = *RankAccess::Get(b);
  model::Rank& left = *RankAccess::Get(a);
  uint32_t operands = 1;
  if (is_list && left.nodes.back().op == op) {
    operands = left.nodes.back().operands;
    left.nodes.pop_back();
  }
  left.Append(right);
  left.AddOperator(op, operands + 1);
  return a;
}

Rank Apply(Rank a, RankOperator op) {
  if (a.empty()) return a;
  RankAccess::Get(a)->AddOperator(op, 1);
  return a;
}

}  // namespace

Rank::Rank() = default;
Rank::Rank(double value) : rank_(std::make_unique<model::Rank>()) {
  rank_->AddValue(static_cast<float>(value));
}
Rank::Rank(const Rank& other)
    : rank_(other.empty() ? nullptr : std::make_unique<model::Rank>(*other.rank_)) {}
Rank::Rank(Rank&& other) noexcept = default;
Rank& Rank::operator=(const Rank& other) {
  return *this = Rank(other);
}
Rank& Rank::operator=(Rank&& other) noexcept = default;
Rank::~Rank() = default;

Result<Rank> Rank::FromJson(std::string_view json) {
  JsonReader reader(json);
  model::Rank rank = model::DecodeRank(reader);
  reader.Finish();
  if (!reader.ok()) return Status::InvalidArgument("rank: " + reader.error().message);
  return RankAccess::Make(std::move(rank));
}

Result<SearchOptions> SearchOptions::FromJson(std::string_view json) {
  JsonReader reader(json);
  model::Search search = model::DecodeSearch(reader);
  reader.Finish();
  if (!reader.ok()) return Status::InvalidArgument("search: " + reader.error().message);
  SearchOptions options;
  if (search.filter) {
    CHROMA_ASSIGN(options.where, Filter::FromJson(chroma::ToJson(WhereToJson(*search.filter))));
  }
  if (search.rank) options.rank = RankAccess::Make(*std::move(search.rank));
  options.group_by.keys = std::move(search.group_by.keys);
  if (search.group_by.aggregate) {
    options.group_by.by = std::move(search.group_by.aggregate->keys);
    options.group_by.k = search.group_by.aggregate->k;
    options.group_by.largest = search.group_by.aggregate->largest;
  }
  options.limit = search.limit;
  options.offset = search.offset;
  options.select = search.select.Keys();
  return options;
}

std::string Rank::ToJson() const {
  return empty() ? std::string() : model::RankToJson(*rank_);
}

Rank operator+(Rank a, const Rank& b) {
  return Combine(std::move(a), b, RankOperator::kSum, /*is_list=*/true);
}
Rank operator-(Rank a, const Rank& b) {
  return Combine(std::move(a), b, RankOperator::kSubtract, /*is_list=*/false);
}
Rank operator*(Rank a, const Rank& b) {
  return Combine(std::move(a), b, RankOperator::kMultiply, /*is_list=*/true);
}
Rank operator/(Rank a, const Rank& b) {
  return Combine(std::move(a), b, RankOperator::kDivide, /*is_list=*/false);
}
Rank operator-(Rank a) {
  return a.empty() ? a : Rank(-1) * a;
}
Rank Max(Rank a, const Rank& b) {
  return Combine(std::move(a), b, RankOperator::kMax, /*is_list=*/true);
}
Rank Min(Rank a, const Rank& b) {
  return Combine(std::move(a), b, RankOperator::kMin, /*is_list=*/true);
}
Rank Abs(Rank a) {
  return Apply(std::move(a), RankOperator::kAbs);
}
Rank Exp(Rank a) {
  return Apply(std::move(a), RankOperator::kExp);
}
Rank Log(Rank a) {
  return Apply(std::move(a), RankOperator::kLog);
}

Rank Knn(KnnOptions options) {
  model::Rank rank;
  rank.AddKnn({std::move(options.query), std::string(model::kEmbeddingKey), options.limit,
               options.default_score, options.return_rank});
  return RankAccess::Make(std::move(rank));
}

Rank SparseKnn(SparseKnnOptions options) {
  SparseVector& query = options.query;
  model::Rank rank;
  if (!options.text.empty()) {
    rank.AddKnn({std::move(options.text), std::move(options.key), options.limit,
                 options.default_score, options.return_rank});
    return RankAccess::Make(std::move(rank));
  }
  rank.AddKnn({model::SparseVector{std::move(query.indices), std::move(query.values),
                                   std::move(query.tokens)},
               std::move(options.key), options.limit, options.default_score, options.return_rank});
  return RankAccess::Make(std::move(rank));
}

Result<Rank> Rrf(const std::vector<Rank>& ranks, const RrfOptions& options) {
  if (ranks.empty()) return Status::InvalidArgument("Rrf needs at least one rank");
  if (!options.weights.empty() && options.weights.size() != ranks.size()) {
    return Status::InvalidArgument("Rrf was given " + std::to_string(options.weights.size()) +
                                   " weights for " + std::to_string(ranks.size()) + " ranks");
  }
  double sum = options.weights.empty() ? static_cast<double>(ranks.size()) : 0;
  for (const double weight : options.weights) {
    if (!(weight >= 0)) return Status::InvalidArgument("Rrf needs weights that are not negative");
    sum += weight;
  }
  if (!(options.k > 0)) return Status::InvalidArgument("Rrf needs a k above 0");
  if (options.normalize && !(sum > 0 && std::isfinite(sum))) {
    return Status::InvalidArgument("Rrf cannot normalize weights with a sum of 0");
  }
  Rank fused;
  for (size_t i = 0; i < ranks.size(); ++i) {
    if (ranks[i].empty()) return Status::InvalidArgument("Rrf was given an empty rank");
    const double weight = options.weights.empty() ? 1 : options.weights[i];
    const Rank place = Rank(options.k) + ranks[i];
    fused = std::move(fused) + Rank(options.normalize ? weight / sum : weight) / place;
  }
  return -std::move(fused);
}

}  // namespace chroma
