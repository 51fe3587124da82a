// The tail: the part of the log that no version covers yet, materialised in memory.
//
// Log entries say what was asked for; the tail knows what that meant. Applying an entry turns
// each operation into its net effect, by the rules of rest-api.md §7.3, the only place where
// they live:
//   add      a new row, unless the id exists
//   update   a new row that merges the existing one with what is given, if the id exists
//   upsert   either
//   delete   the row of the id is dead
// A row that replaces or deletes another marks that one dead, in the tail or in a segment. So
// every live record has one live row, and a compaction only writes the tail's live rows out.
//
// Rows are never moved, nor changed once they were shown to a snapshot; what changes are bitmaps,
// which are copied when they were shown. So readers keep a snapshot while one writer goes on
// applying.
//
// Apply() and Parts() must be serialised by the owner; views are thread safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "chroma/status.h"
#include "log/log.h"
#include "log/record_codec.h"
#include "segment/requests.h"
#include "segment/snapshot.h"

namespace chroma::segment {

struct TailRow;
struct TailRows;

class Tail {
 public:
  // `base`: the segments of the version under this tail, with their dead rows.
  explicit Tail(const std::vector<SnapshotPart>& base);
  ~Tail();
  Tail(const Tail&) = delete;
  Tail& operator=(const Tail&) = delete;

  // Entries in log order, each once. On failure (kDataLoss in a segment or the entry) the tail
  // must not be used any further: the owner builds a new one.
  Status Apply(const log::Entry& entry);
  // Updates that a version carries, before any entry. As Apply.
  Status ApplyCarried(std::shared_ptr<const Bytes> updates);

  uint32_t rows() const;
  uint64_t payload_bytes() const { return payload_bytes_; }
  uint64_t operations() const { return operations_; }
  const std::vector<LoggedRequest>& requests() const { return requests_; }
  uint32_t dimension() const { return dimension_; }
  // The base with its dead rows as of now, then the tail itself if it has rows.
  std::vector<SnapshotPart> Parts();
  // Of the live rows.
  std::vector<UnreadableRow> Unreadable() const;

 private:
  // Dead rows: shown to snapshots, and copied before the first change after that.
  class DeadRows {
   public:
    explicit DeadRows(std::shared_ptr<const Bitmap> shown) : shown_(std::move(shown)) {}
    bool Contains(uint32_t row) const { return shown_->Contains(row); }
    void Add(uint32_t row);
    std::shared_ptr<const Bitmap> Show();

   private:
    std::shared_ptr<const Bitmap> shown_;
    Bitmap* own_ = nullptr;  // the same bitmap, while no snapshot has seen it
  };
  struct Base {
    std::shared_ptr<const Part> part;
    DeadRows dead;
    std::shared_ptr<const PartIndexes> indexes;
  };
  struct Place {  // where the live row of an id is
    size_t part;
    uint32_t row;
  };

  Result<std::optional<Place>> FindLive(std::string_view id) const;
  void Kill(const Place& place);
  Status ApplyRow(model::Operation operation, const log::BatchView::Row& row, uint64_t offset);
  Status Insert(const log::BatchView::Row& row, uint64_t offset);
  Status Replace(const log::BatchView::Row& row, const Place& old, uint64_t offset);
  // What a row of a segment is, but for the columns that `row` gives anew. Damage is kept in it.
  Result<TailRow> ReadOld(const log::BatchView::Row& row, const Place& old) const;

  std::vector<Base> base_;
  std::shared_ptr<TailRows> tail_;
  DeadRows tail_dead_;
  uint32_t shown_rows_ = 0;  // of the tail: snapshots may have seen these
  uint64_t payload_bytes_ = 0;
  uint64_t operations_ = 0;
  std::vector<LoggedRequest> requests_;
  uint32_t dimension_ = 0;
};

}  // namespace chroma::segment
