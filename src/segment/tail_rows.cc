#include "segment/tail_rows.h"

#include <utility>

#include "model/compare.h"
#include "segment/sparse_column.h"
#include "segment/sparse_fill.h"

namespace chroma::segment {

// A column of texts: where rows have it, and where the part does that they took it over from.
struct TailTextColumn {
  TailText TailRow::*text;
  Status RowDamage::*damage;
  Status (Part::*read)(std::span<const uint32_t>, std::vector<std::optional<std::string>>*) const;
};

namespace {

constexpr TailTextColumn kDocuments{&TailRow::document, &RowDamage::document, &Part::ReadDocuments};
constexpr TailTextColumn kUris{&TailRow::uri, &RowDamage::uri, &Part::ReadUris};

}  // namespace

uint32_t TailRows::Append(TailRow added) {
  runtime::MutexLock lock(mutex);
  if (size == blocks.size() * TailBlock::kRows) blocks.push_back(std::make_shared<TailBlock>());
  if (size > 0 && added.insertion_offset < row(size - 1).insertion_offset) {
    in_insertion_order = false;
  }
  any_damage = any_damage || added.damage != nullptr;
  const uint32_t number = size;
  auto [slot, is_new] = latest.try_emplace(added.id, number);
  if (!is_new) added.previous = std::exchange(slot->second, number);
  row(number) = std::move(added);
  ++size;
  return number;
}

uint32_t TailRows::Find(std::string_view id, uint32_t below) const {
  runtime::MutexLock lock(mutex);
  auto found = latest.find(id);
  uint32_t number = found == latest.end() ? kNoRow : found->second;
  while (number != kNoRow && number >= below) number = row(number).previous;
  return number;
}

TailView::TailView(std::shared_ptr<const TailRows> rows, uint32_t dimension)
    : all_(std::move(rows)),
      blocks_(all_->blocks.begin(), all_->blocks.end()),
      size_(all_->size),
      dimension_(dimension),
      in_insertion_order_(all_->in_insertion_order),
      any_damage_(all_->any_damage) {}

Result<std::optional<uint32_t>> TailView::FindId(std::string_view id) const {
  const uint32_t row = all_->Find(id, size_);
  return row == kNoRow ? std::optional<uint32_t>() : std::optional<uint32_t>(row);
}

Result<VectorRun> TailView::Vectors(uint32_t row) const {
  // Short runs: callers who want one row must not pay for a search of the whole entry.
  constexpr uint32_t kRunRowsMax = 16;
  if (At(row).vector == nullptr) return At(row).damage->vector;
  VectorRun run{At(row).vector, 1};
  const float* next = run.values + dimension_;
  while (run.rows < kRunRowsMax && row + run.rows < size_ && At(row + run.rows).vector == next) {
    ++run.rows;
    next += dimension_;
  }
  return run;
}

namespace {

Status ReadText(const TailText& text, const TailTextColumn& column,
                std::vector<std::optional<std::string>>* out) {
  if (text.source != nullptr) return (text.source->*column.read)({&text.source_row, 1}, out);
  out->emplace_back(text.text);
  return Status::Ok();
}

}  // namespace

Status TailView::ReadTexts(std::span<const uint32_t> rows, const TailTextColumn& column,
                           std::vector<std::optional<std::string>>* out) const {
  for (uint32_t row : rows) {
    CHROMA_TRY(CheckReadable(row, column.damage));
    CHROMA_TRY(ReadText(At(row).*column.text, column, out));
  }
  return Status::Ok();
}

Status TailView::ReadDocuments(std::span<const uint32_t> rows,
                               std::vector<std::optional<std::string>>* out) const {
  return ReadTexts(rows, kDocuments, out);
}

Status TailView::ReadUris(std::span<const uint32_t> rows,
                          std::vector<std::optional<std::string>>* out) const {
  return ReadTexts(rows, kUris, out);
}

Status TailView::ReadMetadata(std::span<const uint32_t> rows,
                              std::vector<model::Metadata>* out) const {
  for (uint32_t row : rows) {
    CHROMA_TRY(CheckReadable(row, &RowDamage::metadata));
    out->push_back(At(row).metadata);
  }
  return Status::Ok();
}

template <typename Test>
Result<Bitmap> TailView::Select(runtime::Context& ctx, const Bitmap* candidates,
                                Status RowDamage::*column, Test test) const {
  constexpr uint32_t kRowsPerCheck = 4096;
  std::vector<uint32_t> matching;
  for (uint32_t row = 0; row < size_; ++row) {
    if (row % kRowsPerCheck == 0) CHROMA_TRY(ctx.Check());
    if (candidates != nullptr && !candidates->Contains(row)) continue;
    CHROMA_TRY(CheckAnswer(row, column));
    if (test(At(row))) matching.push_back(row);
  }
  return Bitmap::FromSorted(matching.data(), matching.size());
}

Result<Bitmap> TailView::Match(runtime::Context& ctx,
                               const model::MetadataPredicate& predicate) const {
  const model::PredicateMatcher matcher(predicate);
  return Select(ctx, nullptr, &RowDamage::metadata, [&](const TailRow& row) {
    return matcher.Matches(row.metadata.Find(matcher.key()));
  });
}

Result<Bitmap> TailView::MatchText(runtime::Context& ctx, std::string_view key,
                                   const index::TextPattern& pattern, std::string* how) const {
  if (how != nullptr) *how = "every value compared";
  return Select(ctx, nullptr, &RowDamage::metadata, [&](const TailRow& row) {
    const model::MetadataValue* value = row.metadata.Find(key);
    return value != nullptr && HasText(*value, pattern);
  });
}

namespace {

// Looked up row by row.
class TailValues final : public KeyValues {
 public:
  TailValues(const TailView& tail, std::string_view key) : tail_(tail), key_(key) {}

  ValueView At(uint32_t row) const override {
    const model::MetadataValue* value = tail_.At(row).metadata.Find(key_);
    return value == nullptr ? ValueView() : ViewOf(*value);
  }
  Status Count(runtime::Context& ctx, const Bitmap& rows, ValueCounts* counts) const override {
    CHROMA_TRY(ctx.Check());
    rows.ForEach([&](uint32_t row) {
      const model::MetadataValue* value = tail_.At(row).metadata.Find(key_);
      if (value != nullptr) CountValue(*value, counts);
      return true;
    });
    return Status::Ok();
  }

 private:
  const TailView& tail_;
  const std::string key_;
};

}  // namespace

Result<std::unique_ptr<KeyValues>> TailView::Key(std::string_view key, const Bitmap& rows) const {
  Status whole;
  if (any_damage_) {
    rows.ForEach([&](uint32_t row) {
      whole = CheckAnswer(row, &RowDamage::metadata);
      return whole.ok();
    });
  }
  CHROMA_TRY(whole);
  return std::unique_ptr<KeyValues>(std::make_unique<TailValues>(*this, key));
}

Result<Bitmap> TailView::MatchTexts(runtime::Context& ctx, const Bitmap* candidates,
                                    const TailTextColumn& column, const TextTest& test) const {
  Status read;
  std::vector<std::optional<std::string>> taken;
  CHROMA_ASSIGN(Bitmap matching, Select(ctx, candidates, column.damage, [&](const TailRow& row) {
                  const TailText& text = row.*column.text;
                  if (text.source == nullptr) return text.text && test(*text.text);
                  taken.clear();
                  if (read.ok()) read = ReadText(text, column, &taken);
                  return read.ok() && taken[0] && test(*taken[0]);
                }));
  CHROMA_TRY(read);
  return matching;
}

Result<Bitmap> TailView::MatchDocuments(runtime::Context& ctx, const Bitmap* candidates,
                                        const TextTest& test) const {
  return MatchTexts(ctx, candidates, kDocuments, test);
}

Result<Bitmap> TailView::MatchUris(runtime::Context& ctx, const Bitmap* candidates,
                                   const TextTest& test) const {
  return MatchTexts(ctx, candidates, kUris, test);
}

bool TailView::AwaitsFill(uint32_t row, const SparseFill& fill) const {
  const TailRow& found = At(row);
  for (uint32_t older = row; older != kNoRow; older = At(older).previous) {
    // An earlier record of that id, which was deleted.
    if (At(older).insertion_offset != found.insertion_offset) break;
    const RemovedKeys* removed = At(older).removed.get();
    if (removed == nullptr) continue;
    const auto at = removed->find(fill.key);
    if (at == removed->end()) continue;
    // The latest removal decides: what was removed before the key was switched on is filled.
    if (at->second >= fill.log_offset) return false;
    break;
  }
  // What was inserted since brought its vector along, if any can be made of it.
  return found.base == nullptr || found.base->AwaitsFill(0, fill);
}

template <typename Wanted, typename Visit>
Status TailView::ForEachSparse(runtime::Context& ctx, std::string_view key, Wanted wanted,
                               Visit visit) const {
  constexpr uint32_t kRowsPerCheck = 4096;
  for (uint32_t row = 0; row < size_; ++row) {
    if (row % kRowsPerCheck == 0) CHROMA_TRY(ctx.Check());
    if (!wanted(row)) continue;
    CHROMA_TRY(CheckAnswer(row, &RowDamage::metadata));
    const model::MetadataValue* value = At(row).metadata.Find(key);
    if (value == nullptr) continue;
    if (const auto* vector = std::get_if<model::SparseVector>(value)) visit(row, *vector);
  }
  return Status::Ok();
}

Status TailView::SearchSparse(runtime::Context& ctx, std::string_view key,
                              const index::SparseRequest& request,
                              std::vector<index::Candidate>* out) const {
  CHROMA_TRY(index::CheckSparseQuery(request.query));
  index::NearestSparse nearest(request.k, request.bound);
  const auto wanted = [&](uint32_t row) {
    return (request.allowed == nullptr || request.allowed->Contains(row)) &&
           (request.dead == nullptr || !request.dead->Contains(row));
  };
  CHROMA_TRY(ForEachSparse(ctx, key, wanted, [&](uint32_t row, const model::SparseVector& vector) {
    const std::optional<double> dot = index::SparseDot(request.query, vector);
    if (dot) nearest.Push({index::SparseDistance(*dot), row});
  }));
  nearest.Take(out);
  return Status::Ok();
}

Status TailView::CountSparse(runtime::Context& ctx, std::string_view key,
                             std::span<const uint32_t> dimensions, const Bitmap& dead,
                             std::span<uint64_t> counts) const {
  const auto wanted = [&](uint32_t row) { return !dead.Contains(row); };
  return ForEachSparse(ctx, key, wanted, [&](uint32_t, const model::SparseVector& vector) {
    CountShared(
        dimensions, 0, vector.indices.size(), [&](uint64_t i) { return vector.indices[i]; },
        counts);
  });
}

}  // namespace chroma::segment
