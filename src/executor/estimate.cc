#include "executor/estimate.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <vector>

#include "executor/match_rows.h"
#include "index/text/text_query.h"
#include "index/text/text_terms.h"

namespace chroma::executor {

// How many rows the index says a leaf on documents has, asked for once. One task at a time.
struct TextCounter {
  runtime::Context& ctx;
  const segment::Part& part;
  const index::Counting counting;
  std::map<const void*, std::optional<uint64_t>> known;  // by leaf

  // None: no index knows.
  Result<std::optional<uint64_t>> Rows(const void* leaf, const index::TextQuery& query) {
    const auto at = known.find(leaf);
    if (at != known.end()) return at->second;
    CHROMA_ASSIGN(std::optional<uint64_t> rows,
                  part.EstimateText(
                      query, [this] { return ctx.Check(); }, counting));
    if (rows && counting == index::Counting::kFoundTerms && query.ReadsAllTerms()) {
      rows = std::min<uint64_t>(*rows, part.rows() / 2);  // it may be any share
    }
    known.emplace(leaf, rows);
    return rows;
  }
};

namespace {

using segment::Part;

constexpr uint64_t kSampleRows = 512;

// The probability that each row of the sample matches; without a sample, that any row does.
using Chances = std::vector<double>;

// What the part's statistics say of a leaf, and what the sample does. Their sum is that of the
// statistics, and rows go together as they do in the sample where it has seen enough of them.
Chances Reconcile(double share, const std::vector<uint8_t>& matches) {
  constexpr double kEnough = 4;  // rows of the sample, of which half is made of each
  const auto n = static_cast<double>(matches.size());
  const double hits = std::accumulate(matches.begin(), matches.end(), 0.0);
  const double seen = std::min(hits, n - hits);
  const double trust = seen / (seen + kEnough);
  const double sampled = hits / n;
  const double of_hit = std::min(1.0, share / std::max(sampled, 1 / n));
  const double of_miss = std::max(0.0, (share - sampled) / std::max(1 - sampled, 1 / n));
  Chances chances;
  for (const uint8_t match : matches) {
    chances.push_back(trust * (match != 0 ? of_hit : of_miss) + (1 - trust) * share);
  }
  return chances;
}

struct Sampler {
  runtime::Context& ctx;
  const Part& part;
  TextCounter& texts;
  const Bitmap* sample;  // null: leaves are taken as independent
  bool every_row;        // of the part, or nearly, are candidates
  bool* unknown;         // becomes true where a leaf needs a sample and there is none

  Chances Each(double chance) const {
    return Chances(sample == nullptr ? 1 : sample->Count(), std::min(chance, 1.0));
  }
  Chances Share(double rows) const { return Each(rows / static_cast<double>(part.rows())); }

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
    return OfColumn(part.EstimateMatch(has.predicate),
                    [&] { return MatchRows(part, has.predicate, *sample); });
  }
  Result<Chances> operator()(const planner::MetadataHasText& has) const {
    return OfColumn(part.EstimateMatchText(ctx, has.key, *has.pattern),
                    [&] { return MatchTextRows(ctx, part, has.key, *has.pattern, *sample); });
  }

  // By how many rows the statistics know of, and those of the sample that match().
  template <typename Match>
  Result<Chances> OfColumn(const Result<std::optional<double>>& rows, Match match) const {
    const bool known = rows.ok() && rows->has_value();
    if (sample == nullptr) {
      if (!known) *unknown = true;
      return Share(known ? **rows : 0);
    }
    CHROMA_ASSIGN(const Bitmap matching, match());
    std::vector<uint8_t> matches;
    sample->ForEach([&](uint32_t row) {
      matches.push_back(matching.Contains(row) ? 1 : 0);
      return true;
    });
    const double share = known ? **rows / static_cast<double>(part.rows()) : 0;
    if (known && Agree(share, matching.Count())) return Reconcile(share, matches);
    return Chances(matches.begin(), matches.end());
  }

  // Whether `share` is that of the candidates, too, by what the sample of them has: within two
  // standard deviations.
  bool Agree(double share, uint64_t hits) const {
    const auto n = static_cast<double>(sample->Count());
    if (n < kSampleRows) return false;  // these are all candidates
    if (every_row) return true;
    const double off = std::abs(static_cast<double>(hits) - share * n);
    return off <= 2 * std::sqrt(n * share * (1 - share)) + 2;
  }

  Result<Chances> operator()(const planner::IdIn& in) const { return ShareOf(in.ids); }
  Result<Chances> operator()(const planner::UriIn& in) const { return ShareOf(in.uris); }
  Result<Chances> operator()(const planner::DocumentIn& in) const { return ShareOf(in.documents); }
  Chances ShareOf(const std::vector<std::string>& values) const {
    return Share(static_cast<double>(values.size()));
  }

  Result<Chances> Text(const void* leaf, const index::TextQuery& query) const {
    CHROMA_ASSIGN(const std::optional<uint64_t> rows, texts.Rows(leaf, query));
    return Share(static_cast<double>(rows.value_or(part.rows())));
  }
  Result<Chances> operator()(const planner::DocumentContains& contains) const {
    return Text(&contains, index::TextQuery::Substring(contains.needle));
  }
  Result<Chances> operator()(const planner::DocumentMatches& matches) const {
    return Text(&matches, matches.regex->query());
  }
  Result<Chances> operator()(const planner::DocumentHasPhrase& has) const {
    return Text(&has, has.phrase->query());
  }
};

// How many leaves look at metadata.
size_t MetadataLeaves(const planner::Predicate& predicate) {
  const auto sum = [](const std::vector<planner::Predicate>& children) {
    size_t leaves = 0;
    for (const planner::Predicate& child : children) leaves += MetadataLeaves(child);
    return leaves;
  };
  if (const auto* all = std::get_if<planner::AllOf>(&predicate.node)) return sum(all->children);
  if (const auto* some = std::get_if<planner::AnyOf>(&predicate.node)) return sum(some->children);
  if (const auto* negation = std::get_if<planner::Not>(&predicate.node)) {
    return MetadataLeaves(*negation->child);
  }
  const bool metadata = std::holds_alternative<planner::HasMetadata>(predicate.node) ||
                        std::holds_alternative<planner::MetadataHasText>(predicate.node);
  return metadata ? 1 : 0;
}

// The sum over the leaves that read documents of how many they read.
struct ReadCounter {
  const Part& part;
  TextCounter& texts;

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
  // Looking a query up takes as long as reading a few documents, or many where it is looked for in
  // all terms.
  Result<double> Text(const void* leaf, const index::TextQuery& query, bool exact) const {
    constexpr double kLookUp = 20;
    constexpr double kShareOfAllTerms = 1.0 / 16;
    CHROMA_ASSIGN(const std::optional<uint64_t> rows, texts.Rows(leaf, query));
    if (!rows) return static_cast<double>(part.rows());
    const double look_up =
        query.ReadsAllTerms() ? kLookUp + kShareOfAllTerms * part.rows() : kLookUp;
    return exact ? look_up : look_up + static_cast<double>(*rows);
  }

  Result<double> operator()(const planner::AllOf& all) const { return Sum(all.children); }
  Result<double> operator()(const planner::AnyOf& any) const { return Sum(any.children); }
  Result<double> operator()(const planner::Not& negation) const { return Of(*negation.child); }
  Result<double> operator()(const planner::IdIn&) const { return 0.0; }
  Result<double> operator()(const planner::HasMetadata&) const { return 0.0; }
  Result<double> operator()(const planner::MetadataHasText&) const { return 0.0; }
  Result<double> operator()(const planner::UriIn&) const { return 0.0; }
  Result<double> operator()(const planner::DocumentIn& in) const {
    return static_cast<double>(std::min<uint64_t>(in.documents.size(), part.rows()));
  }
  Result<double> operator()(const planner::DocumentContains& contains) const {
    return Text(&contains, index::TextQuery::Substring(contains.needle), IsOneRun(contains.needle));
  }
  Result<double> operator()(const planner::DocumentMatches& matches) const {
    return Text(&matches, matches.regex->query(), matches.regex->query_is_exact());
  }
  Result<double> operator()(const planner::DocumentHasPhrase& has) const {
    return Text(&has, has.phrase->query(), has.phrase->query_is_exact());
  }

  // Such a needle is contained in no other documents than the index says.
  static bool IsOneRun(std::string_view needle) {
    index::TextRun run;
    return index::RunCutter(needle).Next(&run) && run.bytes.size() == needle.size();
  }
};

}  // namespace

Estimator::Estimator(const Part& part, const Bitmap* candidates)
    : part_(part), candidates_(candidates) {
  constexpr double kNearlyAll = .99;
  const double nearly_all = kNearlyAll * part.rows();
  every_row_ = candidates == nullptr || static_cast<double>(candidates->Count()) >= nearly_all;
}

const Bitmap& Estimator::Sample() {
  if (sample_) return *sample_;
  sample_.emplace();
  const uint64_t all = candidates_ == nullptr ? part_.rows() : candidates_->Count();
  const uint64_t count = std::min<uint64_t>(kSampleRows, all);
  // The middle of each of equal stretches: records of one kind often lie together.
  for (uint64_t i = 0; i < count; ++i) {
    const auto middle = static_cast<uint32_t>((2 * i + 1) * all / (2 * count));
    sample_->Add(candidates_ == nullptr ? middle : candidates_->Nth(middle));
  }
  return *sample_;
}

Result<double> Estimator::Share(runtime::Context& ctx, const planner::Predicate& predicate) {
  TextCounter texts{ctx, part_, index::Counting::kAllTerms, {}};
  return ShareOf(ctx, predicate, &texts);
}

Result<double> Estimator::ShareOf(runtime::Context& ctx, const planner::Predicate& predicate,
                                  TextCounter* texts) {
  CHROMA_TRY(ctx.Check());
  const size_t leaves = MetadataLeaves(predicate);
  if (every_row_ && leaves <= 1) {
    CHROMA_ASSIGN(const std::optional<double> share, KnownShareOf(ctx, predicate, texts));
    if (share) return *share;
  }
  if (part_.rows() == 0 || (candidates_ != nullptr && candidates_->Empty())) return 0.0;
  bool unknown = false;
  CHROMA_ASSIGN(
      const Chances chances,
      (Sampler{ctx, part_, *texts, leaves > 0 ? &Sample() : nullptr, every_row_, &unknown}.Of(
          predicate)));
  return std::accumulate(chances.begin(), chances.end(), 0.0) / static_cast<double>(chances.size());
}

Result<std::optional<double>> Estimator::KnownShare(runtime::Context& ctx,
                                                    const planner::Predicate& predicate) const {
  TextCounter texts{ctx, part_, index::Counting::kAllTerms, {}};
  return KnownShareOf(ctx, predicate, &texts);
}

Result<std::optional<double>> Estimator::KnownShareOf(runtime::Context& ctx,
                                                      const planner::Predicate& predicate,
                                                      TextCounter* texts) const {
  CHROMA_TRY(ctx.Check());
  if (part_.rows() == 0) return std::optional(0.0);
  bool unknown = false;
  CHROMA_ASSIGN(const Chances chances,
                (Sampler{ctx, part_, *texts, nullptr, every_row_, &unknown}.Of(predicate)));
  return unknown ? std::nullopt : std::optional(chances.front());
}

Result<TextCost> Estimator::CostOfText(runtime::Context& ctx, const planner::Predicate& predicate) {
  CHROMA_TRY(ctx.Check());
  TextCounter texts{ctx, part_, index::Counting::kFoundTerms, {}};
  TextCost cost;
  CHROMA_ASSIGN(cost.share, ShareOf(ctx, predicate, &texts));
  CHROMA_ASSIGN(cost.documents_read, (ReadCounter{part_, texts}.Of(predicate)));
  return cost;
}

}  // namespace chroma::executor
