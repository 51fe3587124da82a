// The rows of a tail, and the Part that shows a prefix of them. Rows stand in blocks that never
// move; a view shares the blocks and sees the first n rows, however many are appended later.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/metadata.h"
#include "runtime/mutex.h"
#include "segment/part.h"

namespace chroma::segment {

inline constexpr uint32_t kNoRow = UINT32_MAX;

// A text of a row. Rows that replace one another share it; a long one that came from a segment is
// read there when it is wanted, so that changing a record's metadata does not cost its document.
struct TailText {
  std::optional<std::string_view> text;      // of a log entry's payload, or of `owned`
  std::shared_ptr<const std::string> owned;  // may be null
  const Part* source = nullptr;              // not null: it is the text of `source_row` there
  uint32_t source_row = 0;
};

// What a row could not take over from the older one that it replaces. It is what reading the row
// answers, so that damage of one record does not keep others from being read.
struct RowDamage {
  // Why the column cannot be read; OK: it can.
  Status vector;
  Status document;
  Status uri;
  Status metadata;
  // The older row, in a part of the tail's base.
  size_t part = 0;
  uint32_t part_row = 0;
  // What was given since; what the row itself has is this over what it took over.
  const float* given_vector = nullptr;
  std::optional<std::string_view> given_document;
  std::optional<std::string_view> given_uri;
  model::Metadata given_metadata;  // null: erases the key

  bool any() const { return !vector.ok() || !document.ok() || !uri.ok() || !metadata.ok(); }
};

// Keys that updates removed from a row, each with the log offset at which that was done last.
using RemovedKeys = std::unordered_map<std::string, uint64_t>;

struct TailRow {
  std::string_view id;  // of a log entry's payload
  uint64_t insertion_offset = 0;
  const float* vector = nullptr;  // of a payload, or of the segment that the row came from
  TailText document;
  TailText uri;
  model::Metadata metadata;
  uint32_t previous = kNoRow;               // an older row of the same id
  std::shared_ptr<const RowDamage> damage;  // null: none
  // The part of the tail's base that has the row which this one goes back to; null: it was
  // inserted.
  const Part* base = nullptr;
  // What was removed since `previous` was replaced by this row, and may be there again; null:
  // nothing. A row does not repeat what those before it say, of which there may be many.
  std::shared_ptr<RemovedKeys> removed;
};

struct TailBlock {
  static constexpr uint32_t kRows = 512;
  std::array<TailRow, kRows> rows;
};

// Appended to by one task (the tail's owner); read through views.
struct TailRows {
  std::vector<std::shared_ptr<TailBlock>> blocks;
  uint32_t size = 0;
  bool in_insertion_order = true;
  bool any_damage = false;
  std::vector<std::shared_ptr<const void>> owners;  // of the bytes and parts that rows point to
  KeptSigns signs;

  // The latest row of every id; views look up in it while the owner appends. The mutex also
  // covers the growth of `blocks` and `size`, which only the owner reads without it.
  mutable runtime::Mutex mutex;
  std::unordered_map<std::string_view, uint32_t> latest CHROMA_GUARDED_BY(mutex);

  TailRow& row(uint32_t i) { return blocks[i / TailBlock::kRows]->rows[i % TailBlock::kRows]; }
  const TailRow& row(uint32_t i) const {
    return blocks[i / TailBlock::kRows]->rows[i % TailBlock::kRows];
  }
  // Adds a row for its id and returns its number.
  uint32_t Append(TailRow row);
  // The latest row of the id among the first `below` rows; kNoRow when there is none.
  uint32_t Find(std::string_view id, uint32_t below = kNoRow) const;
};

struct TailTextColumn;

class TailView : public Part {
 public:
  TailView(std::shared_ptr<const TailRows> rows, uint32_t dimension);

  uint32_t rows() const override { return size_; }
  uint32_t dimension() const override { return dimension_; }
  bool InInsertionOrder() const override { return in_insertion_order_; }
  Result<std::optional<uint32_t>> FindId(std::string_view id) const override;
  Result<std::string_view> Id(uint32_t row) const override { return At(row).id; }
  Result<uint64_t> InsertionOffset(uint32_t row) const override { return At(row).insertion_offset; }
  Result<VectorRun> Vectors(uint32_t row) const override;
  // Of the rows of all views.
  const KeptSigns& signs() const override { return all_->signs; }
  Status ReadDocuments(std::span<const uint32_t> rows,
                       std::vector<std::optional<std::string>>* out) const override;
  Status ReadUris(std::span<const uint32_t> rows,
                  std::vector<std::optional<std::string>>* out) const override;
  Status ReadMetadata(std::span<const uint32_t> rows,
                      std::vector<model::Metadata>* out) const override;
  Result<Bitmap> Match(runtime::Context& ctx,
                       const model::MetadataPredicate& predicate) const override;
  Result<Bitmap> MatchText(runtime::Context& ctx, std::string_view key,
                           const index::TextPattern& pattern, std::string* how) const override;
  Result<std::unique_ptr<KeyValues>> Key(std::string_view key, const Bitmap& rows) const override;
  std::string DescribeKey(std::string_view) const override {
    return "records of the log, one by one";
  }
  Result<Bitmap> MatchDocuments(runtime::Context& ctx, const Bitmap* candidates,
                                const TextTest& test) const override;
  Result<Bitmap> MatchUris(runtime::Context& ctx, const Bitmap* candidates,
                           const TextTest& test) const override;
  bool AwaitsFill(uint32_t row, const SparseFill& fill) const override;

  Status SearchSparse(runtime::Context& ctx, std::string_view key,
                      const index::SparseRequest& request,
                      std::vector<index::Candidate>* out) const override;
  Status CountSparse(runtime::Context& ctx, std::string_view key,
                     std::span<const uint32_t> dimensions, const Bitmap& dead,
                     std::span<uint64_t> counts) const override;

  // The row itself, for the tail that owns it and for compaction.
  const TailRow& At(uint32_t row) const {
    return blocks_[row / TailBlock::kRows]->rows[row % TailBlock::kRows];
  }

 private:
  Status CheckReadable(uint32_t row, Status RowDamage::*column) const {
    const TailRow& found = At(row);
    return found.damage == nullptr ? Status::Ok() : (*found.damage).*column;
  }
  // The same, but for a dead row, such as one that was replaced by a whole one, which is nobody's
  // answer.
  Status CheckAnswer(uint32_t row, Status RowDamage::*column) const {
    if (!any_damage_ || all_->Find(At(row).id, size_) != row) return Status::Ok();
    return CheckReadable(row, column);
  }
  // Calls visit(row, vector) for the rows that have a sparse vector under `key` and that `wanted`
  // accepts.
  template <typename Wanted, typename Visit>
  Status ForEachSparse(runtime::Context& ctx, std::string_view key, Wanted wanted,
                       Visit visit) const;
  Status ReadTexts(std::span<const uint32_t> rows, const TailTextColumn& column,
                   std::vector<std::optional<std::string>>* out) const;
  Result<Bitmap> MatchTexts(runtime::Context& ctx, const Bitmap* candidates,
                            const TailTextColumn& column, const TextTest& test) const;
  template <typename Test>
  Result<Bitmap> Select(runtime::Context& ctx, const Bitmap* candidates, Status RowDamage::*column,
                        Test test) const;

  std::shared_ptr<const TailRows> all_;  // for its ids; keeps what rows point into
  std::vector<std::shared_ptr<const TailBlock>> blocks_;
  const uint32_t size_;
  const uint32_t dimension_;
  const bool in_insertion_order_;
  const bool any_damage_;
};

}  // namespace chroma::segment
