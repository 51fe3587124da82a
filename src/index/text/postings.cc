#include "index/text/postings.h"

#include <utility>

namespace chroma::index {

PostingsShape::PostingsShape(uint64_t count, uint64_t universe) {
  if (count == 0) return;
  // The best k for geometric gaps is about log2(mean gap x ln 2).
  const uint64_t scaled = (universe - count) * 69 / 100 / count;
  remainder_bits = scaled == 0 ? 0 : static_cast<uint32_t>(std::bit_width(scaled)) - 1;
  // At most: a terminator, a remainder and a share of the quotients for each row.
  const uint64_t rice_bits = count * (1 + remainder_bits) + ((universe - count) >> remainder_bits);
  bitmap = rice_bits >= universe;
}

void PutPostings(Bytes& out, std::span<const uint32_t> rows, uint32_t universe) {
  const PostingsShape shape(rows.size(), universe);
  const size_t begin = out.size();
  if (shape.bitmap) {
    out.resize(begin + (uint64_t{universe} + 7) / 8, '\0');
    for (const uint32_t row : rows) {
      char& byte = out[begin + row / 8];
      byte = static_cast<char>(byte | 1 << row % 8);
    }
    return;
  }
  uint64_t pending = 0;
  uint32_t filled = 0;
  const auto put = [&](uint64_t bits, uint32_t count) {
    pending |= bits << filled;
    filled += count;
    for (; filled >= 8; filled -= 8, pending >>= 8) out.push_back(static_cast<char>(pending));
  };
  uint64_t next = 0;
  for (const uint32_t row : rows) {
    const uint64_t gap = row - next;
    next = uint64_t{row} + 1;
    for (uint64_t quotient = gap >> shape.remainder_bits; quotient > 0;) {
      const auto ones = static_cast<uint32_t>(std::min<uint64_t>(quotient, 32));
      put((uint64_t{1} << ones) - 1, ones);
      quotient -= ones;
    }
    put(0, 1);
    put(gap & ((uint64_t{1} << shape.remainder_bits) - 1), shape.remainder_bits);
  }
  if (filled > 0) out.push_back(static_cast<char>(pending));
}

uint64_t RiceReader::NextSlowly() {
  uint64_t quotient = 0;
  for (;;) {
    if (at_ >= bits_) return UINT64_MAX;
    if (!Bit()) break;
    ++quotient;
  }
  if (bits_ - at_ < remainder_bits_ || quotient > UINT32_MAX) return UINT64_MAX;
  uint64_t remainder = 0;
  for (uint32_t i = 0; i < remainder_bits_; ++i) remainder |= uint64_t{Bit()} << i;
  return (quotient << remainder_bits_) | remainder;
}

// From then on adding a row is setting a bit.
void RowCollector::Spread() {
  words_.assign((uint64_t{universe_} + 63) / 64, 0);
  for (const uint32_t row : rows_) words_[row / 64] |= uint64_t{1} << row % 64;
  rows_ = std::vector<uint32_t>();
}

bool RowCollector::Add(BytesView postings, uint32_t count) {
  if (count > universe_) return false;
  constexpr uint64_t kSpreadShare = 64;
  if (words_.empty() && rows_.size() + count > universe_ / kSpreadShare) Spread();
  if (words_.empty()) {
    return VisitPostings(postings, count, universe_, [&](uint32_t row) { rows_.push_back(row); });
  }
  return VisitPostings(postings, count, universe_,
                       [&](uint32_t row) { words_[row / 64] |= uint64_t{1} << row % 64; });
}

Bitmap RowCollector::Take() {
  if (!words_.empty()) return Bitmap::FromWords(words_);
  std::sort(rows_.begin(), rows_.end());
  rows_.erase(std::unique(rows_.begin(), rows_.end()), rows_.end());
  return Bitmap::FromSorted(rows_.data(), rows_.size());
}

}  // namespace chroma::index
