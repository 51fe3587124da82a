// Writes the live rows of some parts into one new segment, in insertion order.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "chroma/status.h"
#include "runtime/context.h"
#include "segment/segment_writer.h"
#include "segment/snapshot.h"
#include "store/blob_store.h"

namespace chroma::compactor {

// None, and no blob, when no row is live.
Result<std::optional<segment::SegmentSummary>> MergeParts(
    runtime::Context& ctx, store::BlobStore& store, const std::string& blob, uint32_t dimension,
    const std::vector<segment::SnapshotPart>& parts);

}  // namespace chroma::compactor
