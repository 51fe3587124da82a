// What a read sees: the parts of one collection at one moment, each with its dead rows. Every
// live record is in exactly one part. Immutable.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/bitmap.h"
#include "segment/part.h"
#include "segment/vector_index_blob.h"

namespace chroma::segment {

// A vector index, and what has become of its rows in the part that has it.
struct PartIndex {
  std::shared_ptr<const VectorIndexReader> reader;
  // Row r of the index is row moved[r] of the part, or MovedRows::kGone; null: r.
  std::shared_ptr<const std::vector<uint32_t>> moved;
  uint32_t gone = 0;

  uint32_t rows() const { return reader->rows() - gone; }
  index::MovedRows Moved() const { return {moved ? moved->data() : nullptr, gone > 0}; }
};

// The vector indexes of a part. A row is in one of them at most. Immutable.
struct PartIndexes {
  std::vector<PartIndex> list;
  Bitmap unindexed;   // rows in none of them
  bool lost = false;  // one could not be opened

  // One of them has to be built again.
  bool damaged() const {
    return lost || std::any_of(list.begin(), list.end(),
                               [](const PartIndex& index) { return index.reader->damaged(); });
  }
};

struct SnapshotPart {
  std::shared_ptr<const Part> part;
  std::shared_ptr<const Bitmap> dead;
  std::shared_ptr<const PartIndexes> indexes = nullptr;  // null: none

  uint64_t live() const { return part->rows() - dead->Count(); }
};

class SparseFrequencies;

// A live row of the tail that could not take all over from the row that it replaces, because that
// is damaged. A merge would make the loss final; so both rows stay where they are.
struct UnreadableRow {
  uint32_t tail_row = 0;
  size_t segment = 0;  // of the row that it replaces, which is dead in the snapshot
  uint32_t row = 0;
};

struct Snapshot {
  // Segments as the version lists them, then the tail, if it has rows.
  std::vector<SnapshotPart> parts;
  size_t segments = 0;  // of the parts
  uint64_t version = 0;
  uint64_t live = 0;                // records
  uint64_t log_offset = 0;          // covered by the segments, exclusive
  uint64_t log_end = 0;             // seen by this snapshot, exclusive
  uint64_t indexed_operations = 0;  // log records folded into the segments
  uint64_t tail_operations = 0;     // log records in the tail
  uint32_t dimension = 0;           // 0: no vectors yet
  std::vector<UnreadableRow> unreadable = {};
  // What CountSparse found; null: it is not kept.
  std::shared_ptr<SparseFrequencies> frequencies = nullptr;
};

}  // namespace chroma::segment
