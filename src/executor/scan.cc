#include "executor/scan.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <utility>

#include "base/top_k.h"
#include "executor/filter.h"
#include "executor/part_name.h"
#include "executor/part_search.h"

namespace chroma::executor {
namespace {

using segment::Part;
using segment::Snapshot;

struct OrderedRow {
  uint64_t insertion_offset;
  RowRef ref;
};

// The first `count` rows of one part in insertion order, appended.
Status FirstInOrder(const Part& part, uint32_t part_number, const Bitmap& rows, uint64_t count,
                    std::vector<OrderedRow>* out) {
  const size_t begin = out->size();
  Status status;
  rows.ForEach([&](uint32_t row) {
    if (part.InInsertionOrder() && out->size() - begin >= count) return false;
    Result<uint64_t> offset = part.InsertionOffset(row);
    if (!offset.ok()) {
      status = offset.status();
      return false;
    }
    out->push_back({*offset, {part_number, row}});
    return true;
  });
  return status;
}

}  // namespace

Result<std::vector<RowRef>> SelectInOrder(runtime::Context& ctx, const Snapshot& snapshot,
                                          const planner::Predicate* predicate, uint32_t offset,
                                          std::optional<uint32_t> limit, runtime::ThreadPool* pool,
                                          Trace* trace) {
  std::vector<RowRef> result;
  if (limit && *limit == 0) return result;
  // Enough of each part that the wanted window of the merged order is certainly there.
  const uint64_t wanted = limit ? uint64_t{offset} + *limit : snapshot.live;
  std::vector<OrderedRow> rows;
  for (uint32_t i = 0; i < snapshot.parts.size(); ++i) {
    const uint64_t rows_max = snapshot.parts[i].part->InInsertionOrder() ? wanted : kAllRows;
    const PartStep step(trace, snapshot, i);
    CHROMA_ASSIGN(Bitmap selected,
                  SelectRows(ctx, predicate, snapshot.parts[i], {rows_max, pool, trace}));
    const size_t before = rows.size();
    CHROMA_TRY(FirstInOrder(*snapshot.parts[i].part, i, selected, wanted, &rows));
    step.Done(rows.size() - before);
  }
  std::sort(rows.begin(), rows.end(), [](const OrderedRow& a, const OrderedRow& b) {
    return a.insertion_offset < b.insertion_offset;
  });
  const size_t end = static_cast<size_t>(std::min<uint64_t>(wanted, rows.size()));
  for (size_t i = offset; i < end; ++i) result.push_back(rows[i].ref);
  return result;
}

namespace {

Status SearchOne(runtime::Context& ctx, const Snapshot& snapshot,
                 const std::vector<PartSearch>& parts, const planner::QueryPlan& plan, size_t query,
                 Trace* trace, NearestRows* out) {
  CHROMA_TRY(ctx.Check());  // the search itself looks only every few thousand rows
  TopK nearest(static_cast<size_t>(std::min<uint64_t>(plan.n_results, snapshot.live)));
  index::SearchRequest request;
  request.query = plan.queries.row(query);
  request.space = plan.space;
  request.k = plan.n_results;
  request.tuning = plan.tuning;
  request.check = [&ctx] { return ctx.Check(); };
  for (uint32_t i = 0; i < parts.size(); ++i) {
    request.bound = nearest.bound();
    std::vector<index::Candidate> found;
    CHROMA_TRY(trace == nullptr
                   ? parts[i].Search(request, &found)
                   : parts[i].SearchTraced(*trace, "nearest in " + PartName(snapshot, i), request,
                                           &found));
    for (const index::Candidate& candidate : found) {
      CHROMA_ASSIGN(uint64_t order, snapshot.parts[i].part->InsertionOffset(candidate.row));
      nearest.Push({candidate.distance, order, i, candidate.row});
    }
  }
  for (const Neighbor& neighbor : nearest.Take()) {
    out->rows.push_back({neighbor.part, neighbor.row});
    out->distances.push_back(neighbor.distance);
  }
  return Status::Ok();
}

}  // namespace

bool IsQuick(const Snapshot& snapshot, const planner::QueryPlan& plan) {
  constexpr uint32_t kResultsMax = 100;
  constexpr uint32_t kEffortMax = 400;
  constexpr uint64_t kScannedBytesMax = 1 << 20;
  constexpr uint64_t kWalkedMax = 400 << 10;  // candidates times dimensions, of all parts
  if (plan.predicate || plan.queries.rows() != 1) return false;
  if (plan.n_results > kResultsMax || plan.tuning.effort > kEffortMax) return false;
  uint64_t scanned = 0;
  for (const segment::SnapshotPart& part : snapshot.parts) {
    scanned += PartSearch::RowsScanned(plan, part) * snapshot.dimension * sizeof(float);
  }
  const uint64_t effort = plan.tuning.target_recall > 0 ? kEffortMax : plan.tuning.effort;
  const uint64_t walked =
      std::max<uint64_t>(effort, plan.n_results) * snapshot.dimension * snapshot.parts.size();
  return scanned <= kScannedBytesMax && walked <= kWalkedMax;
}

Result<std::vector<NearestRows>> SelectNearest(runtime::Context& ctx, runtime::ThreadPool& pool,
                                               const Snapshot& snapshot,
                                               const planner::QueryPlan& plan, Trace* trace,
                                               bool maps_rows) {
  const size_t queries = plan.queries.rows();
  std::vector<NearestRows> results(queries);
  if (plan.n_results == 0 || snapshot.live == 0) return results;
  std::vector<PartSearch> parts;
  for (uint32_t i = 0; i < snapshot.parts.size(); ++i) {
    const PartStep step(trace, snapshot, i);
    CHROMA_ASSIGN(PartSearch search,
                  PartSearch::Prepare(ctx, plan, snapshot.parts[i], &pool, trace));
    if (maps_rows && PartSearch::MapsRows(plan, snapshot.parts[i])) search.MapRows();
    step.Done(search.rows_allowed());
    parts.push_back(std::move(search));
  }
  std::vector<Status> statuses(queries);
  std::atomic<uint64_t> rows{0};
  const auto search = [&](size_t i) {
    if (rows.load(std::memory_order_relaxed) > plan.rows_max) return;
    statuses[i] = SearchOne(ctx, snapshot, parts, plan, i, trace, &results[i]);
    rows.fetch_add(results[i].rows.size(), std::memory_order_relaxed);
  };
  if (queries == 1 || trace != nullptr) {
    for (size_t i = 0; i < queries; ++i) search(i);
  } else {
    pool.ParallelFor(queries, search);
  }
  for (Status& status : statuses) CHROMA_TRY(status);
  if (rows > plan.rows_max) {
    return Status::InvalidArgument("The answer would have more than " +
                                   std::to_string(plan.rows_max) +
                                   " records; lower n_results or send fewer query vectors");
  }
  return results;
}

Result<uint64_t> CountRows(runtime::Context& ctx, const Snapshot& snapshot,
                           const planner::Predicate* predicate, runtime::ThreadPool* pool) {
  if (predicate == nullptr) return snapshot.live;
  uint64_t count = 0;
  for (const segment::SnapshotPart& part : snapshot.parts) {
    CHROMA_ASSIGN(Bitmap selected, SelectRows(ctx, predicate, part, {kAllRows, pool}));
    count += selected.Count();
  }
  return count;
}

}  // namespace chroma::executor
