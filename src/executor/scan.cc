#include "executor/scan.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <utility>

#include "base/top_k.h"
#include "executor/filter.h"
#include "index/vector/flat_index.h"

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
                                          std::optional<uint32_t> limit) {
  std::vector<RowRef> result;
  if (limit && *limit == 0) return result;
  // Enough of each part that the wanted window of the merged order is certainly there.
  const uint64_t wanted = limit ? uint64_t{offset} + *limit : snapshot.live;
  std::vector<OrderedRow> rows;
  for (uint32_t i = 0; i < snapshot.parts.size(); ++i) {
    CHROMA_ASSIGN(Bitmap selected, SelectRows(ctx, predicate, snapshot.parts[i]));
    CHROMA_TRY(FirstInOrder(*snapshot.parts[i].part, i, selected, wanted, &rows));
  }
  std::sort(rows.begin(), rows.end(), [](const OrderedRow& a, const OrderedRow& b) {
    return a.insertion_offset < b.insertion_offset;
  });
  const size_t end = static_cast<size_t>(std::min<uint64_t>(wanted, rows.size()));
  for (size_t i = offset; i < end; ++i) result.push_back(rows[i].ref);
  return result;
}

namespace {

// The vectors of a part as the index wants them: one block where they lie together, as in a
// segment, or one pointer per row, as in the tail.
struct PartVectors {
  index::VectorSource source;
  std::vector<const float*> pointers;
};

Status GatherVectors(const Part& part, PartVectors* out) {
  const uint32_t n = part.rows();
  out->source.n = n;
  out->source.dimension = part.dimension();
  out->source.stride = part.dimension();
  if (n == 0) return Status::Ok();
  for (uint32_t row = 0; row < n;) {
    CHROMA_ASSIGN(segment::VectorRun run, part.Vectors(row));
    if (row == 0) out->source.rows = run.values;
    const bool contiguous =
        out->pointers.empty() && run.values == out->source.rows + size_t{row} * part.dimension();
    if (!contiguous && out->pointers.empty()) {
      for (uint32_t i = 0; i < row; ++i) {
        out->pointers.push_back(out->source.rows + size_t{i} * part.dimension());
      }
    }
    if (!contiguous) {
      for (uint32_t i = 0; i < run.rows; ++i) {
        out->pointers.push_back(run.values + size_t{i} * part.dimension());
      }
    }
    row += run.rows;
  }
  if (!out->pointers.empty()) {
    out->source.rows = nullptr;
    out->source.row_pointers = out->pointers.data();
  }
  return Status::Ok();
}

// One part prepared for the search of any number of queries.
struct SearchPart {
  PartVectors vectors;
  std::optional<Bitmap> allowed;  // none: every row
  bool empty = false;
};

Status Prepare(runtime::Context& ctx, const planner::Predicate* predicate,
               const segment::SnapshotPart& part, SearchPart* out) {
  if (predicate != nullptr || !part.dead->Empty()) {
    CHROMA_ASSIGN(out->allowed, SelectRows(ctx, predicate, part));
    out->empty = out->allowed->Empty();
  }
  if (!out->empty) CHROMA_TRY(GatherVectors(*part.part, &out->vectors));
  return Status::Ok();
}

Status SearchOne(runtime::Context& ctx, const Snapshot& snapshot,
                 const std::vector<SearchPart>& parts, const planner::QueryPlan& plan, size_t query,
                 NearestRows* out) {
  CHROMA_TRY(ctx.Check());  // the search itself looks only every few thousand rows
  const index::FlatIndex exact;
  TopK nearest(static_cast<size_t>(std::min<uint64_t>(plan.n_results, snapshot.live)));
  for (uint32_t i = 0; i < parts.size(); ++i) {
    if (parts[i].empty) continue;
    index::SearchRequest request;
    request.query = plan.queries.row(query);
    request.space = plan.space;
    request.k = plan.n_results;
    request.allowed = parts[i].allowed ? &*parts[i].allowed : nullptr;
    request.bound = nearest.bound();
    request.check = [&ctx] { return ctx.Check(); };
    std::vector<index::Candidate> found;
    CHROMA_TRY(exact.Search(parts[i].vectors.source, request, &found));
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

Result<std::vector<NearestRows>> SelectNearest(runtime::Context& ctx, runtime::ThreadPool& pool,
                                               const Snapshot& snapshot,
                                               const planner::QueryPlan& plan) {
  const size_t queries = plan.queries.rows();
  std::vector<NearestRows> results(queries);
  if (plan.n_results == 0 || snapshot.live == 0) return results;
  std::vector<SearchPart> parts(snapshot.parts.size());
  const planner::Predicate* predicate = plan.predicate ? &*plan.predicate : nullptr;
  for (size_t i = 0; i < parts.size(); ++i) {
    CHROMA_TRY(Prepare(ctx, predicate, snapshot.parts[i], &parts[i]));
  }
  std::vector<Status> statuses(queries);
  std::atomic<uint64_t> rows{0};
  const auto search = [&](size_t i) {
    if (rows.load(std::memory_order_relaxed) > plan.rows_max) return;
    statuses[i] = SearchOne(ctx, snapshot, parts, plan, i, &results[i]);
    rows.fetch_add(results[i].rows.size(), std::memory_order_relaxed);
  };
  if (queries == 1) {
    search(0);
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
                           const planner::Predicate* predicate) {
  if (predicate == nullptr) return snapshot.live;
  uint64_t count = 0;
  for (const segment::SnapshotPart& part : snapshot.parts) {
    CHROMA_ASSIGN(Bitmap selected, SelectRows(ctx, predicate, part));
    count += selected.Count();
  }
  return count;
}

}  // namespace chroma::executor
