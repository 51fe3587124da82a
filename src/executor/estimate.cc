#include "executor/estimate.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "index/text/text_query.h"
#include "index/text/text_terms.h"
#include "model/compare.h"

namespace chroma::executor {
namespace {

using segment::Part;

constexpr uint64_t kSampleRows = 512;

// The probability that each row of the sample matches.
using Chances = std::vector<double>;

struct Sampler {
  runtime::Context& ctx;
  const Part& part;
  const std::vector<model::Metadata>& sample;  // empty where no metadata is looked at

  Chances Each(double chance) const {
    return Chances(std::max<size_t>(sample.size(), 1), std::min(chance, 1.0));
  }
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
    CHROMA_ASSIGN(const std::optional<uint64_t> rows,
                  part.EstimateText(query, [this] { return ctx.Check(); }));
    return Share(rows.value_or(part.rows()));
  }
  Result<Chances> operator()(const planner::DocumentContains& contains) const {
    return Text(index::TextQuery::Substring(contains.needle));
  }
  Result<Chances> operator()(const planner::DocumentMatches& matches) const {
    return Text(matches.regex->query());
  }
  Result<Chances> operator()(const planner::DocumentHasPhrase& has) const {
    return Text(has.phrase->query());
  }
};

bool LooksAtMetadata(const planner::Predicate& predicate) {
  const auto any = [](const std::vector<planner::Predicate>& children) {
    return std::any_of(children.begin(), children.end(), LooksAtMetadata);
  };
  if (const auto* all = std::get_if<planner::AllOf>(&predicate.node)) return any(all->children);
  if (const auto* some = std::get_if<planner::AnyOf>(&predicate.node)) return any(some->children);
  if (const auto* negation = std::get_if<planner::Not>(&predicate.node)) {
    return LooksAtMetadata(*negation->child);
  }
  return std::holds_alternative<planner::HasMetadata>(predicate.node);
}

// The sum over the leaves that read documents of how many they read.
struct ReadCounter {
  runtime::Context& ctx;
  const Part& part;

  Result<double> Of(const planner::Predicate& predicate) const {
    return std::visit(*this, predicate.node);
  }
  Result<double> Sum(const std::vector<planner::Predicate>& children) const {
    double sum = 0;
    for (const planner::Predicate& child : children) {
      CHROMA_ASSIGN(const double of_child, Of(child));
      sum += of_child;
    }
    return sum;
  }
  // Looking an exact query up takes as long as reading a few documents.
  Result<double> Text(const index::TextQuery& query, bool exact) const {
    constexpr double kLookUp = 20;
    CHROMA_ASSIGN(const std::optional<uint64_t> rows,
                  part.EstimateText(query, [this] { return ctx.Check(); }));
    if (!rows) return static_cast<double>(part.rows());
    return exact ? kLookUp : kLookUp + static_cast<double>(*rows);
  }

  Result<double> operator()(const planner::AllOf& all) const { return Sum(all.children); }
  Result<double> operator()(const planner::AnyOf& any) const { return Sum(any.children); }
  Result<double> operator()(const planner::Not& negation) const { return Of(*negation.child); }
  Result<double> operator()(const planner::IdIn&) const { return 0.0; }
  Result<double> operator()(const planner::HasMetadata&) const { return 0.0; }
  Result<double> operator()(const planner::UriIn&) const { return 0.0; }
  Result<double> operator()(const planner::DocumentIn& in) const {
    return static_cast<double>(std::min<uint64_t>(in.documents.size(), part.rows()));
  }
  Result<double> operator()(const planner::DocumentContains& contains) const {
    return Text(index::TextQuery::Substring(contains.needle), IsOneRun(contains.needle));
  }
  Result<double> operator()(const planner::DocumentMatches& matches) const {
    return Text(matches.regex->query(), matches.regex->query_is_exact());
  }
  Result<double> operator()(const planner::DocumentHasPhrase& has) const {
    return Text(has.phrase->query(), has.phrase->query_is_exact());
  }

  // Such a needle is contained in no other documents than the index says.
  static bool IsOneRun(std::string_view needle) {
    index::TextRun run;
    return index::RunCutter(needle).Next(&run) && run.bytes.size() == needle.size();
  }
};

}  // namespace

Status Estimator::ReadSample() {
  if (sample_) return Status::Ok();
  const uint64_t count = std::min<uint64_t>(kSampleRows, part_.rows());
  std::vector<uint32_t> rows;
  // The middle of each of equal stretches: records of one kind often lie together.
  for (uint64_t i = 0; i < count; ++i) {
    rows.push_back(static_cast<uint32_t>((2 * i + 1) * part_.rows() / (2 * count)));
  }
  std::vector<model::Metadata> sample;
  CHROMA_TRY(part_.ReadMetadata(rows, &sample));
  sample_ = std::move(sample);
  return Status::Ok();
}

Result<double> Estimator::Share(runtime::Context& ctx, const planner::Predicate& predicate) {
  CHROMA_TRY(ctx.Check());
  if (part_.rows() == 0) return 0.0;
  const bool sampled = LooksAtMetadata(predicate);
  if (sampled) CHROMA_TRY(ReadSample());
  static const std::vector<model::Metadata> kNothing;
  CHROMA_ASSIGN(const Chances chances,
                (Sampler{ctx, part_, sampled ? *sample_ : kNothing}.Of(predicate)));
  return std::accumulate(chances.begin(), chances.end(), 0.0) / static_cast<double>(chances.size());
}

Result<double> Estimator::DocumentsRead(runtime::Context& ctx,
                                        const planner::Predicate& predicate) {
  CHROMA_TRY(ctx.Check());
  return ReadCounter{ctx, part_}.Of(predicate);
}

}  // namespace chroma::executor
