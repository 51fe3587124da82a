// Optional texts by row (documents, uris) in blocks that zstd compresses: one section of blocks
// and one that indexes them.
//
//   block (compressed) = per row a varint: 0 without text, else its bytes + 1; then the texts
//   index              = u64 blocks, packed first rows, packed offsets (blocks + 1),
//                        packed sizes before compression, u64 checksums[blocks] of the
//                        compressed bytes
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bitmap.h"
#include "chroma/status.h"
#include "format/packed_column.h"
#include "format/section_reader.h"
#include "format/section_writer.h"
#include "format/text_block.h"
#include "format/verified_blocks.h"

namespace chroma::format {

// State kept between blocks. One task at a time.
class TextCompressor;

// What the index says of the blocks.
struct TextIndex {
  std::vector<uint64_t> first_rows;
  std::vector<uint64_t> offsets{0};
  std::vector<uint64_t> raw_sizes;
  std::vector<uint64_t> checksums;

  Bytes Encode() const;
};

class TextWriter {
 public:
  TextWriter();
  ~TextWriter();
  TextWriter(const TextWriter&) = delete;
  TextWriter& operator=(const TextWriter&) = delete;

  // From now on blocks go out as soon as they are full, instead of being kept until Finish(), which
  // has to come before anything else is written.
  void StreamTo(SectionWriter* out, SectionType blocks);
  // The text of the next row.
  Status Add(std::optional<std::string_view> text);
  uint64_t rows() const { return rows_; }
  // Whether any row has a text.
  bool any() const { return any_; }
  // Writes both sections; neither when no row has a text.
  Status Finish(SectionWriter* out, SectionType blocks, SectionType index);

 private:
  Status Flush();
  Status WriteOut();

  std::unique_ptr<TextCompressor> compressor_;
  bool any_ = false;
  uint64_t rows_ = 0;
  uint64_t block_rows_ = 0;
  Bytes lengths_;
  Bytes texts_;
  Bytes compressed_;  // blocks that were not written yet
  TextIndex index_;   // the checksums of those that were
  SectionWriter* out_ = nullptr;
  SectionType section_ = {};
  bool begun_ = false;  // the section
};

// The payload of the index made again from the blocks, when it is what the footer says that it
// was; kDataLoss else.
Result<Bytes> RebuildTextIndex(runtime::Context& ctx, const SectionReader& sections,
                               SectionType blocks, SectionType index, uint32_t rows);

// Verifies blocks when first asked for them. Thread safe.
class TextReader {
 public:
  // `sections` outlives this. A reader of nothing when the sections are missing.
  static Result<TextReader> Open(runtime::Context& ctx, const SectionReader& sections,
                                 SectionType blocks, SectionType index, uint32_t rows);

  // One element per row of `rows` (ascending), appended. The blocks are kept for a while.
  Status Read(runtime::Context& ctx, std::span<const uint32_t> rows,
              std::vector<std::optional<std::string>>* out) const;
  // Rows among `candidates` (null: all) whose text `test` accepts, ascending.
  Status Match(runtime::Context& ctx, const Bitmap* candidates,
               const std::function<bool(std::string_view)>& test, std::vector<uint32_t>* out) const;
  // Every row that has a text, ascending.
  Status ForEach(runtime::Context& ctx,
                 const std::function<void(uint32_t, std::string_view)>& visit) const;
  Status VerifyAll(runtime::Context& ctx) const;
  // Frees the blocks that are kept.
  void ForgetRecent() const;

  // For repairs. A block has the rows [FirstRow(block), FirstRow(block + 1)).
  uint64_t blocks() const { return blocks_; }
  uint64_t FirstRow(uint64_t block) const { return block < blocks_ ? first_rows_[block] : rows_; }
  // Where the block lies in its section, its bytes, unverified, and what their checksum should be.
  uint64_t BlockOffset(uint64_t block) const { return offsets_[block]; }
  Result<store::BlobSlice> ReadBlock(runtime::Context& ctx, uint64_t block) const;
  uint64_t BlockChecksum(uint64_t block) const;
  // Whether the verified block decodes.
  Status CheckBlock(runtime::Context& ctx, uint64_t block) const;

 private:
  TextReader() = default;
  Status Verify(uint64_t block, BytesView bytes) const;
  Status Load(runtime::Context& ctx, uint64_t number, TextBlock* out) const;
  // From those that are kept, where it is among them.
  Result<std::shared_ptr<const TextBlock>> Get(runtime::Context& ctx, uint64_t number) const;
  Status MatchAmong(runtime::Context& ctx, const Bitmap& candidates,
                    const std::function<bool(std::string_view)>& test,
                    std::vector<uint32_t>* out) const;
  Status DecodeIndex(ByteReader& in);

  const SectionReader* sections_ = nullptr;
  const SectionInfo* section_ = nullptr;  // null: no row has a text
  uint32_t rows_ = 0;
  uint64_t blocks_ = 0;
  store::BlobSlice index_;
  PackedReader first_rows_;
  PackedReader offsets_;
  PackedReader raw_sizes_;
  const char* checksums_ = nullptr;
  std::unique_ptr<VerifiedBlocks> verified_;
  std::unique_ptr<RecentTextBlocks> recent_;
};

}  // namespace chroma::format
