// Nearest rows of one part by the sparse vectors under a metadata key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bitmap.h"
#include "chroma/status.h"
#include "index/vector/vector_index.h"
#include "model/metadata.h"
#include "runtime/context.h"
#include "segment/snapshot.h"

namespace chroma::executor {

// Appends the k rows of `allowed` with the smallest 1 - Σ q·d, nearest first, equal ones in row
// order. A row that has none of the query's indices is never among them. Distances that are no
// number are infinite.
Status SearchSparse(runtime::Context& ctx, const segment::Part& part, const Bitmap& allowed,
                    std::string_view key, const model::SparseVector& query, size_t k,
                    std::vector<index::Candidate>* out);

// The query for BM25 (semantics.md §2.8): every weight times the inverse document frequency of its
// index among all records of the snapshot, whatever the search's filter.
Result<model::SparseVector> ScaleByRarity(runtime::Context& ctx, const segment::Snapshot& snapshot,
                                          std::string_view key, const model::SparseVector& query);

}  // namespace chroma::executor
