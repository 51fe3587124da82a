// What a read sees: the parts of one collection at one moment, each with its dead rows. Every
// live record is in exactly one part. Immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/bitmap.h"
#include "segment/part.h"

namespace chroma::segment {

struct SnapshotPart {
  std::shared_ptr<const Part> part;
  std::shared_ptr<const Bitmap> dead;

  uint64_t live() const { return part->rows() - dead->Count(); }
};

struct Snapshot {
  // Segments as the version lists them, then the tail, if it has rows.
  std::vector<SnapshotPart> parts;
  uint64_t version = 0;
  uint64_t live = 0;         // records
  uint64_t log_offset = 0;   // covered by the segments, exclusive
  uint64_t log_end = 0;      // seen by this snapshot, exclusive
  uint64_t indexed_operations = 0;  // log records folded into the segments
  uint64_t tail_operations = 0;     // log records in the tail
  uint32_t dimension = 0;    // 0: no vectors yet
};

}  // namespace chroma::segment
