#include "executor/part_search.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "executor/filter.h"
#include "index/vector/flat_index.h"
#include "runtime/log.h"

namespace chroma::executor {
namespace {

using index::Candidate;
using index::SearchRequest;

// Rows scanned by their signs in the time of comparing one.
constexpr uint64_t kSignsPerComparison = 20;
// So few rows are compared one by one, whatever is indexed.
constexpr uint64_t kRowsComparedMax = 512;

// A copy of a row takes one or two microseconds, and so does to map the pages around one; so where
// queries come to one row in so many, nearly all are mapped for less.
constexpr uint64_t kRowsPerMapped = 16;

// The rows that one search of an index compares.
class PartRows final : public index::RowReader {
 public:
  // `copied`: of a part that is seldom searched, and does not become a part of this process's
  // memory by it.
  PartRows(const segment::Part& part, bool copied) : part_(part), copied_(copied) {}
  Result<const float*> Row(uint32_t row) const override {
    if (!copied_ || rows_ >= kCopiedMax) {
      CHROMA_ASSIGN(const segment::VectorRun run, part_.Vectors(row));
      return run.values;
    }
    const size_t dimension = part_.dimension();
    const size_t place = rows_++ % kRowsPerBlock;
    if (place == 0) blocks_.push_back(std::make_unique<float[]>(kRowsPerBlock * dimension));
    float* const values = blocks_.back().get() + place * dimension;
    CHROMA_TRY(part_.CopyVector(row, values));
    return static_cast<const float*>(values);
  }

 private:
  static constexpr size_t kRowsPerBlock = 32;
  static constexpr size_t kCopiedMax = 2048;  // beyond, it takes more memory than mapping them
  const segment::Part& part_;
  const bool copied_;
  mutable size_t rows_ = 0;
  mutable std::vector<std::unique_ptr<float[]>> blocks_;
};

bool CanSearch(const segment::PartIndexes* indexes, model::Space space) {
  if (indexes == nullptr || indexes->damaged()) return false;
  for (const segment::PartIndex& index : indexes->list) {
    if (index.reader->space().space != space) return false;
  }
  return !indexes->list.empty();
}

}  // namespace

Result<PartSearch> PartSearch::Prepare(runtime::Context& ctx, const planner::QueryPlan& plan,
                                       const segment::SnapshotPart& part, runtime::ThreadPool* pool,
                                       Trace* trace) {
  const planner::Predicate* predicate = plan.predicate ? &*plan.predicate : nullptr;
  std::optional<Bitmap> allowed;
  if (predicate != nullptr || !part.dead->Empty()) {
    CHROMA_ASSIGN(allowed, SelectRows(ctx, predicate, part, {kAllRows, pool, trace}));
  }
  return Prepare(part, std::move(allowed), plan.space, plan.exact);
}

Result<PartSearch> PartSearch::Prepare(const segment::SnapshotPart& part,
                                       std::optional<Bitmap> allowed, model::Space space,
                                       bool exact) {
  PartSearch search(part);
  search.allowed_ = std::move(allowed);
  search.empty_ = search.allowed_ && search.allowed_->Empty();
  if (search.empty_ || part.part->rows() == 0) return search;
  search.indexed_ = !exact && CanSearch(part.indexes.get(), space);
  if (search.indexed_ && search.allowed_ && search.allowed_->Count() <= kRowsComparedMax) {
    search.indexed_ = false;
    CHROMA_TRY(search.Gather(*search.allowed_, &search.exact_));
    return search;
  }
  if (!exact && segment::NeedsSigns(part)) {
    search.signs_ = part.part->signs().Get(space, part.part->dimension());
  }
  if (search.indexed_) {
    Bitmap unindexed = part.indexes->unindexed;
    if (search.allowed_) unindexed &= *search.allowed_;
    if (search.signs_ == nullptr) {
      CHROMA_TRY(search.Gather(unindexed, &search.exact_));
    } else {
      search.unindexed_ = std::move(unindexed);
    }
  } else if (search.signs_ == nullptr) {
    CHROMA_TRY(search.GatherAll(&search.exact_));
  }
  return search;
}

uint64_t PartSearch::RowsScanned(const planner::QueryPlan& plan,
                                 const segment::SnapshotPart& part) {
  const bool indexed = !plan.exact && CanSearch(part.indexes.get(), plan.space);
  const uint64_t rows = indexed ? part.indexes->unindexed.Count() : part.part->rows();
  if (plan.exact || !segment::NeedsSigns(part)) return rows;
  return segment::RowsWithoutSigns(part, plan.space) + part.part->rows() / kSignsPerComparison;
}

bool PartSearch::MapsRows(const planner::QueryPlan& plan, const segment::SnapshotPart& part) {
  if (plan.exact || !CanSearch(part.indexes.get(), plan.space)) return false;
  const uint64_t compared = uint64_t{plan.n_results} * plan.queries.rows();
  if (compared < part.part->rows() / kRowsPerMapped) return false;
  return std::any_of(
      part.indexes->list.begin(), part.indexes->list.end(),
      [](const segment::PartIndex& index) { return !index.reader->index().HasNodes(); });
}

// One block where the vectors lie together, as in a segment, or one pointer per row, as in the
// tail.
Status PartSearch::GatherAll(ExactRows* out) const {
  const segment::Part& part = *part_->part;
  index::VectorSource& source = out->source;
  const uint32_t n = part.rows();
  source.n = n;
  source.dimension = part.dimension();
  source.stride = part.dimension();
  for (uint32_t row = 0; row < n;) {
    CHROMA_ASSIGN(segment::VectorRun run, part.Vectors(row));
    if (row == 0) source.rows = run.values;
    const bool contiguous =
        out->pointers.empty() && run.values == source.rows + size_t{row} * part.dimension();
    if (!contiguous && out->pointers.empty()) {
      for (uint32_t i = 0; i < row; ++i) {
        out->pointers.push_back(source.rows + size_t{i} * part.dimension());
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
    source.rows = nullptr;
    source.row_pointers = out->pointers.data();
  }
  return Status::Ok();
}

Status PartSearch::Gather(const Bitmap& rows, ExactRows* out) const {
  out->rows = rows.ToVector();
  const PartRows reader(*part_->part, /*copied=*/false);
  for (const uint32_t row : out->rows) {
    CHROMA_ASSIGN(const float* values, reader.Row(row));
    out->pointers.push_back(values);
  }
  out->source.dimension = part_->part->dimension();
  out->source.n = static_cast<uint32_t>(out->rows.size());
  out->source.row_pointers = out->pointers.data();
  return Status::Ok();
}

Status PartSearch::Search(const SearchRequest& request, std::vector<Candidate>* out) const {
  if (empty_) return Status::Ok();
  if (!indexed_) return SearchUnindexed(request, out);
  const size_t before = out->size();
  const Status searched = SearchIndexes(request, out);
  if (searched.ok()) return SearchUnindexed(request, out);
  if (searched.code() != StatusCode::kDataLoss) return searched;
  // Everything in an index can be had from the rows, which tell themselves whether they are
  // damaged.
  runtime::Log(runtime::LogLevel::kWarning, "a vector index is damaged: searched without it",
               {{"error", searched.message()}});
  out->resize(before);
  ExactRows all;
  CHROMA_TRY(GatherAll(&all));
  return SearchExact(all, request, out);
}

std::string PartSearch::Describe() const {
  std::string text;
  if (indexed_) {
    uint64_t rows = 0;
    for (const segment::PartIndex& index : part_->indexes->list) rows += index.rows();
    text = std::to_string(part_->indexes->list.size()) + " vector indexes over " +
           std::to_string(rows) + " records, ";
  }
  if (signs_ != nullptr) {
    const uint64_t rows = unindexed_ ? unindexed_->Count() : rows_allowed();
    return text + std::to_string(rows) + " records by their signs";
  }
  // Of a whole part only those that are allowed are compared.
  const uint64_t compared = indexed_ || !exact_.rows.empty() ? exact_.source.n : rows_allowed();
  return text + std::to_string(empty_ ? 0 : compared) + " records compared";
}

Status PartSearch::SearchTraced(Trace& trace, std::string what, const SearchRequest& request,
                                std::vector<Candidate>* out) const {
  trace.Begin(std::move(what), rows_allowed());
  trace.How(Describe());
  const size_t before = out->size();
  const Status searched = Search(request, out);
  trace.End(out->size() - before);
  return searched;
}

Status PartSearch::SearchIndexes(SearchRequest request, std::vector<Candidate>* out) const {
  index::VectorSource source;
  source.n = part_->part->rows();
  source.dimension = part_->part->dimension();
  request.allowed = allowed_ ? &*allowed_ : nullptr;
  for (const segment::PartIndex& index : part_->indexes->list) {
    const bool copied = !maps_rows_ && !index.reader->index().HasNodes();
    const PartRows reader(*part_->part, copied);
    source.reader = &reader;
    request.moved = index.Moved();
    CHROMA_TRY(index.reader->index().Search(source, request, out));
  }
  return Status::Ok();
}

Status PartSearch::SearchUnindexed(const SearchRequest& request,
                                   std::vector<Candidate>* out) const {
  if (signs_ == nullptr) return SearchExact(exact_, request, out);
  const PartRows reader(*part_->part, /*copied=*/false);
  index::VectorSource source;
  source.reader = &reader;
  source.n = part_->part->rows();
  source.dimension = part_->part->dimension();
  SearchRequest among = request;
  const std::optional<Bitmap>& rows = unindexed_ ? unindexed_ : allowed_;
  among.allowed = rows ? &*rows : nullptr;
  return signs_->Search(source, among, out);
}

Status PartSearch::SearchExact(const ExactRows& exact, SearchRequest request,
                               std::vector<Candidate>* out) const {
  if (exact.source.n == 0) return Status::Ok();
  const bool renumbered = !exact.rows.empty();
  request.allowed = allowed_ && !renumbered ? &*allowed_ : nullptr;
  const size_t before = out->size();
  CHROMA_TRY(index::FlatIndex().Search(exact.source, request, out));
  if (!renumbered) return Status::Ok();
  for (size_t i = before; i < out->size(); ++i) (*out)[i].row = exact.rows[(*out)[i].row];
  return Status::Ok();
}

}  // namespace chroma::executor
