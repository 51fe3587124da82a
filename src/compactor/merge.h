// Writes the live rows of some parts into one new segment, in insertion order.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "chroma/status.h"
#include "format/manifest.h"
#include "runtime/context.h"
#include "segment/segment_writer.h"
#include "segment/snapshot.h"
#include "store/blob_store.h"

namespace chroma::compactor {

// The segment, with the vector indexes of the parts that still say much about its rows, unless it
// has fewer than `indexed_rows_min`: such a one never gets an index that would replace them.
// Its other indexes are those that the schema switches on; null: all. Rows get the sparse vectors
// that they await by the schema.
// None, and no blob, when no row is live.
Result<std::optional<format::ManifestSegment>> MergeParts(
    runtime::Context& ctx, store::BlobStore& store, const std::string& blob, uint32_t dimension,
    const std::vector<segment::SnapshotPart>& parts, const model::Schema* schema = nullptr,
    uint32_t indexed_rows_min = 0);

}  // namespace chroma::compactor
