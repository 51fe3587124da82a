// Makes the postings (postings_format.h) of one key from the sparse vectors of a part's rows.
#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "chroma/status.h"

namespace chroma::index {

// The vectors of a part as one column: the i-th belongs to row rows[i] (ascending) and has the
// elements ends[i] … ends[i + 1] - 1 of dimensions and weights.
struct SparseColumn {
  std::span<const uint32_t> rows;
  std::span<const uint64_t> ends;  // rows.size() + 1, the first 0
  std::span<const uint64_t> dimensions;
  std::span<const float> weights;
};

// Appends the postings to `out`; takes about 10 bytes of memory per element meanwhile.
// kResourceExhausted when a list is too long for its format (billions of postings).
Status EncodePostings(const SparseColumn& column, uint32_t part_rows, Bytes& out);

}  // namespace chroma::index
