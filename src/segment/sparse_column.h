// A column of sparse vectors, row by row: the answer where there are no postings, and the exact
// vectors that postings ask for.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "chroma/status.h"
#include "format/metadata_column.h"
#include "index/sparse/sparse_query.h"
#include "runtime/context.h"

namespace chroma::segment {

// Does not own the column, which holds sparse vectors.
class SparseColumn {
 public:
  explicit SparseColumn(const format::MetadataColumnReader& column) : column_(column) {}

  // None when the row has no vector or they share no dimension.
  std::optional<double> Dot(index::SparseView query, uint32_t row) const;
  // Part::SearchSparse and CountSparse.
  Status Search(runtime::Context& ctx, const index::SparseRequest& request,
                std::vector<index::Candidate>* out) const;
  Status Count(runtime::Context& ctx, std::span<const uint32_t> dimensions, const Bitmap& dead,
               std::span<uint64_t> counts) const;
  // The bytes of a section of postings for it, of a part of so many rows.
  Status EncodePostings(uint32_t rows, Bytes& out) const;

 private:
  // Calls visit(row, ordinal) for the rows that have a vector, ascending; a Status ends it.
  template <typename Visit>
  Status ForEach(runtime::Context& ctx, Visit&& visit) const;
  std::optional<double> DotOf(index::SparseView query, uint32_t ordinal) const;

  const format::MetadataColumnReader& column_;
};

// Adds one to counts[i] for each dimension that the vector has; the vector's dimensions ascend.
template <typename Index>
void CountShared(std::span<const uint32_t> dimensions, uint64_t begin, uint64_t end, Index&& index,
                 std::span<uint64_t> counts) {
  for (size_t i = 0; i < dimensions.size() && begin < end;) {
    const auto at = static_cast<uint32_t>(index(begin));
    if (at == dimensions[i]) ++counts[i];
    const bool next = at >= dimensions[i];
    if (at <= dimensions[i]) ++begin;
    if (next) ++i;
  }
}

}  // namespace chroma::segment
