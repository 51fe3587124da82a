// One dimension of a query on its way through its postings, rows ascending.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "index/sparse/postings.h"

namespace chroma::index {

class PostingsCursor {
 public:
  // `weight` is finite.
  PostingsCursor(const SparsePostings& postings, const PostingList& list, float weight);

  // The most that any row has from this dimension; 0 or more, as rows without it have 0.
  double bound() const { return bound_; }
  // The most that any row has from it, as an absolute value.
  double magnitude() const { return magnitude_; }
  bool damaged() const { return damaged_; }

  // A row from which on the next postings are, `from` at least; kNone at the end. Ascends from call
  // to call, as `from` must.
  uint64_t NextRow(uint64_t from);
  // The most that any row in [begin, end) has from this dimension, 0 or more; negative when there
  // is no such row. `begin` as in NextRow.
  double BoundWithin(uint64_t begin, uint64_t end);
  // Up to which row, exclusive, what BoundWithin said of [begin, end) holds as well: at least `end`
  // when that window has been asked for just before.
  uint64_t BoundHoldsTo(uint64_t end) const;
  // The most that a weight with the code can give.
  double Most(uint8_t code) const { return most_[code]; }
  // The code of the row's weight; none when it has none. Rows ascend from call to call.
  std::optional<uint8_t> Lookup(uint32_t row);
  // Calls visit(row - begin, code) for each posting of rows in [begin, end), ascending.
  template <typename Visit>
  void ForEachWithin(uint64_t begin, uint64_t end, Visit&& visit);

  static constexpr uint64_t kNone = UINT64_MAX;

 private:
  // To the block that may hold `row` or the first one behind it; false at the end.
  bool Seek(uint64_t row);
  bool Decode();
  double BlockBound(const BlockEntry& entry) const {
    const double most = most_[weight_ < 0 ? entry.code_min : entry.code_max];
    return most > 0 ? most : 0;
  }

  PostingList list_;
  double weight_ = 0;
  double bound_ = 0;
  double magnitude_ = 0;
  bool damaged_ = false;
  uint32_t block_ = 0;
  uint32_t at_ = 0;  // in the decoded block: rows before it are done with
  uint32_t decoded_ = UINT32_MAX;
  PostingList::Block rows_;
  // By code, the most that weight times a weight with that code can be; 256 in any case, since
  // codes are not checked.
  std::array<double, kCodesMax> most_{};
};

template <typename Visit>
void PostingsCursor::ForEachWithin(uint64_t begin, uint64_t end, Visit&& visit) {
  const auto base = static_cast<uint32_t>(begin);
  const auto span = static_cast<uint32_t>(end - begin);
  while (Seek(begin) && list_.FirstRow(block_) < end) {
    if (decoded_ != block_) {
      if (!Decode()) return;
      continue;  // to pass the rows before `begin`
    }
    uint32_t i = at_;
    for (; i < rows_.count; ++i) {
      const uint32_t offset = rows_.rows[i] - base;
      if (offset >= span) break;
      visit(offset, rows_.codes[i]);
    }
    at_ = i;
    if (i < rows_.count) return;
    ++block_;
    at_ = 0;
  }
}

}  // namespace chroma::index
