#include "executor/explain.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/json_writer.h"
#include "executor/filter.h"
#include "executor/project.h"
#include "executor/scan.h"
#include "executor/search.h"
#include "executor/sorted.h"
#include "model/metadata_json.h"
#include "planner/describe.h"

namespace chroma::executor {
namespace {

using planner::ListPlan;
using planner::Predicate;
using planner::QueryPlan;
using planner::SearchBatchPlan;
using planner::SearchPlan;
using segment::Snapshot;

bool IsSame(const RowRef& a, const RowRef& b) {
  return a.part == b.part && a.row == b.row;
}

// Where the live record of an id is.
Result<std::optional<RowRef>> FindRecord(const Snapshot& snapshot, const std::string& id) {
  for (uint32_t i = 0; i < snapshot.parts.size(); ++i) {
    const segment::SnapshotPart& part = snapshot.parts[i];
    CHROMA_ASSIGN(const std::optional<uint32_t> row, part.part->FindId(id));
    if (row && !part.dead->Contains(*row)) return std::optional(RowRef{i, *row});
  }
  return std::optional<RowRef>();
}

// ---- what the filter says of one record

class Judge {
 public:
  Judge(runtime::Context& ctx, const segment::Part& part, uint32_t row)
      : ctx_(ctx), part_(part), row_(row) {}

  // Depth is bounded by model::kFilterDepthMax.
  Result<Verdict> Of(const Predicate& predicate) const {
    Verdict verdict{planner::Describe(predicate), false, {}, {}};
    if (const auto* all = std::get_if<planner::AllOf>(&predicate.node)) {
      CHROMA_ASSIGN(verdict.clauses, OfAll(all->children));
      verdict.matches = std::all_of(verdict.clauses.begin(), verdict.clauses.end(), Matches);
    } else if (const auto* any = std::get_if<planner::AnyOf>(&predicate.node)) {
      CHROMA_ASSIGN(verdict.clauses, OfAll(any->children));
      verdict.matches = std::any_of(verdict.clauses.begin(), verdict.clauses.end(), Matches);
    } else if (const auto* negation = std::get_if<planner::Not>(&predicate.node)) {
      CHROMA_ASSIGN(Verdict child, Of(*negation->child));
      verdict.matches = !child.matches;
      verdict.clauses.push_back(std::move(child));
    } else {
      CHROMA_ASSIGN(const Bitmap found, Evaluate(ctx_, predicate, part_, One()));
      verdict.matches = !found.Empty();
      if (const auto* has = std::get_if<planner::HasMetadata>(&predicate.node)) {
        CHROMA_ASSIGN(verdict.value, Value(has->predicate.key));
      }
    }
    return verdict;
  }

 private:
  static bool Matches(const Verdict& verdict) { return verdict.matches; }

  Result<std::vector<Verdict>> OfAll(const std::vector<Predicate>& children) const {
    std::vector<Verdict> verdicts;
    for (const Predicate& child : children) {
      CHROMA_ASSIGN(Verdict verdict, Of(child));
      verdicts.push_back(std::move(verdict));
    }
    return verdicts;
  }

  Bitmap One() const { return Bitmap::FromSorted(&row_, 1); }

  Result<std::string> Value(const std::string& key) const {
    CHROMA_ASSIGN(const auto values, part_.Key(key, One()));
    const model::MetadataValue value = segment::ToValue(values->At(row_));
    if (model::TypeOf(value) == model::ValueType::kNull) return std::string("null");
    std::string text;
    JsonWriter out(&text);
    model::EncodeMetadataValue(out, value);
    return text;
  }

  runtime::Context& ctx_;
  const segment::Part& part_;
  const uint32_t row_;
};

// The clauses without a filter within them that made the verdict what it is.
void CollectDecisive(const Verdict& verdict, std::vector<std::string>* out) {
  if (verdict.clauses.empty() && verdict.clause != "$and" && verdict.clause != "$or") {
    out->push_back(verdict.clause + (verdict.matches ? " holds" : " does not hold"));
    return;
  }
  if (verdict.clauses.empty()) out->push_back(verdict.clause + " of nothing");
  const bool is_not = verdict.clause == "not";
  for (const Verdict& child : verdict.clauses) {
    if (is_not || child.matches == verdict.matches) CollectDecisive(child, out);
  }
}

std::string WhyRefused(const Verdict& verdict) {
  std::vector<std::string> decisive;
  CollectDecisive(verdict, &decisive);
  std::string text = "the filter refuses it: ";
  for (size_t i = 0; i < decisive.size(); ++i) text += (i > 0 ? ", " : "") + decisive[i];
  return text;
}

// ---- places

// Rows in an order, with scores where there are some.
struct Ranking {
  std::vector<RowRef> rows;
  std::vector<float> scores;

  std::optional<uint64_t> PlaceOf(const RowRef& ref) const {
    const auto at =
        std::find_if(rows.begin(), rows.end(), [&](const RowRef& row) { return IsSame(row, ref); });
    if (at == rows.end()) return std::nullopt;
    return static_cast<uint64_t>(at - rows.begin());
  }
  bool Has(const RowRef& ref) const { return PlaceOf(ref).has_value(); }
};

Ranking ToRanking(ScoredRows rows) {
  return {std::move(rows.rows), std::move(rows.scores)};
}

Ranking ToRanking(std::vector<NearestRows> nearest) {
  if (nearest.empty()) return {};
  return {std::move(nearest[0].rows), std::move(nearest[0].distances)};
}

uint32_t Everything(const Snapshot& snapshot) {
  return static_cast<uint32_t>(std::min<uint64_t>(snapshot.live, UINT32_MAX));
}

std::string BeyondPage(uint64_t place, uint32_t offset, std::optional<uint32_t> limit) {
  std::string text = "it matches, at place " + std::to_string(place) + ", which is ";
  if (place < offset) return text + "before offset " + std::to_string(offset);
  return text + "beyond offset " + std::to_string(offset) + " and limit " +
         std::to_string(limit.value_or(0));
}

// One kind of plan: how it runs, and what it says of a record that matches.
class Explained {
 public:
  virtual ~Explained() = default;
  virtual const std::optional<Predicate>& predicate() const = 0;
  // What is returned.
  virtual Result<Ranking> Run(Trace* trace) = 0;
  // Completes the verdict on a record that matches and exists.
  virtual Status Explain(const RowRef& ref, RecordVerdict* verdict) = 0;
};

struct Setting {
  runtime::Context& ctx;
  runtime::ThreadPool& pool;
  const Snapshot& snapshot;
};

class ExplainedList final : public Explained {
 public:
  ExplainedList(const Setting& on, const ListPlan& plan) : on_(on), plan_(plan) {}
  const std::optional<Predicate>& predicate() const override { return plan_.get.predicate; }

  Result<Ranking> Run(Trace* trace) override { return Select(plan_, trace); }

  Status Explain(const RowRef& ref, RecordVerdict* verdict) override {
    if (!all_) {
      ListPlan all = plan_;
      all.get.offset = 0;
      all.get.limit.reset();
      CHROMA_ASSIGN(all_, Select(all, nullptr));
    }
    verdict->place = all_->PlaceOf(ref);
    verdict->reason = verdict->returned ? "it matches"
                                        : BeyondPage(verdict->place.value_or(0), plan_.get.offset,
                                                     plan_.get.limit);
    return Status::Ok();
  }

 private:
  Result<Ranking> Select(const ListPlan& plan, Trace* trace) {
    Ranking ranking;
    CHROMA_ASSIGN(ranking.rows, SelectList(on_.ctx, on_.snapshot, plan, &on_.pool, trace));
    return ranking;
  }

  const Setting on_;
  const ListPlan& plan_;
  std::optional<Ranking> all_;
};

class ExplainedQuery final : public Explained {
 public:
  ExplainedQuery(const Setting& on, const QueryPlan& plan) : on_(on), plan_(plan) {}
  const std::optional<Predicate>& predicate() const override { return plan_.predicate; }

  Result<Ranking> Run(Trace* trace) override {
    CHROMA_ASSIGN(auto nearest, SelectNearest(on_.ctx, on_.pool, on_.snapshot, plan_, trace));
    return ToRanking(std::move(nearest));
  }

  Status Explain(const RowRef& ref, RecordVerdict* verdict) override {
    if (!all_) {
      QueryPlan all = plan_;
      all.n_results = Everything(on_.snapshot);
      all.exact = true;
      CHROMA_ASSIGN(auto nearest, SelectNearest(on_.ctx, on_.pool, on_.snapshot, all));
      all_ = ToRanking(std::move(nearest));
    }
    verdict->place = all_->PlaceOf(ref);
    if (verdict->place) verdict->score = all_->scores[*verdict->place];
    if (verdict->returned) {
      verdict->reason = "it is among the nearest";
    } else if (verdict->place.value_or(UINT64_MAX) < plan_.n_results) {
      const size_t last = std::min<size_t>(plan_.n_results, all_->scores.size()) - 1;
      verdict->reason = *verdict->score == all_->scores[last]
                            ? "it is no nearer than the last of those that are returned"
                            : "it is among the nearest, but the vector index did not find it";
    } else {
      verdict->reason = "it matches, at place " + std::to_string(verdict->place.value_or(0)) +
                        ", which is beyond n_results " + std::to_string(plan_.n_results);
    }
    return Status::Ok();
  }

 private:
  const Setting on_;
  const QueryPlan& plan_;
  std::optional<Ranking> all_;  // by exact distances
};

class ExplainedSearch final : public Explained {
 public:
  ExplainedSearch(const Setting& on, const SearchBatchPlan& plan) : on_(on), plan_(plan) {}
  const std::optional<Predicate>& predicate() const override { return search().predicate; }

  Result<Ranking> Run(Trace* trace) override { return RunOne(plan_, trace); }

  Status Explain(const RowRef& ref, RecordVerdict* verdict) override {
    if (!all_) CHROMA_TRY(Prepare());
    for (size_t i = 0; i < search().knns.size(); ++i) AddKnn(i, ref, verdict);
    verdict->place = all_->PlaceOf(ref);
    const std::optional<uint64_t> ungrouped = ungrouped_->PlaceOf(ref);
    if (ungrouped && search().ranked) verdict->score = ungrouped_->scores[*ungrouped];
    verdict->reason = Reason(*verdict, ungrouped);
    return Status::Ok();
  }

 private:
  const SearchPlan& search() const { return plan_.searches[0]; }

  Result<Ranking> RunOne(const SearchBatchPlan& plan, Trace* trace) {
    CHROMA_ASSIGN(auto found, RunSearches(on_.ctx, on_.pool, on_.snapshot, plan, trace));
    return ToRanking(std::move(found[0]));
  }

  // The search without its page, without its groups, and each $knn alone without its limit.
  Status Prepare() {
    SearchBatchPlan all = plan_;
    all.searches[0].offset = 0;
    all.searches[0].limit.reset();
    CHROMA_ASSIGN(all_, RunOne(all, nullptr));
    all.searches[0].group_by = {};
    CHROMA_ASSIGN(ungrouped_, RunOne(all, nullptr));
    all.exact = true;
    for (const planner::KnnPlan& knn : search().knns) {
      SearchPlan& alone = all.searches[0];
      alone.ranked = true;
      alone.knns = {knn};
      alone.knns[0].limit = Everything(on_.snapshot);
      alone.rank = {{planner::RankStep::Op::kKnn, 0, false, std::nullopt}};
      alone.stack_depth = 1;
      CHROMA_ASSIGN(Ranking ranking, RunOne(all, nullptr));
      knns_.push_back(std::move(ranking));
    }
    return Status::Ok();
  }

  void AddKnn(size_t i, const RowRef& ref, RecordVerdict* verdict) const {
    KnnVerdict& knn = verdict->knns.emplace_back();
    knn.knn = planner::Describe(search().knns[i]);
    knn.place = knns_[i].PlaceOf(ref);
    if (!knn.place) return;
    knn.distance = knns_[i].scores[*knn.place];
    knn.within_limit = *knn.place < search().knns[i].limit;
  }

  std::string Reason(const RecordVerdict& verdict, std::optional<uint64_t> ungrouped) const {
    if (verdict.returned) return "it matches and is within the page";
    if (verdict.place) return BeyondPage(*verdict.place, search().offset, search().limit);
    if (ungrouped) return "it matches, but others of its group are better";
    std::string text = "it matches, but has no score:";
    for (const KnnVerdict& knn : verdict.knns) {
      text += " " + knn.knn + " has it " +
              (knn.place ? "at place " + std::to_string(*knn.place) : std::string("nowhere")) + ";";
    }
    text.back() = '.';
    return text;
  }

  const Setting on_;
  const SearchBatchPlan& plan_;
  std::optional<Ranking> all_;
  std::optional<Ranking> ungrouped_;
  std::vector<Ranking> knns_;
};

std::unique_ptr<Explained> Make(const Setting& on, const planner::ExplainPlan& plan) {
  if (const auto* list = std::get_if<ListPlan>(&plan.plan)) {
    return std::make_unique<ExplainedList>(on, *list);
  }
  if (const auto* query = std::get_if<QueryPlan>(&plan.plan)) {
    return std::make_unique<ExplainedQuery>(on, *query);
  }
  return std::make_unique<ExplainedSearch>(on, std::get<SearchBatchPlan>(plan.plan));
}

Result<RecordVerdict> ExplainRecord(const Setting& on, Explained& explained,
                                    const Ranking& returned, const std::string& id) {
  RecordVerdict verdict;
  verdict.id = id;
  CHROMA_ASSIGN(const std::optional<RowRef> ref, FindRecord(on.snapshot, id));
  verdict.exists = ref.has_value();
  if (!ref) {
    verdict.reason = "no record has this id";
    return verdict;
  }
  verdict.matches = true;
  if (explained.predicate()) {
    const segment::Part& part = *on.snapshot.parts[ref->part].part;
    CHROMA_ASSIGN(verdict.filter, Judge(on.ctx, part, ref->row).Of(*explained.predicate()));
    verdict.matches = verdict.filter->matches;
  }
  if (!verdict.matches) {
    verdict.reason = WhyRefused(*verdict.filter);
    return verdict;
  }
  verdict.returned = returned.Has(*ref);
  CHROMA_TRY(explained.Explain(*ref, &verdict));
  return verdict;
}

}  // namespace

Result<Explanation> Explain(runtime::Context& ctx, runtime::ThreadPool& pool, runtime::Clock& clock,
                            const Snapshot& snapshot, const planner::ExplainPlan& plan) {
  const Setting on{ctx, pool, snapshot};
  const std::unique_ptr<Explained> explained = Make(on, plan);
  Trace trace(clock);
  CHROMA_ASSIGN(const Ranking returned, explained->Run(&trace));
  Explanation explanation;
  explanation.records = snapshot.live;
  explanation.segments = snapshot.segments;
  explanation.log_operations = snapshot.tail_operations;
  explanation.returned = returned.rows.size();
  explanation.steps = trace.Take();
  for (const Step& step : explanation.steps) explanation.ns += step.ns;
  for (const std::string& id : plan.records) {
    CHROMA_ASSIGN(RecordVerdict verdict, ExplainRecord(on, *explained, returned, id));
    explanation.verdicts.push_back(std::move(verdict));
  }
  return explanation;
}

}  // namespace chroma::executor
