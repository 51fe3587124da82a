#include "format/text_column.h"

#include <zstd.h>

#include <algorithm>
#include <utility>

#include "base/checksum.h"
#include "base/coding.h"

namespace chroma::format {
namespace {

// A read of one text decompresses one block, so blocks are small.
constexpr size_t kBlockBytes = 4 << 10;
// Bounds a block of rows without text.
constexpr uint64_t kBlockRowsMax = 16 << 10;
constexpr int kCompressionLevel = 3;
// zstd spends at least three bytes on each 128 KiB, so no honest block expands by more.
constexpr uint64_t kExpansionMax = 64 << 10;

}  // namespace

class TextCompressor {
 public:
  TextCompressor() = default;
  ~TextCompressor() { ZSTD_freeCCtx(context_); }
  TextCompressor(const TextCompressor&) = delete;
  TextCompressor& operator=(const TextCompressor&) = delete;

  Status Compress(BytesView raw, Bytes* out) {
    if (context_ == nullptr) context_ = ZSTD_createCCtx();
    const size_t at = out->size();
    const size_t bound = ZSTD_compressBound(raw.size());
    out->resize(at + bound);
    const size_t size = context_ == nullptr
                            ? 0
                            : ZSTD_compressCCtx(context_, out->data() + at, bound, raw.data(),
                                                raw.size(), kCompressionLevel);
    if (context_ == nullptr || ZSTD_isError(size) != 0) {
      out->resize(at);
      return Status::ResourceExhausted("compressing a block of texts failed: out of memory");
    }
    out->resize(at + size);
    return Status::Ok();
  }

 private:
  ZSTD_CCtx* context_ = nullptr;
};

namespace {

// False unless `compressed` holds exactly `raw_size` bytes. Making a context takes longer than
// decompressing a block, so each thread keeps one (96 KB).
bool Decompress(BytesView compressed, uint64_t raw_size, Bytes* out) {
  struct Context {
    ~Context() { ZSTD_freeDCtx(zstd); }
    ZSTD_DCtx* zstd = ZSTD_createDCtx();
  };
  static thread_local Context context;
  if (context.zstd == nullptr) return false;
  out->resize(raw_size);
  const size_t size = ZSTD_decompressDCtx(context.zstd, out->data(), out->size(), compressed.data(),
                                          compressed.size());
  return ZSTD_isError(size) == 0 && size == raw_size;
}

}  // namespace

TextWriter::TextWriter() : compressor_(std::make_unique<TextCompressor>()) {}
TextWriter::~TextWriter() = default;

Status TextWriter::Add(std::optional<std::string_view> text) {
  if (block_rows_ == 0) index_.first_rows.push_back(rows_);
  PutVarint(lengths_, text ? text->size() + 1 : 0);
  if (text) {
    any_ = true;
    texts_.append(*text);
  }
  ++rows_;
  ++block_rows_;
  const bool full = lengths_.size() + texts_.size() >= kBlockBytes || block_rows_ >= kBlockRowsMax;
  return full ? Flush() : Status::Ok();
}

void TextWriter::StreamTo(SectionWriter* out, SectionType blocks) {
  out_ = out;
  section_ = blocks;
}

Status TextWriter::Flush() {
  if (block_rows_ == 0) return Status::Ok();
  lengths_ += texts_;
  const size_t before = compressed_.size();
  CHROMA_TRY(compressor_->Compress(lengths_, &compressed_));
  index_.offsets.push_back(index_.offsets.back() + compressed_.size() - before);
  index_.raw_sizes.push_back(lengths_.size());
  lengths_.clear();
  texts_.clear();
  block_rows_ = 0;
  // Blocks without a text wait for the first one: there may be none, and no section then.
  return out_ != nullptr && any_ ? WriteOut() : Status::Ok();
}

Status TextWriter::WriteOut() {
  if (!begun_) {
    SectionOptions options;
    options.block_size = kBlockBytes;
    CHROMA_TRY(out_->BeginBlocks(section_, {}, options));
    begun_ = true;
  }
  BytesView left(compressed_);
  for (size_t i = index_.checksums.size(); i + 1 < index_.offsets.size(); ++i) {
    const size_t size = index_.offsets[i + 1] - index_.offsets[i];
    CHROMA_ASSIGN(const uint64_t checksum, out_->AppendBlock(left.substr(0, size)));
    index_.checksums.push_back(checksum);
    left.remove_prefix(size);
  }
  compressed_.clear();
  return Status::Ok();
}

Status TextWriter::Finish(SectionWriter* out, SectionType blocks, SectionType index) {
  if (!any_) return Status::Ok();
  CHROMA_TRY(Flush());
  StreamTo(out, blocks);
  CHROMA_TRY(WriteOut());
  CHROMA_TRY(out->EndBlocks());
  return out->Write(index, {}, index_.Encode());
}

Bytes TextIndex::Encode() const {
  Bytes table;
  PutFixed(table, static_cast<uint64_t>(checksums.size()));
  EncodePacked(table, first_rows);
  EncodePacked(table, offsets);
  EncodePacked(table, raw_sizes);
  for (const uint64_t checksum : checksums) PutFixed(table, checksum);
  return table;
}

namespace {

// How many rows a block has. Rows take at least a byte each and texts follow their lengths, so
// one number fits at most; 0 when none does.
uint64_t CountRows(BytesView raw) {
  ByteReader in(raw);
  uint64_t texts = 0;
  for (uint64_t rows = 1; in.ok() && !in.AtEnd(); ++rows) {
    const uint64_t length = in.VarintAtMost(raw.size() + 1 - texts);
    texts += length == 0 ? 0 : length - 1;
    if (in.ok() && in.remaining() == texts) return rows;
  }
  return 0;
}

}  // namespace

Result<Bytes> RebuildTextIndex(runtime::Context& ctx, const SectionReader& sections,
                               SectionType blocks, SectionType index, uint32_t rows) {
  const SectionInfo* section = sections.Find(blocks);
  const SectionInfo* table = sections.Find(index);
  if (section == nullptr || table == nullptr) {
    return Status::DataLoss("there are no texts to index");
  }
  const Status lost = sections.Damaged(*table, "its checksum does not match, nor do the texts");
  TextIndex rebuilt;
  Bytes raw;
  uint64_t row = 0;
  CHROMA_ASSIGN(const store::BlobSlice slice,
                sections.ReadRange(ctx, *section, 0, section->length));
  for (BytesView left = slice.bytes; !left.empty();) {
    CHROMA_TRY(ctx.Check());
    const size_t size = ZSTD_findFrameCompressedSize(left.data(), left.size());
    if (ZSTD_isError(size) != 0 || size == 0 || size > left.size()) return lost;
    const unsigned long long raw_size = ZSTD_getFrameContentSize(left.data(), size);
    if (raw_size == ZSTD_CONTENTSIZE_ERROR || raw_size == ZSTD_CONTENTSIZE_UNKNOWN ||
        raw_size / kExpansionMax > size) {
      return lost;
    }
    const BytesView block = left.substr(0, size);
    if (!Decompress(block, raw_size, &raw)) return lost;
    const uint64_t block_rows = CountRows(raw);
    if (block_rows == 0 || block_rows > rows - row) return lost;
    rebuilt.first_rows.push_back(row);
    rebuilt.offsets.push_back(rebuilt.offsets.back() + size);
    rebuilt.raw_sizes.push_back(raw_size);
    rebuilt.checksums.push_back(Checksum(block));
    row += block_rows;
    left.remove_prefix(size);
  }
  Bytes payload = rebuilt.Encode();
  if (row != rows || Checksum(payload) != table->checksum) return lost;
  return payload;
}

Result<TextReader> TextReader::Open(runtime::Context& ctx, const SectionReader& sections,
                                    SectionType blocks, SectionType index, uint32_t rows) {
  TextReader reader;
  reader.sections_ = &sections;
  reader.rows_ = rows;
  reader.section_ = sections.Find(blocks);
  const SectionInfo* table = sections.Find(index);
  if (reader.section_ == nullptr && table == nullptr) return reader;
  if (reader.section_ == nullptr || table == nullptr) {
    return sections.Damaged(table == nullptr ? *reader.section_ : *table,
                            "the section that belongs to it is missing");
  }
  Result<store::BlobSlice> read = sections.Read(ctx, *table);
  if (!read.ok() && read.status().code() == StatusCode::kDataLoss) {
    CHROMA_ASSIGN(Bytes rebuilt, RebuildTextIndex(ctx, sections, blocks, index, rows));
    read = store::OwnBytes(std::move(rebuilt));
  }
  CHROMA_ASSIGN(reader.index_, std::move(read));
  ByteReader in(reader.index_.bytes);
  Status status = reader.DecodeIndex(in);
  if (!status.ok()) return sections.Damaged(*table, status.message());
  CHROMA_TRY(sections.CheckBlockChecksums(
      *reader.section_, BytesView(reader.checksums_, reader.blocks_ * sizeof(uint64_t))));
  reader.verified_ = std::make_unique<VerifiedBlocks>(reader.blocks_);
  reader.recent_ = std::make_unique<RecentTextBlocks>();
  return reader;
}

Status TextReader::DecodeIndex(ByteReader& in) {
  blocks_ = in.Fixed<uint64_t>();
  if (blocks_ == 0 || blocks_ > in.remaining() / sizeof(uint64_t)) in.Fail();
  if (!in.ok()) return Status::DataLoss("it has no blocks");
  first_rows_ = PackedReader::Read(in, blocks_);
  offsets_ = PackedReader::Read(in, blocks_ + 1);
  raw_sizes_ = PackedReader::Read(in, blocks_);
  checksums_ = in.Raw(blocks_ * sizeof(uint64_t)).data();
  if (!in.ok() || !in.AtEnd()) return Status::DataLoss("it cannot be decoded");
  if (!offsets_.AreOffsets(0, section_->length) || first_rows_[0] != 0) {
    return Status::DataLoss("its offsets do not fit the blocks");
  }
  for (uint64_t i = 0; i < blocks_; ++i) {
    if (FirstRow(i + 1) <= FirstRow(i) || FirstRow(i) >= rows_) {
      return Status::DataLoss("its rows are out of order");
    }
    const uint64_t size = offsets_[i + 1] - offsets_[i];
    if (raw_sizes_[i] / kExpansionMax > size) {
      return Status::DataLoss("a block claims an impossible size");
    }
  }
  return Status::Ok();
}

Result<store::BlobSlice> TextReader::ReadBlock(runtime::Context& ctx, uint64_t block) const {
  CHROMA_ASSIGN(
      store::BlobSlice slice,
      sections_->ReadRange(ctx, *section_, offsets_[block], offsets_[block + 1] - offsets_[block]));
  return slice;
}

uint64_t TextReader::BlockChecksum(uint64_t block) const {
  return LoadFixed<uint64_t>(checksums_ + block * sizeof(uint64_t));
}

Status TextReader::CheckBlock(runtime::Context& ctx, uint64_t block) const {
  TextBlock decoded;
  return Load(ctx, block, &decoded);
}

Status TextReader::Verify(uint64_t block, BytesView bytes) const {
  CHROMA_TRY(sections_->blob().CheckReadable(section_->offset + offsets_[block], bytes.size()));
  if (Checksum(bytes) != BlockChecksum(block)) {
    return sections_->Damaged(*section_, "the checksum of rows " + std::to_string(FirstRow(block)) +
                                             " to " + std::to_string(FirstRow(block + 1) - 1) +
                                             " does not match");
  }
  verified_->Add(block);
  return Status::Ok();
}

Status TextReader::Load(runtime::Context& ctx, uint64_t number, TextBlock* out) const {
  CHROMA_ASSIGN(const store::BlobSlice slice, ReadBlock(ctx, number));
  if (!verified_->Contains(number)) CHROMA_TRY(Verify(number, slice.bytes));
  if (!Decompress(slice.bytes, raw_sizes_[number], &out->raw)) {
    return sections_->Damaged(*section_, "a block cannot be decompressed");
  }
  out->first_row = FirstRow(number);
  const uint64_t rows = FirstRow(number + 1) - out->first_row;
  if (rows > out->raw.size()) return sections_->Damaged(*section_, "a block lacks rows");
  out->places.assign(rows, TextBlock::Place());
  ByteReader in(out->raw);
  uint64_t total = 0;
  for (TextBlock::Place& place : out->places) {
    const uint64_t length = in.VarintAtMost(out->raw.size() + 1 - total);
    if (length == 0) continue;
    place.begin = total;
    total += length - 1;
    place.end = total;
  }
  if (!in.ok() || in.remaining() != total) {
    return sections_->Damaged(*section_, "a block has texts of the wrong length");
  }
  const uint64_t base = in.position();
  for (TextBlock::Place& place : out->places) {
    if (place.begin > place.end) continue;
    place.begin += base;
    place.end += base;
  }
  return Status::Ok();
}

Result<std::shared_ptr<const TextBlock>> TextReader::Get(runtime::Context& ctx,
                                                         uint64_t number) const {
  if (std::shared_ptr<const TextBlock> kept = recent_->Find(number)) return kept;
  auto loaded = std::make_shared<TextBlock>();
  CHROMA_TRY(Load(ctx, number, loaded.get()));
  recent_->Keep(number, loaded);
  return std::shared_ptr<const TextBlock>(std::move(loaded));
}

void TextReader::ForgetRecent() const {
  if (recent_ != nullptr) recent_->Clear();
}

Status TextReader::Read(runtime::Context& ctx, std::span<const uint32_t> rows,
                        std::vector<std::optional<std::string>>* out) const {
  out->reserve(out->size() + rows.size());
  if (section_ == nullptr) {
    out->resize(out->size() + rows.size());
    return Status::Ok();
  }
  std::shared_ptr<const TextBlock> block;
  for (const uint32_t row : rows) {
    if (block == nullptr || row >= block->end_row() || row < block->first_row) {
      CHROMA_ASSIGN(block, Get(ctx, first_rows_.LastAtMost(0, blocks_, row)));
    }
    if (block->Has(row)) {
      out->emplace_back(std::string(block->Text(row)));
    } else {
      out->emplace_back();
    }
  }
  return Status::Ok();
}

Status TextReader::Match(runtime::Context& ctx, const Bitmap* candidates,
                         const std::function<bool(std::string_view)>& test,
                         std::vector<uint32_t>* out) const {
  if (candidates != nullptr) return MatchAmong(ctx, *candidates, test, out);
  return ForEach(ctx, [&](uint32_t row, std::string_view text) {
    if (test(text)) out->push_back(row);
  });
}

Status TextReader::MatchAmong(runtime::Context& ctx, const Bitmap& candidates,
                              const std::function<bool(std::string_view)>& test,
                              std::vector<uint32_t>* out) const {
  if (section_ == nullptr) return Status::Ok();
  std::vector<uint32_t> wanted;
  uint32_t next = 0;
  for (uint64_t from = 0; candidates.Read(static_cast<uint32_t>(from), &next, 1) > 0;) {
    CHROMA_TRY(ctx.Check());
    if (next >= rows_) break;
    CHROMA_ASSIGN(const std::shared_ptr<const TextBlock> block,
                  Get(ctx, first_rows_.LastAtMost(0, blocks_, next)));
    from = block->end_row();
    wanted.resize(block->places.size());
    wanted.resize(candidates.Read(next, wanted.data(), wanted.size()));
    for (const uint32_t row : wanted) {
      if (row >= from) break;
      if (block->Has(row) && test(block->Text(row))) out->push_back(row);
    }
    if (from >= rows_) break;
  }
  return Status::Ok();
}

Status TextReader::ForEach(runtime::Context& ctx,
                           const std::function<void(uint32_t, std::string_view)>& visit) const {
  TextBlock block;
  for (uint64_t index = 0; index < blocks_; ++index) {
    CHROMA_TRY(ctx.Check());
    CHROMA_TRY(Load(ctx, index, &block));
    for (uint64_t row = block.first_row; row < FirstRow(index + 1); ++row) {
      if (block.Has(row)) visit(static_cast<uint32_t>(row), block.Text(row));
    }
  }
  return Status::Ok();
}

Status TextReader::VerifyAll(runtime::Context& ctx) const {
  TextBlock block;
  for (uint64_t index = 0; index < blocks_; ++index) {
    CHROMA_TRY(ctx.Check());
    CHROMA_ASSIGN(const store::BlobSlice slice, ReadBlock(ctx, index));
    CHROMA_TRY(Verify(index, slice.bytes));
    CHROMA_TRY(Load(ctx, index, &block));
  }
  return Status::Ok();
}

}  // namespace chroma::format
