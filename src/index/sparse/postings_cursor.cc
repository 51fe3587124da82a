#include "index/sparse/postings_cursor.h"

#include <algorithm>
#include <cmath>

namespace chroma::index {

PostingsCursor::PostingsCursor(const SparsePostings& postings, const PostingList& list,
                               float weight)
    : list_(list), weight_(weight) {
  for (uint32_t code = 0; code < postings.codes(); ++code) {
    const CodeRange range = postings.Range(code);
    most_[code] = weight_ * static_cast<double>(weight_ < 0 ? range.low : range.high);
  }
  for (uint32_t block = 0; block < list_.blocks(); ++block) {
    const BlockEntry entry = list_.Entry(block);
    bound_ = std::max(bound_, BlockBound(entry));
    for (const uint8_t code : {entry.code_min, entry.code_max}) {
      if (code >= postings.codes()) continue;
      const CodeRange range = postings.Range(code);
      const double most = std::max(std::fabs(double{range.low}), std::fabs(double{range.high}));
      magnitude_ = std::max(magnitude_, std::fabs(weight_) * most);
    }
  }
}

bool PostingsCursor::Decode() {
  if (decoded_ == block_) return true;
  if (damaged_ || !list_.Decode(block_, &rows_)) {
    damaged_ = true;
    return false;
  }
  decoded_ = block_;
  at_ = 0;
  return true;
}

bool PostingsCursor::Seek(uint64_t row) {
  while (block_ < list_.blocks()) {
    if (list_.LastRow(block_) >= row) {
      if (decoded_ != block_) return true;
      while (at_ < rows_.count && rows_.rows[at_] < row) ++at_;
      if (at_ < rows_.count) return true;
    }
    ++block_;
    at_ = 0;
  }
  return false;
}

uint64_t PostingsCursor::NextRow(uint64_t from) {
  // The one block of a short list says nothing of where its rows are.
  if (list_.blocks() == 1 && block_ == 0 && !Decode()) return kNone;
  if (!Seek(from)) return kNone;
  const uint32_t row = decoded_ == block_ ? rows_.rows[at_] : list_.FirstRow(block_);
  return std::max<uint64_t>(from, row);
}

double PostingsCursor::BoundWithin(uint64_t begin, uint64_t end) {
  constexpr double kAbsent = -1;
  if (NextRow(begin) >= end) return kAbsent;
  double bound = 0;
  for (uint32_t block = block_; block < list_.blocks(); ++block) {
    const BlockEntry entry = list_.Entry(block);
    if (entry.first_row >= end) break;
    bound = std::max(bound, BlockBound(entry));
  }
  return bound;
}

uint64_t PostingsCursor::BoundHoldsTo(uint64_t end) const {
  if (block_ == list_.blocks()) return kNone;
  const uint64_t first = decoded_ == block_ ? rows_.rows[at_] : list_.FirstRow(block_);
  // Up to its next row where it has none, else to the end of its block.
  return std::max(end, first >= end ? first : uint64_t{list_.LastRow(block_)} + 1);
}

std::optional<uint8_t> PostingsCursor::Lookup(uint32_t row) {
  if (!Seek(row) || list_.FirstRow(block_) > row || !Decode() || !Seek(row)) return std::nullopt;
  if (decoded_ != block_ || rows_.rows[at_] != row) return std::nullopt;
  return rows_.codes[at_];
}

}  // namespace chroma::index
