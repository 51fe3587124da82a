#include "compactor/merge.h"

#include <algorithm>
#include <memory>
#include <queue>
#include <utility>

#include "segment/sparse_fill.h"

namespace chroma::compactor {
namespace {

using segment::Part;
using segment::SnapshotPart;

// What is fetched of rows in one pass over them.
enum class Columns : uint8_t { kKeysAndMetadata, kDocuments, kUris };

// The live rows of one part in insertion order, fetched some at a time so that each compressed
// block is read once.
class PartCursor {
 public:
  // `filler` outlives it.
  Status Init(const SnapshotPart& source, const segment::SparseFiller& filler) {
    part_ = source.part.get();
    filler_ = &filler;
    Bitmap live = Bitmap::Range(0, part_->rows());
    live -= *source.dead;
    order_ = live.ToVector();
    if (part_->InInsertionOrder()) return Status::Ok();
    std::vector<std::pair<uint64_t, uint32_t>> keyed;
    for (uint32_t row : order_) {
      CHROMA_ASSIGN(uint64_t offset, part_->InsertionOffset(row));
      keyed.push_back({offset, row});
    }
    std::sort(keyed.begin(), keyed.end());
    for (size_t i = 0; i < keyed.size(); ++i) order_[i] = keyed[i].second;
    return Status::Ok();
  }

  // To the first row, for a pass over them.
  Status Begin(Columns columns) {
    columns_ = columns;
    at_ = loaded_begin_ = loaded_end_ = 0;
    rows_at_once_ = kRowsAtFirst;
    return Load();
  }

  bool AtEnd() const { return at_ == order_.size(); }
  uint32_t part_row() const { return order_[at_]; }
  uint64_t insertion_offset() const { return insertion_offset_; }

  // Without texts, in a pass over keys and metadata.
  Result<segment::RowView> Row() const {
    segment::RowView row;
    CHROMA_ASSIGN(row.id, part_->Id(order_[at_]));
    row.insertion_offset = insertion_offset_;
    CHROMA_ASSIGN(segment::VectorRun run, part_->Vectors(order_[at_]));
    row.vector = run.values;
    row.metadata = &metadata_[at_ - loaded_begin_];
    return row;
  }
  // In a pass over texts.
  std::optional<std::string_view> Text() const {
    const std::optional<std::string>& text = texts_[at_ - loaded_begin_];
    return text ? std::optional<std::string_view>(*text) : std::nullopt;
  }

  Status Next() {
    ++at_;
    return Load();
  }

 private:
  // So many are held decoded; fewer of large texts.
  static constexpr size_t kRowsAtFirst = 64;
  static constexpr size_t kRowsAtOnceMax = 1024;
  static constexpr size_t kTextBytesAtOnce = 4 << 20;

  Status Load() {
    if (AtEnd()) return Status::Ok();
    CHROMA_ASSIGN(insertion_offset_, part_->InsertionOffset(order_[at_]));
    if (at_ != loaded_end_) return Status::Ok();
    loaded_begin_ = at_;
    loaded_end_ = std::min(at_ + rows_at_once_, order_.size());
    // Parts read ascending rows; a tail that is out of order is sorted and put back in place.
    std::vector<uint32_t> rows(order_.begin() + static_cast<ptrdiff_t>(loaded_begin_),
                               order_.begin() + static_cast<ptrdiff_t>(loaded_end_));
    std::vector<uint32_t> sorted = rows;
    std::sort(sorted.begin(), sorted.end());
    texts_.clear();
    metadata_.clear();
    switch (columns_) {
      case Columns::kKeysAndMetadata:
        CHROMA_TRY(part_->ReadMetadata(sorted, &metadata_));
        CHROMA_TRY(filler_->Fill(*part_, sorted, metadata_));
        break;
      case Columns::kDocuments:
        CHROMA_TRY(part_->ReadDocuments(sorted, &texts_));
        break;
      case Columns::kUris:
        CHROMA_TRY(part_->ReadUris(sorted, &texts_));
        break;
    }
    ChooseRowsAtOnce(rows.size());
    if (sorted == rows) return Status::Ok();
    if (columns_ == Columns::kKeysAndMetadata) {
      Reorder(rows, sorted, metadata_);
    } else {
      Reorder(rows, sorted, texts_);
    }
    return Status::Ok();
  }

  // From how large the last ones were.
  void ChooseRowsAtOnce(size_t rows) {
    size_t bytes = 0;
    for (const std::optional<std::string>& text : texts_) bytes += text ? text->size() : 0;
    rows_at_once_ = std::clamp<size_t>(rows * kTextBytesAtOnce / std::max<size_t>(bytes, 1), 1,
                                       std::min(kRowsAtOnceMax, rows_at_once_ * 4));
  }

  template <typename T>
  static void Reorder(const std::vector<uint32_t>& rows, const std::vector<uint32_t>& sorted,
                      std::vector<T>& column) {
    std::vector<T> ordered;
    ordered.reserve(rows.size());
    for (uint32_t row : rows) {
      const auto at = std::lower_bound(sorted.begin(), sorted.end(), row) - sorted.begin();
      ordered.push_back(std::move(column[static_cast<size_t>(at)]));
    }
    column = std::move(ordered);
  }

  const Part* part_ = nullptr;
  const segment::SparseFiller* filler_ = nullptr;
  Columns columns_ = Columns::kKeysAndMetadata;
  std::vector<uint32_t> order_;
  size_t at_ = 0;
  size_t loaded_begin_ = 0;
  size_t loaded_end_ = 0;
  size_t rows_at_once_ = kRowsAtFirst;
  uint64_t insertion_offset_ = 0;
  std::vector<std::optional<std::string>> texts_;
  std::vector<model::Metadata> metadata_;
};

// Where the rows of a part with vector indexes went.
class PlacedRows {
 public:
  explicit PlacedRows(const SnapshotPart& source) : source_(source) {
    if (source.indexes != nullptr) placed_.resize(source.part->rows(), index::MovedRows::kGone);
  }
  void Place(uint32_t row, uint32_t to) {
    if (!placed_.empty()) placed_[row] = to;
  }
  // Hands the indexes on to the new segment.
  Status HandOn(segment::SegmentWriter& writer, std::vector<format::ManifestIndex>* indexes) const {
    if (source_.indexes == nullptr) return Status::Ok();
    for (const segment::PartIndex& index : source_.indexes->list) {
      std::vector<uint32_t> moved(index.reader->rows(), index::MovedRows::kGone);
      uint32_t left = 0;
      for (uint32_t row = 0; row < moved.size(); ++row) {
        const uint32_t before = index.Moved()[row];
        if (before == index::MovedRows::kGone) continue;
        moved[row] = placed_[before];
        left += moved[row] == index::MovedRows::kGone ? 0 : 1;
      }
      if (left < kRowsLeftMin * static_cast<double>(moved.size())) continue;
      CHROMA_TRY(writer.AddMovedRows(index.reader->blob(), moved));
      indexes->push_back(
          {index.reader->blob(), index.reader->size_bytes(), index.reader->checksum()});
    }
    return Status::Ok();
  }

 private:
  // An index of which less is left is not worth its walks.
  static constexpr double kRowsLeftMin = .3;

  const SnapshotPart& source_;
  std::vector<uint32_t> placed_;  // empty: nobody will ask
};

// A part on its way into the new segment.
struct Source {
  explicit Source(const SnapshotPart& part) : placed(part) {}
  PartCursor cursor;
  PlacedRows placed;
};

struct Later {
  bool operator()(const Source* a, const Source* b) const {
    return a->cursor.insertion_offset() > b->cursor.insertion_offset();
  }
};

using Sources = std::vector<std::unique_ptr<Source>>;

// Calls visit(source) for all rows in insertion order, which is the same in each pass.
template <typename Visit>
Status ForEachRow(runtime::Context& ctx, const Sources& sources, Columns columns, Visit visit) {
  constexpr uint32_t kRowsPerCheck = 1024;
  std::priority_queue<Source*, std::vector<Source*>, Later> next;
  for (const auto& source : sources) {
    CHROMA_TRY(source->cursor.Begin(columns));
    if (!source->cursor.AtEnd()) next.push(source.get());
  }
  for (uint32_t row = 0; !next.empty(); ++row) {
    if (row % kRowsPerCheck == 0) CHROMA_TRY(ctx.Check());
    Source& source = *next.top();
    next.pop();
    CHROMA_TRY(visit(source));
    CHROMA_TRY(source.cursor.Next());
    if (!source.cursor.AtEnd()) next.push(&source);
  }
  return Status::Ok();
}

}  // namespace

Result<std::optional<format::ManifestSegment>> MergeParts(
    runtime::Context& ctx, store::BlobStore& store, const std::string& blob, uint32_t dimension,
    const std::vector<SnapshotPart>& parts, const model::Schema* schema,
    uint32_t indexed_rows_min) {
  const segment::SparseFiller filler(ctx, schema);
  Sources sources;
  uint64_t rows = 0;
  for (const SnapshotPart& part : parts) {
    sources.push_back(std::make_unique<Source>(part));
    CHROMA_TRY(sources.back()->cursor.Init(part, filler));
    rows += part.live();
  }
  if (rows == 0) return std::optional<format::ManifestSegment>();

  CHROMA_ASSIGN(std::unique_ptr<segment::SegmentWriter> writer,
                segment::SegmentWriter::Create(ctx, store, blob, dimension, schema));
  CHROMA_TRY(ForEachRow(ctx, sources, Columns::kKeysAndMetadata, [&](Source& source) -> Status {
    CHROMA_ASSIGN(segment::RowView row, source.cursor.Row());
    source.placed.Place(source.cursor.part_row(), writer->rows());
    return writer->Add(row);
  }));
  // One pass for each column of texts, so that none has to be held until another was written.
  CHROMA_TRY(ForEachRow(ctx, sources, Columns::kDocuments,
                        [&](Source& source) { return writer->AddDocument(source.cursor.Text()); }));
  CHROMA_TRY(ForEachRow(ctx, sources, Columns::kUris,
                        [&](Source& source) { return writer->AddUri(source.cursor.Text()); }));
  format::ManifestSegment segment;
  for (const auto& source : sources) {
    if (rows < indexed_rows_min) break;
    CHROMA_TRY(source->placed.HandOn(*writer, &segment.indexes));
  }
  for (const segment::SparseFill& fill : filler.fills()) writer->MarkFilled(fill.section_key);
  CHROMA_ASSIGN(const segment::SegmentSummary summary, writer->Finish(ctx));
  segment.blob = summary.blob;
  segment.rows = summary.rows;
  segment.size_bytes = summary.size_bytes;
  segment.checksum = summary.checksum;
  return std::optional<format::ManifestSegment>(std::move(segment));
}

}  // namespace chroma::compactor
