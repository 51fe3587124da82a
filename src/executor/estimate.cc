#include "executor/estimate.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "index/text/text_query.h"
#include "model/compare.h"

namespace chroma::executor {
namespace {

using segment::Part;

constexpr uint64_t kSampleRows = 512;

// The probability that each row of the sample matches.
using Chances = std::vector<double>;

struct Sampler {
  const Part& part;
  const std::vector<model::Metadata>& sample;

  Chances Each(double chance) const { return Chances(sample.size(), std::min(chance, 1.0)); }
  Chances Share(uint64_t rows) const {
    return Each(static_cast<double>(rows) / static_cast<double>(part.rows()));
  }

  Result<Chances> Of(const planner::Predicate& predicate) const {
    return std::visit(*this, predicate.node);
  }

  Result<Chances> operator()(const planner::AllOf& all) const {
    Chances chances = Each(1);
    for (const planner::Predicate& child : all.children) {
      CHROMA_ASSIGN(const Chances of_child, Of(child));
      for (size_t i = 0; i < chances.size(); ++i) chances[i] *= of_child[i];
    }
    return chances;
  }

  Result<Chances> operator()(const planner::AnyOf& any) const {
    Chances missed = Each(1);
    for (const planner::Predicate& child : any.children) {
      CHROMA_ASSIGN(const Chances of_child, Of(child));
      for (size_t i = 0; i < missed.size(); ++i) missed[i] *= 1 - of_child[i];
    }
    for (double& chance : missed) chance = 1 - chance;
    return missed;
  }

  Result<Chances> operator()(const planner::Not& negation) const {
    CHROMA_ASSIGN(Chances chances, Of(*negation.child));
    for (double& chance : chances) chance = 1 - chance;
    return chances;
  }

  Result<Chances> operator()(const planner::HasMetadata& has) const {
    const model::PredicateMatcher matcher(has.predicate);
    Chances chances;
    for (const model::Metadata& metadata : sample) {
      chances.push_back(matcher.Matches(metadata.Find(matcher.key())) ? 1 : 0);
    }
    return chances;
  }

  Result<Chances> operator()(const planner::IdIn& in) const { return Share(in.ids.size()); }
  Result<Chances> operator()(const planner::UriIn& in) const { return Share(in.uris.size()); }
  Result<Chances> operator()(const planner::DocumentIn& in) const {
    return Share(in.documents.size());
  }

  Result<Chances> Text(const index::TextQuery& query) const {
    CHROMA_ASSIGN(const std::optional<uint64_t> rows, part.EstimateText(query));
    return Share(rows.value_or(part.rows()));
  }
  Result<Chances> operator()(const planner::DocumentContains& contains) const {
    return Text(index::TextQuery::Substring(contains.needle));
  }
  Result<Chances> operator()(const planner::DocumentMatches& matches) const {
    return Text(matches.regex->query());
  }
};

}  // namespace

Result<double> EstimateRows(runtime::Context& ctx, const planner::Predicate& predicate,
                            const Part& part) {
  CHROMA_TRY(ctx.Check());
  if (part.rows() == 0) return 0.0;
  const uint64_t count = std::min<uint64_t>(kSampleRows, part.rows());
  std::vector<uint32_t> rows;
  // The middle of each of equal stretches: records of one kind often lie together.
  for (uint64_t i = 0; i < count; ++i) {
    rows.push_back(static_cast<uint32_t>((2 * i + 1) * part.rows() / (2 * count)));
  }
  std::vector<model::Metadata> sample;
  CHROMA_TRY(part.ReadMetadata(rows, &sample));
  CHROMA_ASSIGN(const Chances chances, (Sampler{part, sample}.Of(predicate)));
  return std::accumulate(chances.begin(), chances.end(), 0.0) / static_cast<double>(count) *
         part.rows();
}

}  // namespace chroma::executor
