#include "executor/search.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "base/top_k.h"
#include "executor/filter.h"
#include "executor/group_by.h"
#include "executor/part_name.h"
#include "executor/part_search.h"
#include "executor/rank_eval.h"
#include "executor/scan.h"
#include "planner/describe.h"
#include "segment/sparse_frequency.h"

namespace chroma::executor {
namespace {

using planner::KnnPlan;
using planner::SearchPlan;

// The rows that a search may find, selected once for all of its knns. Immutable.
struct Selection {
  std::vector<std::optional<Bitmap>> rows;  // per part; none: all
  std::vector<PartSearch> dense;            // per part; empty when no knn is dense
};

// What searches of one request consider and answer, together.
class RowBudget {
 public:
  explicit RowBudget(uint64_t rows_max) : rows_max_(rows_max) {}
  // Thread safe.
  Status Take(uint64_t rows) {
    if (used_.fetch_add(rows, std::memory_order_relaxed) + rows <= rows_max_) return Status::Ok();
    return Status::InvalidArgument("The searches would go over more than " +
                                   std::to_string(rows_max_) +
                                   " records; lower the limits of their $knn and their own, or "
                                   "group by fewer keys");
  }

 private:
  const uint64_t rows_max_;
  std::atomic<uint64_t> used_{0};
};

class Batch {
 public:
  Batch(runtime::Context& ctx, runtime::ThreadPool& pool, const segment::Snapshot& snapshot,
        const planner::SearchBatchPlan& plan, Trace* trace)
      : ctx_(ctx),
        pool_(pool),
        snapshot_(snapshot),
        plan_(plan),
        trace_(trace),
        budget_(plan.rows_max) {}

  Result<std::vector<ScoredRows>> Run() {
    // Searches without a filter share the preparation.
    const auto is_unfiltered = [](const SearchPlan& search) { return !search.predicate; };
    const auto dense = [&](const SearchPlan& search) {
      return is_unfiltered(search) && HasDense(search);
    };
    const std::vector<SearchPlan>& searches = plan_.searches;
    if (std::count_if(searches.begin(), searches.end(), is_unfiltered) > 1) {
      CHROMA_ASSIGN(everything_,
                    Select(nullptr, std::any_of(searches.begin(), searches.end(), dense)));
    }
    std::vector<ScoredRows> results(searches.size());
    CHROMA_TRY(ForAll(searches.size(), [&](size_t i) { return RunOne(searches[i], &results[i]); }));
    return results;
  }

 private:
  // job(0) … job(n - 1) side by side, or one after the other for a trace; the first failure.
  template <typename Job>
  Status ForAll(size_t n, Job job) {
    if (n == 1 || trace_ != nullptr) {
      for (size_t i = 0; i < n; ++i) CHROMA_TRY(job(i));
      return Status::Ok();
    }
    std::vector<Status> statuses(n);
    pool_.ParallelFor(n, [&](size_t i) { statuses[i] = job(i); });
    for (Status& status : statuses) CHROMA_TRY(status);
    return Status::Ok();
  }

  static bool HasDense(const SearchPlan& search) {
    return std::any_of(search.knns.begin(), search.knns.end(),
                       [](const KnnPlan& knn) { return knn.sparse() == nullptr; });
  }

  Result<std::shared_ptr<const Selection>> Select(const planner::Predicate* predicate,
                                                  bool has_dense) {
    auto selection = std::make_shared<Selection>();
    for (size_t i = 0; i < snapshot_.parts.size(); ++i) {
      const segment::SnapshotPart& part = snapshot_.parts[i];
      const PartStep step(trace_, snapshot_, i);
      std::optional<Bitmap>& rows = selection->rows.emplace_back();
      if (predicate != nullptr || !part.dead->Empty()) {
        CHROMA_ASSIGN(rows, SelectRows(ctx_, predicate, part, {kAllRows, &pool_, trace_}));
      }
      step.Done(rows ? rows->Count() : part.live());
      if (!has_dense) continue;
      CHROMA_ASSIGN(PartSearch search, PartSearch::Prepare(part, rows, plan_.space, plan_.exact));
      selection->dense.push_back(std::move(search));
    }
    return std::shared_ptr<const Selection>(std::move(selection));
  }

  Status RunOne(const SearchPlan& search, ScoredRows* result) {
    CHROMA_TRY(ctx_.Check());
    const planner::Predicate* predicate = search.predicate ? &*search.predicate : nullptr;
    if (!search.ranked) return ListInOrder(search, predicate, result);
    std::shared_ptr<const Selection> selection = everything_;
    if (predicate != nullptr || selection == nullptr) {
      CHROMA_ASSIGN(selection, Select(predicate, HasDense(search)));
    }
    std::vector<std::vector<Neighbor>> found(search.knns.size());
    CHROMA_TRY(ForAll(search.knns.size(),
                      [&](size_t i) { return Find(search.knns[i], *selection, &found[i]); }));
    Begin("rank", trace_ == nullptr ? 0 : Different(found));
    CHROMA_ASSIGN(std::vector<Neighbor> rows, EvaluateRank(ctx_, search, found));
    End(rows.size());
    if (search.group_by.aggregate) {
      CHROMA_TRY(budget_.Take(rows.size() * GroupKeysRead(search.group_by)));
      Begin("group_by", rows.size());
      CHROMA_TRY(KeepBestOfGroups(ctx_, snapshot_, search.group_by, &rows));
      End(rows.size());
    }
    KeepBest(search.limit ? uint64_t{search.offset} + *search.limit : rows.size(), &rows);
    for (size_t i = search.offset; i < rows.size(); ++i) {
      result->rows.push_back({rows[i].part, rows[i].row});
      result->scores.push_back(rows[i].distance);
    }
    return budget_.Take(result->rows.size());
  }

  Status ListInOrder(const SearchPlan& search, const planner::Predicate* predicate,
                     ScoredRows* result) {
    CHROMA_ASSIGN(result->rows, SelectInOrder(ctx_, snapshot_, predicate, search.offset,
                                              search.limit, &pool_, trace_));
    for (size_t i = 0; i < result->rows.size(); ++i) {
      result->scores.push_back(static_cast<float>(i));
    }
    return budget_.Take(result->rows.size());
  }

  Status Find(const KnnPlan& knn, const Selection& selection, std::vector<Neighbor>* out) {
    CHROMA_TRY(ctx_.Check());
    TopK nearest(static_cast<size_t>(std::min<uint64_t>(knn.limit, snapshot_.live)));
    if (knn.limit == 0 || snapshot_.live == 0) return Status::Ok();
    if (trace_ != nullptr) Begin(planner::Describe(knn), Selected(selection));
    if (knn.sparse() != nullptr) {
      CHROMA_TRY(FindSparse(knn, selection, &nearest));
    } else {
      CHROMA_TRY(FindDense(knn, selection, &nearest));
    }
    *out = nearest.Take();
    End(out->size());
    return budget_.Take(out->size());
  }

  Status FindDense(const KnnPlan& knn, const Selection& selection, TopK* nearest) {
    index::SearchRequest request;
    request.query = std::get<std::vector<float>>(knn.query).data();
    request.space = plan_.space;
    request.k = knn.limit;
    request.tuning = plan_.tuning;
    request.check = [this] { return ctx_.Check(); };
    for (uint32_t i = 0; i < selection.dense.size(); ++i) {
      request.bound = nearest->bound();
      std::vector<index::Candidate> found;
      const PartSearch& part = selection.dense[i];
      CHROMA_TRY(trace_ == nullptr
                     ? part.Search(request, &found)
                     : part.SearchTraced(*trace_, PartName(snapshot_, i), request, &found));
      CHROMA_TRY(Push(i, found, nearest));
    }
    return Status::Ok();
  }

  Status FindSparse(const KnnPlan& knn, const Selection& selection, TopK* nearest) {
    model::SparseVector query = *knn.sparse();
    if (knn.bm25) {
      CHROMA_ASSIGN(query, segment::ScaleByRarity(ctx_, snapshot_, knn.key, query));
    }
    index::SparseRequest request;
    request.query = query;
    request.k = knn.limit;
    for (uint32_t i = 0; i < snapshot_.parts.size(); ++i) {
      request.allowed = selection.rows[i] ? &*selection.rows[i] : nullptr;
      request.bound = nearest->bound();
      std::vector<index::Candidate> found;
      CHROMA_TRY(snapshot_.parts[i].part->SearchSparse(ctx_, knn.key, request, &found));
      CHROMA_TRY(Push(i, found, nearest));
    }
    return Status::Ok();
  }

  uint64_t Selected(const Selection& selection) const {
    uint64_t rows = 0;
    for (size_t i = 0; i < selection.rows.size(); ++i) {
      rows += selection.rows[i] ? selection.rows[i]->Count() : snapshot_.parts[i].live();
    }
    return rows;
  }

  // How many rows several knns found together.
  static uint64_t Different(const std::vector<std::vector<Neighbor>>& found) {
    std::set<std::pair<uint32_t, uint32_t>> rows;
    for (const std::vector<Neighbor>& one : found) {
      for (const Neighbor& row : one) rows.emplace(row.part, row.row);
    }
    return rows.size();
  }

  void Begin(std::string what, uint64_t rows_in = 0) {
    if (trace_ != nullptr) trace_->Begin(std::move(what), rows_in);
  }
  void End(uint64_t rows_out) {
    if (trace_ != nullptr) trace_->End(rows_out);
  }

  Status Push(uint32_t part, const std::vector<index::Candidate>& found, TopK* nearest) const {
    for (const index::Candidate& candidate : found) {
      CHROMA_ASSIGN(uint64_t order, snapshot_.parts[part].part->InsertionOffset(candidate.row));
      nearest->Push({candidate.distance, order, part, candidate.row});
    }
    return Status::Ok();
  }

  runtime::Context& ctx_;
  runtime::ThreadPool& pool_;
  const segment::Snapshot& snapshot_;
  const planner::SearchBatchPlan& plan_;
  Trace* const trace_;  // null: nobody wants to know
  RowBudget budget_;
  std::shared_ptr<const Selection> everything_;  // null: not prepared
};

}  // namespace

Result<std::vector<ScoredRows>> RunSearches(runtime::Context& ctx, runtime::ThreadPool& pool,
                                            const segment::Snapshot& snapshot,
                                            const planner::SearchBatchPlan& plan, Trace* trace) {
  return Batch(ctx, pool, snapshot, plan, trace).Run();
}

model::IncludeSet IncludeOf(const model::Select& select) {
  model::IncludeSet include = 0;
  if (select.document) include |= model::kIncludeDocuments;
  if (select.embedding) include |= model::kIncludeEmbeddings;
  if (select.ShowsMetadata()) include |= model::kIncludeMetadatas;
  return include;
}

void KeepSelected(const model::Select& select, Records* records) {
  for (std::optional<model::Metadata>& metadata : records->metadatas) {
    if (metadata && !select.metadata) {
      std::vector<model::Metadata::Entry> kept;
      for (const std::string& field : select.fields) {
        const model::MetadataValue* value = metadata->Find(field);
        if (value != nullptr) kept.emplace_back(field, *value);
      }
      metadata = model::Metadata::FromEntries(std::move(kept));
    }
    if (metadata && metadata->empty()) metadata.reset();
  }
}

}  // namespace chroma::executor
