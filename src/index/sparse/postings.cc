#include "index/sparse/postings.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace chroma::index {
namespace {

Status Damaged(std::string_view what) {
  return Status::DataLoss("sparse postings are damaged: " + std::string(what));
}

std::vector<uint64_t> ToBits(const Bitmap& rows, uint32_t n) {
  std::vector<uint64_t> bits(uint64_t{n} / 64 + 1);
  std::vector<uint32_t> piece(4096);
  for (uint32_t from = 0;;) {
    const size_t count = rows.Read(from, piece.data(), piece.size());
    for (size_t i = 0; i < count && piece[i] < n; ++i) {
      bits[piece[i] / 64] |= uint64_t{1} << (piece[i] % 64);
    }
    if (count < piece.size() || piece.back() >= n) return bits;
    from = piece.back() + 1;
  }
}

// How many rows of a list satisfy `test`; none when it is damaged.
template <typename Test>
std::optional<uint64_t> CountIf(const PostingList& list, Test test) {
  uint64_t count = 0;
  PostingList::Block decoded;
  for (uint32_t block = 0; block < list.blocks(); ++block) {
    if (!list.Decode(block, &decoded)) return std::nullopt;
    for (uint32_t i = 0; i < decoded.count; ++i) count += test(decoded.rows[i]) ? 1 : 0;
  }
  return count;
}

// Members of `rows` between first and last, ascending, a piece at a time.
class Members {
 public:
  Members(const Bitmap& rows, uint32_t from) : rows_(rows) { Fill(from); }
  // The first one that is not below `row`; UINT32_MAX when there is none.
  uint32_t Seek(uint32_t row) {
    for (;;) {
      while (at_ < count_ && piece_[at_] < row) ++at_;
      if (at_ < count_) return piece_[at_];
      if (count_ < piece_.size()) return UINT32_MAX;
      Fill(std::max(row, piece_.back() + 1));
    }
  }

 private:
  void Fill(uint32_t from) {
    count_ = rows_.Read(from, piece_.data(), piece_.size());
    at_ = 0;
  }

  const Bitmap& rows_;
  std::array<uint32_t, 256> piece_;
  size_t count_ = 0;
  size_t at_ = 0;
};

// How many rows of a list are in the set, without decoding blocks that have none of them.
std::optional<uint64_t> CountBySeeking(const PostingList& list, const Bitmap& rows) {
  uint64_t count = 0;
  if (list.count() == 0) return count;
  Members members(rows, list.FirstRow(0));
  PostingList::Block decoded;
  uint32_t wanted = 0;
  for (uint32_t block = 0; block < list.blocks(); ++block) {
    wanted = members.Seek(std::max(wanted, list.FirstRow(block)));
    if (wanted == UINT32_MAX) break;
    if (wanted > list.LastRow(block)) continue;
    if (!list.Decode(block, &decoded)) return std::nullopt;
    for (uint32_t i = 0; i < decoded.count; ++i) {
      wanted = members.Seek(decoded.rows[i]);
      if (wanted == decoded.rows[i]) ++count;
    }
  }
  return count;
}

}  // namespace

void PostingList::ReadShort(ByteReader& in, uint32_t part_rows) {
  only_.first_row = static_cast<uint32_t>(in.VarintAtMost(part_rows - 1));
  only_.last_row = part_rows - 1;
  if (count_ == 1) {
    only_.last_row = only_.first_row;
    payload_ = in.Raw(1);
    if (in.ok()) only_.code_min = only_.code_max = static_cast<uint8_t>(payload_[0]);
    return;
  }
  only_.code_min = in.Fixed<uint8_t>();
  only_.code_max = in.Fixed<uint8_t>();
  only_.width = in.Fixed<uint8_t>();
  payload_ = in.Raw(in.remaining());
}

PostingList PostingList::Read(ByteReader& in, uint32_t part_rows) {
  PostingList list;
  if (part_rows == 0) {
    in.Fail();
    return list;
  }
  list.count_ = static_cast<uint32_t>(in.VarintAtMost(part_rows));
  if (list.count_ == 0) in.Fail();
  if (!in.ok()) return PostingList();
  list.blocks_ = (list.count_ - 1) / kPostingsBlock + 1;
  if (list.blocks_ == 1) {
    list.ReadShort(in, part_rows);
  } else {
    list.directory_ = in.Raw(list.blocks_ * sizeof(BlockEntry)).data();
    list.payload_ = in.Raw(in.remaining());
  }
  if (!in.AtEnd()) in.Fail();
  if (list.only_.width > kWidthMax) in.Fail();
  if (list.blocks_ == 1) list.only_.end = static_cast<uint32_t>(list.payload_.size());
  return in.ok() ? list : PostingList();
}

bool PostingList::Decode(uint32_t block, Block* out) const {
  const BlockEntry entry = Entry(block);
  const uint64_t begin = directory_ == nullptr || block == 0 ? 0 : Entry(block - 1).end;
  const uint32_t n = BlockCount(block);
  if (entry.width > kWidthMax || begin > entry.end || entry.end > payload_.size()) return false;
  const size_t packed =
      n == kPostingsBlock ? FullBlockBytes(entry.width) : ShortBlockBytes(n - 1, entry.width);
  if (entry.end - begin != packed + n) return false;
  const char* in = payload_.data() + begin;
  out->count = n;
  out->codes = reinterpret_cast<const uint8_t*>(in + packed);
  if (n == kPostingsBlock) {
    UnpackFull(in, entry.width, entry.first_row, out->rows.data());
  } else {
    UnpackShort(in, n, entry.width, entry.first_row, out->rows.data());
  }
  const uint32_t last = out->rows[n - 1];
  return directory_ == nullptr ? last <= entry.last_row : last == entry.last_row;
}

Result<SparsePostings> SparsePostings::Open(BytesView bytes, uint32_t rows) {
  SparsePostings postings;
  ByteReader in(bytes);
  PostingsHeader& header = postings.header_;
  header = in.Fixed<PostingsHeader>();
  if (!in.ok() || header.layout != kPostingsLayout) return Damaged("their layout is not known");
  if (header.rows != rows) return Damaged("they belong to another part");
  if (header.codes > kCodesMax || (header.end_bytes != 4 && header.end_bytes != 8)) {
    return Damaged("their header makes no sense");
  }
  postings.codebook_ = in.Raw(header.codes * sizeof(CodeRange)).data();
  postings.irregular_ = in.Raw(header.irregular * sizeof(uint32_t)).data();
  postings.dimensions_ = in.Raw(header.dimensions * sizeof(uint32_t)).data();
  postings.ends_ = in.Raw(uint64_t{header.dimensions} * header.end_bytes).data();
  postings.lists_ = in.Raw(in.remaining());
  if (!in.ok() || postings.lists_.size() != header.list_bytes) {
    return Damaged("their parts do not fit their size");
  }
  if (!postings.CheckCodebook()) return Damaged("their weights make no sense");
  return postings;
}

bool SparsePostings::CheckCodebook() {
  float before = -INFINITY;
  for (uint32_t code = 0; code < header_.codes; ++code) {
    const CodeRange range = Range(code);
    if (!std::isfinite(range.low) || !std::isfinite(range.high) || range.low < before ||
        range.high < range.low) {
      return false;
    }
    before = range.high;
    if (range.low == range.high) ++exact_codes_;
  }
  return true;
}

Result<PostingList> SparsePostings::List(uint32_t i) const {
  const uint64_t begin = i == 0 ? 0 : End(i - 1);
  const uint64_t end = End(i);
  if (begin > end || end > lists_.size()) return Damaged("a list does not lie inside");
  ByteReader in(lists_.substr(begin, end - begin));
  PostingList list = PostingList::Read(in, header_.rows);
  if (!in.ok()) return Damaged("a list cannot be decoded");
  return list;
}

Result<PostingList> SparsePostings::Find(uint32_t dimension) const {
  uint32_t begin = 0;
  uint32_t end = header_.dimensions;
  while (begin < end) {
    const uint32_t middle = begin + (end - begin) / 2;
    if (Dimension(middle) < dimension) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  if (begin == header_.dimensions || Dimension(begin) != dimension) return PostingList();
  return List(begin);
}

bool SparsePostings::IsIrregular(uint32_t row) const {
  uint32_t begin = 0;
  uint32_t end = header_.irregular;
  while (begin < end) {
    const uint32_t middle = begin + (end - begin) / 2;
    if (IrregularRow(middle) < row) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return begin < header_.irregular && IrregularRow(begin) == row;
}

Result<uint64_t> SparsePostings::Count(uint32_t dimension) const {
  CHROMA_ASSIGN(const PostingList list, Find(dimension));
  return uint64_t{list.count()};
}

Status SparsePostings::CountAmong(std::span<const uint32_t> dimensions, const Bitmap& rows,
                                  std::span<uint64_t> counts) const {
  constexpr uint64_t kFew = 256;
  std::fill(counts.begin(), counts.end(), 0);
  const uint64_t members = rows.Count();
  if (members == 0) return Status::Ok();
  std::vector<PostingList> lists;
  uint64_t postings = 0;
  for (const uint32_t dimension : dimensions) {
    CHROMA_ASSIGN(lists.emplace_back(), Find(dimension));
    postings += lists.back().count();
  }
  // Few rows are looked for block by block; many become bits, unless there are so few postings that
  // each had better be looked up.
  const bool few = members <= kFew;
  const bool worth_bits = members / 16 < postings && header_.rows / 512 < members + postings;
  std::vector<uint64_t> bits;
  if (!few && worth_bits) bits = ToBits(rows, header_.rows);
  for (size_t i = 0; i < lists.size(); ++i) {
    const auto count =
        few            ? CountBySeeking(lists[i], rows)
        : bits.empty() ? CountIf(lists[i], [&](uint32_t row) { return rows.Contains(row); })
                       : CountIf(lists[i], [&](uint32_t row) {
                           return row / 64 < bits.size() && (bits[row / 64] >> (row % 64) & 1) != 0;
                         });
    if (!count) return Damaged("a block cannot be decoded");
    counts[i] = *count;
  }
  return Status::Ok();
}

Status SparsePostings::VerifyList(uint32_t i, uint64_t* postings) const {
  CHROMA_ASSIGN(const PostingList list, List(i));
  const uint32_t codes = std::max(header_.codes, 1U);  // without any, all rows are irregular
  PostingList::Block block;
  int64_t before = -1;
  for (uint32_t b = 0; b < list.blocks(); ++b) {
    const BlockEntry entry = list.Entry(b);
    if (!list.Decode(b, &block)) return Damaged("a block cannot be decoded");
    for (uint32_t at = 0; at < block.count; ++at) {
      const uint8_t code = block.codes[at];
      if (block.rows[at] <= before || block.rows[at] >= header_.rows || code >= codes ||
          code < entry.code_min || code > entry.code_max) {
        return Damaged("a posting is out of order");
      }
      before = block.rows[at];
    }
  }
  *postings += list.count();
  return Status::Ok();
}

Status SparsePostings::Verify(const std::function<Status()>& check) const {
  uint64_t postings = 0;
  for (uint32_t i = 0; i < header_.dimensions; ++i) {
    if (i % 1024 == 0 && check) CHROMA_TRY(check());
    if (i > 0 && Dimension(i) <= Dimension(i - 1)) return Damaged("dimensions are out of order");
    CHROMA_TRY(VerifyList(i, &postings));
  }
  if (postings != header_.postings) return Damaged("they are not as many as they say");
  for (uint32_t i = 0; i < header_.irregular; ++i) {
    if (IrregularRow(i) >= header_.rows || (i > 0 && IrregularRow(i) <= IrregularRow(i - 1))) {
      return Damaged("their irregular rows are out of order");
    }
  }
  return Status::Ok();
}

}  // namespace chroma::index
