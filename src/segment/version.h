// One published version of a collection, opened: its segments and their vector indexes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "chroma/status.h"
#include "format/manifest.h"
#include "runtime/context.h"
#include "segment/segment_reader.h"
#include "segment/snapshot.h"
#include "store/blob_store.h"

namespace chroma::segment {

// The published version of a collection, as its catalog row names it.
struct VersionRef {
  Uuid collection;
  uint64_t version = 0;
  std::string manifest;  // blob name; empty: nothing was compacted yet
  uint64_t log_offset = 0;
};

// Immutable.
struct Version {
  format::Manifest manifest;
  std::vector<SnapshotPart> parts;  // one for each segment
};

// `before` (may be null): a version of the same collection; what it has open already is shared with
// it. kDataLoss when records are damaged. An index that is damaged is left out and its rows are
// searched without it. `memory` (may be null) is for what indexes hold beyond their blobs.
Result<std::shared_ptr<const Version>> OpenVersion(runtime::Context& ctx, store::BlobStore& store,
                                                   std::shared_ptr<index::NodeMemory> memory,
                                                   const VersionRef& ref, const Version* before);

// What has become of the rows of an index in the segment that names it, which are taken out of
// `unindexed`, the rows that no index holds yet. kDataLoss or kNotFound when it does not fit there:
// it is of other rows, has a row twice, or one that is in another index already.
Result<PartIndex> PlaceIndex(std::shared_ptr<const VectorIndexReader> index,
                             const format::ManifestIndex& named,
                             const format::ManifestSegment& segment, const SegmentReader& reader,
                             Bitmap* unindexed);

}  // namespace chroma::segment
