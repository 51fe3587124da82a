// Examining a segment that may be damaged: every byte of it is read, what can be made right again
// exactly is, and what cannot is told by row. Nothing is written.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/bitmap.h"
#include "chroma/status.h"
#include "runtime/context.h"
#include "segment/segment_reader.h"
#include "store/blob_store.h"
#include "store/patched_blob.h"

namespace chroma::segment {

struct SegmentDamage {
  std::string what;
  bool mended = false;  // `patches` bring back exactly the bytes that were written
  Bitmap rows;          // else: those that cannot be read
  std::string key;      // of a metadata column that cannot be read; `rows` is empty then
};

struct SegmentExamination {
  std::vector<SegmentDamage> damages;  // none: the segment is whole
  std::vector<store::Patch> patches;
  Bitmap damaged_rows;                    // of all damages
  std::vector<std::string> damaged_keys;  // of metadata columns that are lost for all rows
  bool ids_readable = false;
  uint32_t dimension = 0;
  uint64_t checksum = 0;  // SegmentReader::checksum
  // The segment with the patches and without the lost columns; null when it cannot be opened at
  // all. Reading rows that are not damaged does not fail.
  std::shared_ptr<const SegmentReader> readable;
};

// kFailedPrecondition when a newer program wrote the segment, else damage is in the result.
Result<SegmentExamination> ExamineSegment(runtime::Context& ctx,
                                          std::shared_ptr<const store::Blob> blob);

}  // namespace chroma::segment
