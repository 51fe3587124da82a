#include "segment/tail.h"

#include <utility>

#include "runtime/test_points.h"
#include "segment/tail_rows.h"

namespace chroma::segment {
namespace {

// Where a text that a row takes over from a segment is: a short one is copied, so that looking
// through many of them does not decompress a block for each.
constexpr size_t kCopiedBytesMax = 1024;

TailText TakeOver(std::optional<std::string> text, const Part& part, uint32_t row) {
  TailText taken;
  if (!text) return taken;
  if (text->size() > kCopiedBytesMax) {
    taken.source = &part;
    taken.source_row = row;
    return taken;
  }
  taken.owned = std::make_shared<const std::string>(*std::move(text));
  taken.text = *taken.owned;
  return taken;
}

// Notes what is given to a row of which something is lost; what is given anew is not lost any more.
void NoteGiven(const log::BatchView::Row& given, const model::Metadata& metadata, TailRow* row) {
  auto damage = std::make_shared<RowDamage>(*row->damage);
  if (given.vector != nullptr) {
    damage->vector = Status::Ok();
    damage->given_vector = given.vector;
  }
  if (given.document) {
    damage->document = Status::Ok();
    damage->given_document = given.document;
  }
  if (given.uri) {
    damage->uri = Status::Ok();
    damage->given_uri = given.uri;
  }
  for (const auto& [key, value] : metadata) damage->given_metadata.Set(key, value);
  row->damage = damage->any() ? std::move(damage) : nullptr;
}

// Notes the keys that an update removes, so that what is made of texts in the background does not
// bring them back.
void NoteRemoved(const model::Metadata& update, uint64_t offset, TailRow* row) {
  for (const auto& [key, value] : update) {
    const bool removes =
        std::holds_alternative<std::monostate>(value) || model::IsEmptyArray(value);
    if (!removes) continue;
    if (row->removed == nullptr) row->removed = std::make_shared<RemovedKeys>();
    row->removed->insert_or_assign(key, offset);
  }
}

// The columns that are given at this log offset; they point into the entry's payload.
Status MergeGiven(const log::BatchView::Row& given, uint64_t offset, TailRow* row) {
  model::Metadata metadata;
  if (!given.metadata.empty()) {
    CHROMA_ASSIGN(metadata, log::DecodeRowMetadata(given.metadata));
    row->metadata.Merge(metadata);
    NoteRemoved(metadata, offset, row);
  }
  if (given.vector != nullptr) row->vector = given.vector;
  if (given.document) row->document = {given.document, nullptr};
  if (given.uri) row->uri = {given.uri, nullptr};
  if (row->damage != nullptr) NoteGiven(given, metadata, row);
  return Status::Ok();
}

}  // namespace

Tail::Tail(const std::vector<SnapshotPart>& base)
    : tail_(std::make_shared<TailRows>()), tail_dead_(std::make_shared<Bitmap>()) {
  for (const SnapshotPart& part : base) {
    base_.push_back({part.part, DeadRows(part.dead), part.indexes});
    tail_->owners.push_back(part.part);
    if (part.part->dimension() != 0) dimension_ = part.part->dimension();
  }
}

Tail::~Tail() = default;

uint32_t Tail::rows() const {
  return tail_->size;
}

void Tail::DeadRows::Add(uint32_t row) {
  if (own_ == nullptr) {
    auto copy = std::make_shared<Bitmap>(*shown_);
    own_ = copy.get();
    shown_ = std::move(copy);
  }
  own_->Add(row);
}

std::shared_ptr<const Bitmap> Tail::DeadRows::Show() {
  own_ = nullptr;
  return shown_;
}

Status Tail::Apply(const log::Entry& entry) {
  CHROMA_ASSIGN(log::BatchView batch, log::DecodeBatch(*entry.payload));
  if (batch.rows.size() != entry.count) {
    return Status::DataLoss("a log entry holds another number of records than its frame says");
  }
  if (batch.dimension != 0 && dimension_ != 0 && batch.dimension != dimension_) {
    return Status::DataLoss("a log entry's vectors have dimension " +
                            std::to_string(batch.dimension) + ", the collection's have " +
                            std::to_string(dimension_));
  }
  if (batch.dimension != 0) dimension_ = batch.dimension;
  tail_->owners.push_back(entry.payload);
  payload_bytes_ += entry.payload->size();
  operations_ += entry.count;
  if (batch.request != 0) requests_.push_back({batch.request, entry.count, entry.end_offset()});
  for (size_t i = 0; i < batch.rows.size(); ++i) {
    CHROMA_TRY(ApplyRow(batch.operation, batch.rows[i], entry.first_offset + i));
  }
  return Status::Ok();
}

Status Tail::ApplyCarried(std::shared_ptr<const Bytes> updates) {
  CHROMA_ASSIGN(log::BatchView batch, log::DecodeBatch(*updates));
  const bool fits = batch.dimension == 0 || dimension_ == 0 || batch.dimension == dimension_;
  if (batch.operation != model::Operation::kUpdate || !fits) {
    return Status::DataLoss("a version carries what are no updates of its records");
  }
  payload_bytes_ += updates->size();
  tail_->owners.push_back(std::move(updates));
  // They do not say when they removed a key: it is not brought back.
  for (const log::BatchView::Row& row : batch.rows) {
    CHROMA_TRY(ApplyRow(batch.operation, row, /*offset=*/UINT64_MAX));
  }
  return Status::Ok();
}

Result<std::optional<Tail::Place>> Tail::FindLive(std::string_view id) const {
  // The newest mention decides; an older part may only hold rows that are dead by now.
  if (uint32_t row = tail_->Find(id); row != kNoRow && !tail_dead_.Contains(row)) {
    return std::optional<Place>(Place{base_.size(), row});
  }
  for (size_t part = base_.size(); part-- > 0;) {
    if (CHROMA_PLANTED_BUG("segment.miss_first_part") && part == 0 && base_.size() > 1) continue;
    CHROMA_ASSIGN(std::optional<uint32_t> row, base_[part].part->FindId(id));
    if (row && !base_[part].dead.Contains(*row)) return std::optional<Place>(Place{part, *row});
  }
  return std::optional<Place>();
}

void Tail::Kill(const Place& place) {
  (place.part == base_.size() ? tail_dead_ : base_[place.part].dead).Add(place.row);
}

Status Tail::ApplyRow(model::Operation operation, const log::BatchView::Row& row, uint64_t offset) {
  CHROMA_ASSIGN(std::optional<Place> old, FindLive(row.id));
  switch (operation) {
    case model::Operation::kAdd:
      return old ? Status::Ok() : Insert(row, offset);
    case model::Operation::kUpdate:
      return old ? Replace(row, *old, offset) : Status::Ok();
    case model::Operation::kUpsert:
      return old ? Replace(row, *old, offset) : Insert(row, offset);
    case model::Operation::kDelete:
      if (old) Kill(*old);
      return Status::Ok();
  }
  return Status::DataLoss("a log entry holds an unknown operation");
}

Status Tail::Insert(const log::BatchView::Row& row, uint64_t offset) {
  if (row.vector == nullptr) return Status::DataLoss("a log entry inserts a record without vector");
  TailRow added;
  added.id = row.id;
  added.insertion_offset = offset;
  CHROMA_TRY(MergeGiven(row, offset, &added));
  tail_->Append(std::move(added));
  return Status::Ok();
}

Result<TailRow> Tail::ReadOld(const log::BatchView::Row& row, const Place& old) const {
  const Part& part = *base_[old.part].part;
  const uint32_t rows[] = {old.row};
  TailRow found;
  found.base = &part;
  RowDamage damage;
  damage.part = old.part;
  damage.part_row = old.row;
  const auto note = [&](const Status& status, Status RowDamage::*column) -> Status {
    if (status.ok() || status.code() != StatusCode::kDataLoss) return status;
    damage.*column = status.Annotate("record \"" + std::string(row.id) + "\"");
    return Status::Ok();
  };
  CHROMA_ASSIGN(found.insertion_offset, part.InsertionOffset(old.row));
  if (row.vector == nullptr) {
    const Result<VectorRun> run = part.Vectors(old.row);
    CHROMA_TRY(note(run.status(), &RowDamage::vector));
    if (run.ok()) found.vector = run->values;
  }
  std::vector<std::optional<std::string>> document;
  std::vector<std::optional<std::string>> uri;
  std::vector<model::Metadata> metadata;
  if (!row.document) CHROMA_TRY(note(part.ReadDocuments(rows, &document), &RowDamage::document));
  if (!row.uri) CHROMA_TRY(note(part.ReadUris(rows, &uri), &RowDamage::uri));
  CHROMA_TRY(note(part.ReadMetadata(rows, &metadata), &RowDamage::metadata));
  if (damage.document.ok() && !document.empty()) {
    found.document = TakeOver(std::move(document[0]), part, old.row);
  }
  if (damage.uri.ok() && !uri.empty()) found.uri = TakeOver(std::move(uri[0]), part, old.row);
  if (damage.metadata.ok()) found.metadata = std::move(metadata[0]);
  if (damage.any()) found.damage = std::make_shared<const RowDamage>(std::move(damage));
  return found;
}

Status Tail::Replace(const log::BatchView::Row& row, const Place& old, uint64_t offset) {
  const bool in_tail = old.part == base_.size();
  // Nobody has seen it: what replaces it again and again takes one row.
  if (in_tail && old.row >= shown_rows_) return MergeGiven(row, offset, &tail_->row(old.row));
  TailRow merged;
  if (in_tail) {
    merged = std::as_const(*tail_).row(old.row);
    merged.previous = kNoRow;  // Append() sets it
    merged.removed = nullptr;
  } else {
    CHROMA_ASSIGN(merged, ReadOld(row, old));
  }
  merged.id = row.id;
  CHROMA_TRY(MergeGiven(row, offset, &merged));
  Kill(old);
  tail_->Append(std::move(merged));
  return Status::Ok();
}

std::vector<SnapshotPart> Tail::Parts() {
  shown_rows_ = tail_->size;
  std::vector<SnapshotPart> parts;
  for (Base& base : base_) parts.push_back({base.part, base.dead.Show(), base.indexes});
  if (tail_->size > 0) {
    parts.push_back({std::make_shared<TailView>(tail_, dimension_), tail_dead_.Show(), nullptr});
  }
  return parts;
}

std::vector<UnreadableRow> Tail::Unreadable() const {
  std::vector<UnreadableRow> unreadable;
  if (!tail_->any_damage) return unreadable;
  for (uint32_t row = 0; row < tail_->size; ++row) {
    const auto& damage = std::as_const(*tail_).row(row).damage;
    if (damage == nullptr || tail_dead_.Contains(row)) continue;
    unreadable.push_back({row, damage->part, damage->part_row});
  }
  return unreadable;
}

}  // namespace chroma::segment
