#include "index/sparse/postings_builder.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_map>
#include <vector>

#include "base/coding.h"
#include "index/sparse/codebook.h"
#include "index/sparse/postings_format.h"

namespace chroma::index {
namespace {

class PostingsEncoder {
 public:
  PostingsEncoder(const SparseColumn& column, uint32_t part_rows)
      : column_(column), part_rows_(part_rows), codebook_(Codebook::Make(column.weights)) {}

  Status Encode(Bytes& out);

 private:
  // Calls visit(row, dimension, weight) for each element, row by row; a dimension that a damaged
  // vector has twice comes once.
  template <typename Visit>
  void ForEach(Visit&& visit) const;
  bool IsRegular(size_t vector) const;
  void Invert();
  Status EncodeList(size_t begin, size_t end, Bytes& out) const;
  void EncodeShort(size_t begin, size_t end, Bytes& out) const;
  // Fills gaps and returns their width.
  uint32_t Gaps(size_t begin, size_t end, uint32_t* gaps) const;
  void AppendCodes(size_t begin, size_t end, Bytes& out) const {
    out.append(reinterpret_cast<const char*>(codes_.data() + begin), end - begin);
  }

  const SparseColumn& column_;
  const uint32_t part_rows_;
  const Codebook codebook_;
  std::vector<uint32_t> irregular_;
  std::vector<uint32_t> dimensions_;  // ascending
  std::vector<size_t> ends_;          // of their postings
  std::vector<uint32_t> rows_;        // postings by dimension, then row
  std::vector<uint8_t> codes_;
};

// Finite, and in order.
bool PostingsEncoder::IsRegular(size_t vector) const {
  for (uint64_t i = column_.ends[vector]; i < column_.ends[vector + 1]; ++i) {
    if (!std::isfinite(column_.weights[i])) return false;
    if (i > column_.ends[vector] && column_.dimensions[i] <= column_.dimensions[i - 1]) {
      return false;
    }
  }
  return true;
}

template <typename Visit>
void PostingsEncoder::ForEach(Visit&& visit) const {
  for (size_t vector = 0; vector < column_.rows.size(); ++vector) {
    const uint32_t row = column_.rows[vector];
    const uint64_t begin = column_.ends[vector];
    const uint64_t end = column_.ends[vector + 1];
    if (!std::binary_search(irregular_.begin(), irregular_.end(), row)) {
      for (uint64_t i = begin; i < end; ++i) {
        visit(row, static_cast<uint32_t>(column_.dimensions[i]), column_.weights[i]);
      }
      continue;
    }
    std::vector<uint64_t> distinct(column_.dimensions.begin() + static_cast<ptrdiff_t>(begin),
                                   column_.dimensions.begin() + static_cast<ptrdiff_t>(end));
    std::sort(distinct.begin(), distinct.end());
    distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
    for (const uint64_t dimension : distinct) {
      visit(row, static_cast<uint32_t>(dimension), INFINITY);
    }
  }
}

void PostingsEncoder::Invert() {
  for (size_t vector = 0; vector < column_.rows.size(); ++vector) {
    if (!IsRegular(vector)) irregular_.push_back(column_.rows[vector]);
  }
  std::unordered_map<uint32_t, size_t> places;  // first counts, then where the next posting goes
  ForEach([&](uint32_t, uint32_t dimension, float) { ++places[dimension]; });
  dimensions_.reserve(places.size());
  for (const auto& [dimension, count] : places) dimensions_.push_back(dimension);
  std::sort(dimensions_.begin(), dimensions_.end());
  size_t end = 0;
  for (const uint32_t dimension : dimensions_) {
    size_t& place = places[dimension];
    const size_t count = place;
    place = end;
    end += count;
    ends_.push_back(end);
  }
  rows_.resize(end);
  codes_.resize(end);
  ForEach([&](uint32_t row, uint32_t dimension, float weight) {
    const size_t at = places[dimension]++;
    rows_[at] = row;
    codes_[at] = std::isfinite(weight) ? codebook_.Code(weight) : uint8_t{0};
  });
}

uint32_t PostingsEncoder::Gaps(size_t begin, size_t end, uint32_t* gaps) const {
  uint32_t largest = 0;
  gaps[0] = 0;
  for (size_t i = begin + 1; i < end; ++i) {
    gaps[i - begin] = rows_[i] - rows_[i - 1] - 1;
    largest = std::max(largest, gaps[i - begin]);
  }
  return BitWidth(largest);
}

void PostingsEncoder::EncodeShort(size_t begin, size_t end, Bytes& out) const {
  const auto n = static_cast<uint32_t>(end - begin);
  PutVarint(out, rows_[begin]);
  if (n == 1) {
    AppendCodes(begin, end, out);
    return;
  }
  std::array<uint32_t, kPostingsBlock> gaps;
  const uint32_t width = Gaps(begin, end, gaps.data());
  const auto [low, high] = std::minmax_element(codes_.begin() + static_cast<ptrdiff_t>(begin),
                                               codes_.begin() + static_cast<ptrdiff_t>(end));
  PutFixed(out, *low);
  PutFixed(out, *high);
  PutFixed(out, static_cast<uint8_t>(width));
  if (n == kPostingsBlock) {
    PackFull(gaps.data(), width, out);
  } else {
    PackShort(gaps.data(), n, width, out);
  }
  AppendCodes(begin, end, out);
}

Status PostingsEncoder::EncodeList(size_t begin, size_t end, Bytes& out) const {
  PutVarint(out, end - begin);
  if (end - begin <= kPostingsBlock) {
    EncodeShort(begin, end, out);
    return Status::Ok();
  }
  const size_t blocks = (end - begin + kPostingsBlock - 1) / kPostingsBlock;
  const size_t directory = out.size();
  out.resize(directory + blocks * sizeof(BlockEntry));
  const size_t start = out.size();
  std::array<uint32_t, kPostingsBlock> gaps;
  for (size_t block = 0; block < blocks; ++block) {
    const size_t from = begin + block * kPostingsBlock;
    const size_t to = std::min(end, from + kPostingsBlock);
    BlockEntry entry;
    entry.first_row = rows_[from];
    entry.last_row = rows_[to - 1];
    const auto [low, high] = std::minmax_element(codes_.begin() + static_cast<ptrdiff_t>(from),
                                                 codes_.begin() + static_cast<ptrdiff_t>(to));
    entry.code_min = *low;
    entry.code_max = *high;
    entry.width = static_cast<uint8_t>(Gaps(from, to, gaps.data()));
    if (to - from == kPostingsBlock) {
      PackFull(gaps.data(), entry.width, out);
    } else {
      PackShort(gaps.data(), static_cast<uint32_t>(to - from), entry.width, out);
    }
    AppendCodes(from, to, out);
    if (out.size() - start > UINT32_MAX) {
      return Status::ResourceExhausted("a list of postings takes more than 4 GiB");
    }
    entry.end = static_cast<uint32_t>(out.size() - start);
    std::memcpy(out.data() + directory + block * sizeof(BlockEntry), &entry, sizeof entry);
  }
  return Status::Ok();
}

Status PostingsEncoder::Encode(Bytes& out) {
  Invert();
  Bytes lists;
  std::vector<uint64_t> list_ends;
  size_t begin = 0;
  for (const size_t end : ends_) {
    CHROMA_TRY(EncodeList(begin, end, lists));
    list_ends.push_back(lists.size());
    begin = end;
  }
  PostingsHeader header;
  header.rows = part_rows_;
  header.dimensions = static_cast<uint32_t>(dimensions_.size());
  header.codes = static_cast<uint32_t>(codebook_.ranges().size());
  header.irregular = static_cast<uint32_t>(irregular_.size());
  header.end_bytes = lists.size() > UINT32_MAX ? 8 : 4;
  header.postings = rows_.size();
  header.list_bytes = lists.size();
  PutFixed(out, header);
  for (const CodeRange& range : codebook_.ranges()) PutFixed(out, range);
  for (const uint32_t row : irregular_) PutFixed(out, row);
  for (const uint32_t dimension : dimensions_) PutFixed(out, dimension);
  for (const uint64_t end : list_ends) {
    out.append(reinterpret_cast<const char*>(&end), header.end_bytes);
  }
  out.append(lists);
  return Status::Ok();
}

}  // namespace

Status EncodePostings(const SparseColumn& column, uint32_t part_rows, Bytes& out) {
  return PostingsEncoder(column, part_rows).Encode(out);
}

}  // namespace chroma::index
