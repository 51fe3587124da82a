// Nearest rows of one part, for any number of query vectors: by its vector indexes, and among the
// rows that none of them holds exactly, or by their signs where they are many.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bitmap.h"
#include "chroma/status.h"
#include "executor/trace.h"
#include "index/vector/vector_index.h"
#include "planner/plan.h"
#include "runtime/context.h"
#include "runtime/thread_pool.h"
#include "segment/snapshot.h"

namespace chroma::executor {

class PartSearch {
 public:
  // Evaluates the predicate, once for all queries. `part` outlives the search.
  // The pool, if any, helps to read documents.
  static Result<PartSearch> Prepare(runtime::Context& ctx, const planner::QueryPlan& plan,
                                    const segment::SnapshotPart& part,
                                    runtime::ThreadPool* pool = nullptr, Trace* trace = nullptr);

  // How many rows a search without a predicate compares one by one, or could in the time of what it
  // does instead.
  static uint64_t RowsScanned(const planner::QueryPlan& plan, const segment::SnapshotPart& part);
  // Whether the plan's queries have an index compare so many rows of the part that mapping them
  // takes less time than copying each.
  static bool MapsRows(const planner::QueryPlan& plan, const segment::SnapshotPart& part);
  // Has indexes do so. Who calls it gives the rows back.
  void MapRows() { maps_rows_ = true; }
  // Among `allowed`; none: every row. `exact`: no vector index is used.
  static Result<PartSearch> Prepare(const segment::SnapshotPart& part,
                                    std::optional<Bitmap> allowed, model::Space space, bool exact);

  // Appends the request.k nearest rows, or all that match when there are fewer. request.allowed and
  // request.moved are not looked at. Thread safe.
  Status Search(const index::SearchRequest& request, std::vector<index::Candidate>* out) const;
  // As a step `what` of the trace.
  Status SearchTraced(Trace& trace, std::string what, const index::SearchRequest& request,
                      std::vector<index::Candidate>* out) const;
  // Among how many rows Search looks.
  uint64_t rows_allowed() const { return allowed_ ? allowed_->Count() : part_->live(); }

 private:
  // Rows that are compared one by one.
  struct ExactRows {
    index::VectorSource source;
    std::vector<const float*> pointers;
    std::vector<uint32_t> rows;  // row i of the source is rows[i] of the part; empty: i
  };

  explicit PartSearch(const segment::SnapshotPart& part) : part_(&part) {}

  std::string Describe() const;
  Status GatherAll(ExactRows* out) const;
  Status Gather(const Bitmap& rows, ExactRows* out) const;
  Status SearchIndexes(index::SearchRequest request, std::vector<index::Candidate>* out) const;
  Status SearchExact(const ExactRows& exact, index::SearchRequest request,
                     std::vector<index::Candidate>* out) const;
  // Among all rows that no index holds, as SearchExact where `exact_` has them.
  Status SearchUnindexed(const index::SearchRequest& request,
                         std::vector<index::Candidate>* out) const;

  const segment::SnapshotPart* part_;
  std::optional<Bitmap> allowed_;  // none: every row
  bool empty_ = false;
  bool indexed_ = false;
  bool maps_rows_ = false;
  std::shared_ptr<index::SignCodes> signs_;  // null: rows that no index holds are in exact_
  std::optional<Bitmap> unindexed_;          // of those that are allowed; none: all of allowed_
  ExactRows exact_;
};

}  // namespace chroma::executor
