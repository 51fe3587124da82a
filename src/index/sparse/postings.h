// Reads the postings of one key (postings_format.h). Does not own the bytes, which have passed
// their checksum; still nothing in them is trusted: opening checks the frame, and a list is checked
// when it is used. Immutable; thread safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "base/coding.h"
#include "chroma/status.h"
#include "index/sparse/postings_format.h"
#include "index/sparse/sparse_query.h"

namespace chroma::index {

// The postings of one dimension: blocks of up to 128, each decoded on its own.
class PostingList {
 public:
  PostingList() = default;  // of no postings
  // Fails `in` unless a list of rows below `part_rows` follows; blocks are not decoded yet.
  static PostingList Read(ByteReader& in, uint32_t part_rows);

  uint32_t count() const { return count_; }
  uint32_t blocks() const { return blocks_; }
  uint32_t BlockCount(uint32_t block) const {
    return block + 1 < blocks_ ? kPostingsBlock : count_ - block * kPostingsBlock;
  }
  // block < blocks(). Of a list of one block, the last row is a bound only.
  BlockEntry Entry(uint32_t block) const {
    return directory_ == nullptr ? only_
                                 : LoadFixed<BlockEntry>(directory_ + block * sizeof(BlockEntry));
  }
  // Where the next two are in a directory, for loops over many entries.
  uint32_t FirstRow(uint32_t block) const {
    return directory_ == nullptr ? only_.first_row
                                 : LoadFixed<uint32_t>(directory_ + block * sizeof(BlockEntry));
  }
  uint32_t LastRow(uint32_t block) const {
    return directory_ == nullptr ? only_.last_row
                                 : LoadFixed<uint32_t>(directory_ + block * sizeof(BlockEntry) +
                                                       offsetof(BlockEntry, last_row));
  }

  struct Block {
    std::array<uint32_t, kPostingsBlock> rows;
    const uint8_t* codes = nullptr;  // in the bytes of the list
    uint32_t count = 0;
  };
  // False when the block is damaged: it does not fit, or ends elsewhere than the directory says.
  bool Decode(uint32_t block, Block* out) const;

 private:
  void ReadShort(ByteReader& in, uint32_t part_rows);

  uint32_t count_ = 0;
  uint32_t blocks_ = 0;
  const char* directory_ = nullptr;  // null: `only_` is the one block
  BytesView payload_;
  BlockEntry only_;
};

class SparsePostings {
 public:
  // The dot product of the query with a row's exact vector; none when they share no dimension.
  using ExactDot = std::function<Result<std::optional<double>>(uint32_t row)>;

  // Of a part of `rows` rows. kDataLoss, as from all others, when the bytes make no sense.
  static Result<SparsePostings> Open(BytesView bytes, uint32_t rows);

  uint32_t rows() const { return header_.rows; }
  uint32_t dimensions() const { return header_.dimensions; }
  uint64_t postings() const { return header_.postings; }

  // How many rows have the dimension, dead ones too.
  Result<uint64_t> Count(uint32_t dimension) const;
  // counts[i] becomes the number of rows of the set that have dimensions[i].
  Status CountAmong(std::span<const uint32_t> dimensions, const Bitmap& rows,
                    std::span<uint64_t> counts) const;

  // Appends the k nearest allowed rows that share a dimension with the query, or all when there are
  // fewer, by (distance, row). Distances are exact (sparse_query.h); `exact` is asked only where
  // the postings leave a doubt. The query has passed CheckSparseQuery and IsFinite. On failure
  // `out` is unchanged. kResourceExhausted when more than kSharedMax dimensions of the query have
  // postings: comparing every row takes less memory and is hardly slower.
  static constexpr size_t kSharedMax = 16'384;
  Status Search(const SparseRequest& request, const ExactDot& exact,
                std::vector<Candidate>* out) const;

  // Decodes everything and checks what searches rely on.
  Status Verify(const std::function<Status()>& check) const;

  // For the search.
  Result<PostingList> Find(uint32_t dimension) const;
  uint32_t codes() const { return header_.codes; }
  CodeRange Range(uint32_t code) const {
    return LoadFixed<CodeRange>(codebook_ + code * sizeof(CodeRange));
  }
  // How many codes are one number.
  uint32_t exact_codes() const { return exact_codes_; }
  uint32_t irregular() const { return header_.irregular; }
  uint32_t IrregularRow(uint32_t i) const {
    return LoadFixed<uint32_t>(irregular_ + i * sizeof(uint32_t));
  }
  bool IsIrregular(uint32_t row) const;

 private:
  uint32_t Dimension(uint32_t i) const {
    return LoadFixed<uint32_t>(dimensions_ + i * sizeof(uint32_t));
  }
  uint64_t End(uint32_t i) const {
    return header_.end_bytes == 4 ? LoadFixed<uint32_t>(ends_ + i * uint64_t{4})
                                  : LoadFixed<uint64_t>(ends_ + i * uint64_t{8});
  }
  Result<PostingList> List(uint32_t i) const;
  bool CheckCodebook();
  Status VerifyList(uint32_t i, uint64_t* postings) const;

  PostingsHeader header_;
  const char* codebook_ = nullptr;
  const char* irregular_ = nullptr;
  const char* dimensions_ = nullptr;
  const char* ends_ = nullptr;
  BytesView lists_;
  uint32_t exact_codes_ = 0;
};

}  // namespace chroma::index
