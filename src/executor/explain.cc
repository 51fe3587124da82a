#include "executor/explain.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
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

bool IsBefore(const RowRef& a, const RowRef& b) {
  return a.part != b.part ? a.part < b.part : a.row < b.row;
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
  Result<Verdict> Of(const Predicate& predicate) {
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
      } else if (const auto* text = std::get_if<planner::MetadataHasText>(&predicate.node)) {
        CHROMA_ASSIGN(verdict.value, Value(text->key));
      }
    }
    return verdict;
  }

 private:
  static bool Matches(const Verdict& verdict) { return verdict.matches; }

  Result<std::vector<Verdict>> OfAll(const std::vector<Predicate>& children) {
    std::vector<Verdict> verdicts;
    for (const Predicate& child : children) {
      CHROMA_ASSIGN(Verdict verdict, Of(child));
      verdicts.push_back(std::move(verdict));
    }
    return verdicts;
  }

  Bitmap One() const { return Bitmap::FromSorted(&row_, 1); }

  // As JSON; of a long text its beginning, of a long array the beginning of its JSON as a text.
  Result<std::string> Value(const std::string& key) {
    const auto [at, is_new] = values_.try_emplace(key);
    if (!is_new) return at->second;
    CHROMA_ASSIGN(const auto values, part_.Key(key, One()));
    const segment::ValueView view = values->At(row_);
    JsonWriter out(&at->second);
    if (std::holds_alternative<std::monostate>(view)) {
      out.Null();
    } else if (const auto* text = std::get_if<std::string_view>(&view)) {
      out.String(planner::Cut(*text));
    } else {
      std::string whole;
      JsonWriter whole_out(&whole);
      model::EncodeMetadataValue(whole_out, segment::ToValue(view));
      const std::string cut = planner::Cut(whole);
      if (cut == whole) {
        out.Raw(whole);
      } else {
        out.String(cut);
      }
    }
    return at->second;
  }

  runtime::Context& ctx_;
  const segment::Part& part_;
  const uint32_t row_;
  std::map<std::string, std::string> values_;  // by key
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
};

Ranking ToRanking(ScoredRows rows) {
  return {std::move(rows.rows), std::move(rows.scores)};
}

Ranking ToRanking(std::vector<NearestRows> nearest) {
  if (nearest.empty()) return {};
  return {std::move(nearest[0].rows), std::move(nearest[0].distances)};
}

// Where a few rows are in a ranking. There may be a thousand rankings of all records: none is kept.
class Places {
 public:
  // `wanted` ascends by IsBefore.
  Places(const std::vector<RowRef>& wanted, const Ranking& ranking) {
    for (size_t i = 0; i < ranking.rows.size(); ++i) {
      if (!std::binary_search(wanted.begin(), wanted.end(), ranking.rows[i], IsBefore)) continue;
      places_.push_back({ranking.rows[i], i, ranking.scores.empty() ? 0 : ranking.scores[i]});
    }
    std::sort(places_.begin(), places_.end(),
              [](const Place& a, const Place& b) { return IsBefore(a.ref, b.ref); });
  }

  std::optional<uint64_t> PlaceOf(const RowRef& ref) const {
    const Place* at = Find(ref);
    return at == nullptr ? std::nullopt : std::optional(at->place);
  }
  std::optional<float> ScoreOf(const RowRef& ref) const {
    const Place* at = Find(ref);
    return at == nullptr ? std::nullopt : std::optional(at->score);
  }
  bool Has(const RowRef& ref) const { return Find(ref) != nullptr; }

 private:
  struct Place {
    RowRef ref;
    uint64_t place;
    float score;
  };

  const Place* Find(const RowRef& ref) const {
    const auto at =
        std::lower_bound(places_.begin(), places_.end(), ref,
                         [](const Place& a, const RowRef& b) { return IsBefore(a.ref, b); });
    return at == places_.end() || IsBefore(ref, at->ref) ? nullptr : &*at;
  }

  std::vector<Place> places_;
};

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
  std::vector<RowRef> wanted;  // rows to explain, ascending by IsBefore
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
      CHROMA_ASSIGN(const Ranking ranking, Select(all, nullptr));
      all_.emplace(on_.wanted, ranking);
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

  const Setting& on_;
  const ListPlan& plan_;
  std::optional<Places> all_;
};

class ExplainedQuery final : public Explained {
 public:
  ExplainedQuery(const Setting& on, const QueryPlan& plan) : on_(on), plan_(plan) {}
  const std::optional<Predicate>& predicate() const override { return plan_.predicate; }

  Result<Ranking> Run(Trace* trace) override {
    CHROMA_ASSIGN(auto nearest, SelectNearest(on_.ctx, on_.pool, on_.snapshot, plan_, trace));
    Ranking ranking = ToRanking(std::move(nearest));
    if (!ranking.scores.empty()) last_distance_ = ranking.scores.back();
    return ranking;
  }

  Status Explain(const RowRef& ref, RecordVerdict* verdict) override {
    if (!all_) {
      QueryPlan all = plan_;
      all.n_results = Everything(on_.snapshot);
      all.exact = true;
      CHROMA_ASSIGN(auto nearest, SelectNearest(on_.ctx, on_.pool, on_.snapshot, all));
      const Ranking ranking = ToRanking(std::move(nearest));
      all_.emplace(on_.wanted, ranking);
    }
    verdict->place = all_->PlaceOf(ref);
    verdict->score = all_->ScoreOf(ref);
    if (verdict->returned) {
      verdict->reason = "it is among the nearest";
    } else if (verdict->place.value_or(UINT64_MAX) < plan_.n_results) {
      verdict->reason = *verdict->score >= last_distance_
                            ? "it is no nearer than the last of those that are returned"
                            : "it is among the nearest, but the vector index did not find it";
    } else {
      verdict->reason = "it matches, at place " + std::to_string(verdict->place.value_or(0)) +
                        ", which is beyond n_results " + std::to_string(plan_.n_results);
    }
    return Status::Ok();
  }

 private:
  const Setting& on_;
  const QueryPlan& plan_;
  std::optional<Places> all_;  // by exact distances
  float last_distance_ = 0;    // of those that are returned
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
    if (search().ranked) verdict->score = ungrouped_->ScoreOf(ref);
    verdict->reason = Reason(*verdict, ungrouped_->Has(ref));
    return Status::Ok();
  }

 private:
  const SearchPlan& search() const { return plan_.searches[0]; }

  Result<Ranking> RunOne(const SearchBatchPlan& plan, Trace* trace) {
    CHROMA_ASSIGN(auto found, RunSearches(on_.ctx, on_.pool, on_.snapshot, plan, trace));
    return ToRanking(std::move(found[0]));
  }

  // The search without its page, without its groups, and each $knn alone without its limit. What
  // the search itself may answer was checked when it ran.
  Status Prepare() {
    SearchBatchPlan all = plan_;
    all.rows_max = UINT64_MAX;
    all.searches[0].offset = 0;
    all.searches[0].limit.reset();
    CHROMA_ASSIGN(all_, PlacesIn(all));
    all.searches[0].group_by = {};
    CHROMA_ASSIGN(ungrouped_, PlacesIn(all));
    all.exact = true;
    for (const planner::KnnPlan& knn : search().knns) {
      SearchPlan& alone = all.searches[0];
      alone.ranked = true;
      alone.knns = {knn};
      alone.rank = {{planner::RankStep::Op::kKnn, 0, false, std::nullopt}};
      alone.stack_depth = 1;
      all.exact = plan_.exact;
      CHROMA_ASSIGN(const Ranking found, RunOne(all, nullptr));
      all.exact = true;
      alone.knns[0].limit = Everything(on_.snapshot);
      CHROMA_ASSIGN(Places places, PlacesIn(all));
      knns_.push_back({std::move(places), Places(on_.wanted, found),
                       found.scores.empty() ? 0 : found.scores.back()});
    }
    return Status::Ok();
  }

  Result<Places> PlacesIn(const SearchBatchPlan& plan) {
    CHROMA_ASSIGN(const Ranking ranking, RunOne(plan, nullptr));
    return Places(on_.wanted, ranking);
  }

  // Of one $knn alone.
  struct KnnPlaces {
    Places all;           // by exact distances
    Places found;         // as the search finds them
    float last_distance;  // of those
  };

  void AddKnn(size_t i, const RowRef& ref, RecordVerdict* verdict) const {
    KnnVerdict& knn = verdict->knns.emplace_back();
    knn.knn = planner::Describe(search().knns[i]);
    const KnnPlaces& places = knns_[i];
    knn.place = places.all.PlaceOf(ref);
    if (!knn.place) return;
    knn.distance = places.all.ScoreOf(ref);
    knn.within_limit = *knn.place < search().knns[i].limit;
    // Where another is equally far, that one may have been taken.
    knn.missed = knn.within_limit && !places.found.Has(ref) && *knn.distance < places.last_distance;
  }

  std::string Reason(const RecordVerdict& verdict, bool ungrouped) const {
    if (verdict.returned) return "it matches and is within the page";
    std::string missed;
    for (const KnnVerdict& knn : verdict.knns) {
      if (!knn.missed) continue;
      missed += "; the vector index did not find it for " + knn.knn +
                ", whose limit reaches place " + std::to_string(*knn.place);
    }
    if (verdict.place) return BeyondPage(*verdict.place, search().offset, search().limit) + missed;
    if (ungrouped) return "it matches, but others of its group are better" + missed;
    if (!missed.empty()) return "it matches, but has no score" + missed;
    std::string text = "it matches, but has no score:";
    for (const KnnVerdict& knn : verdict.knns) {
      text += " " + knn.knn + " has it " +
              (knn.place ? "at place " + std::to_string(*knn.place) : std::string("nowhere")) + ";";
    }
    text.back() = '.';
    return text;
  }

  const Setting& on_;
  const SearchBatchPlan& plan_;
  std::optional<Places> all_;
  std::optional<Places> ungrouped_;
  std::vector<KnnPlaces> knns_;
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

Result<RecordVerdict> ExplainRecord(const Setting& on, Explained& explained, const Places& returned,
                                    const std::string& id, const std::optional<RowRef>& ref) {
  RecordVerdict verdict;
  verdict.id = id;
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

uint64_t SizeBytes(const Verdict& verdict) {
  uint64_t bytes = sizeof(verdict) + verdict.clause.size() + verdict.value.size();
  for (const Verdict& clause : verdict.clauses) bytes += SizeBytes(clause);
  return bytes;
}

uint64_t SizeBytes(const RecordVerdict& verdict) {
  uint64_t bytes = sizeof(verdict) + verdict.id.size() + verdict.reason.size();
  for (const KnnVerdict& knn : verdict.knns) bytes += sizeof(knn) + knn.knn.size();
  return verdict.filter ? bytes + SizeBytes(*verdict.filter) : bytes;
}

}  // namespace

Result<Explanation> Explain(runtime::Context& ctx, runtime::ThreadPool& pool, runtime::Clock& clock,
                            const Snapshot& snapshot, const planner::ExplainPlan& plan) {
  Setting on{ctx, pool, snapshot, {}};
  std::set<std::string_view> asked;
  std::vector<std::pair<std::string_view, std::optional<RowRef>>> records;
  for (const std::string& id : plan.records) {
    if (!asked.insert(id).second) continue;
    CHROMA_ASSIGN(const std::optional<RowRef> ref, FindRecord(snapshot, id));
    records.emplace_back(id, ref);
    if (ref) on.wanted.push_back(*ref);
  }
  std::sort(on.wanted.begin(), on.wanted.end(), IsBefore);
  const std::unique_ptr<Explained> explained = Make(on, plan);
  Trace trace(clock);
  CHROMA_ASSIGN(const Ranking ranking, explained->Run(&trace));
  const Places returned(on.wanted, ranking);
  Explanation explanation;
  explanation.records = snapshot.live;
  explanation.segments = snapshot.segments;
  explanation.log_operations = snapshot.tail_operations;
  explanation.returned = ranking.rows.size();
  explanation.steps = trace.Take();
  for (const Step& step : explanation.steps) explanation.ns += step.ns;
  for (const auto& [id, ref] : records) {
    CHROMA_ASSIGN(RecordVerdict verdict,
                  ExplainRecord(on, *explained, returned, std::string(id), ref));
    CHROMA_TRY(ctx.ReserveAnswer(2 * SizeBytes(verdict)));  // it and what is sent
    explanation.verdicts.push_back(std::move(verdict));
  }
  return explanation;
}

}  // namespace chroma::executor
