// How rare the dimensions of a sparse query are among the records of a snapshot.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "chroma/status.h"
#include "model/metadata.h"
#include "runtime/context.h"
#include "segment/snapshot.h"

namespace chroma::segment {

// How many live records have each dimension under `key`. Dimensions ascend strictly.
Result<std::vector<uint64_t>> CountSparse(runtime::Context& ctx, const Snapshot& snapshot,
                                          std::string_view key,
                                          std::span<const uint32_t> dimensions);

// The query for BM25 (semantics.md §2.8): every weight times the inverse document frequency of its
// dimension over all live records, whatever a search's filter and however they are stored.
Result<model::SparseVector> ScaleByRarity(runtime::Context& ctx, const Snapshot& snapshot,
                                          std::string_view key, const model::SparseVector& query);

}  // namespace chroma::segment
