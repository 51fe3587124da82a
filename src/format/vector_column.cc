#include "format/vector_column.h"

#include <algorithm>
#include <cstring>

#include "base/checksum.h"
#include "base/coding.h"

namespace chroma::format {
namespace {

// Small, so that the first touch of one row by a random access costs little.
constexpr uint64_t kBlockBytes = 8 << 10;
// What a scan verifies at once, and how far it asks the operating system to read ahead.
constexpr uint64_t kScannedBytes = 256 << 10;
constexpr uint64_t kReadAheadRuns = 16;  // of so many bytes

uint32_t BlockRows(uint32_t dimension) {
  if (dimension == 0) return 1;
  const uint64_t row_bytes = uint64_t{dimension} * sizeof(float);
  return static_cast<uint32_t>(std::max<uint64_t>(1, kBlockBytes / row_bytes));
}

}  // namespace

VectorWriter::VectorWriter(SectionWriter* out, uint32_t dimension)
    : out_(out), dimension_(dimension), block_rows_(BlockRows(dimension)) {}

Status VectorWriter::Add(const float* vector) {
  const uint64_t row_bytes = uint64_t{dimension_} * sizeof(float);
  if (rows_ == 0) {
    SectionOptions options;
    options.alignment = kPageAlignment;
    options.block_size = block_rows_ * row_bytes;
    CHROMA_TRY(out_->BeginBlocks(SectionType::kVectors, {}, options));
    block_.reserve(options.block_size);
  }
  block_.append(reinterpret_cast<const char*>(vector), row_bytes);
  ++rows_;
  return rows_ % block_rows_ == 0 ? Flush() : Status::Ok();
}

Status VectorWriter::Flush() {
  if (block_.empty()) return Status::Ok();
  CHROMA_ASSIGN(const uint64_t checksum, out_->AppendBlock(block_));
  checksums_.push_back(checksum);
  block_.clear();
  return Status::Ok();
}

Status VectorWriter::Finish() {
  if (rows_ == 0) return Status::Ok();
  CHROMA_TRY(Flush());
  CHROMA_TRY(out_->EndBlocks());
  Bytes table;
  PutFixed(table, dimension_);
  PutFixed(table, block_rows_);
  PutFixed(table, rows_);
  for (const uint64_t checksum : checksums_) PutFixed(table, checksum);
  return out_->Write(SectionType::kVectorChecksums, {}, table);
}

Result<Bytes> RebuildVectorChecksums(runtime::Context& ctx, const SectionReader& sections,
                                     uint32_t rows, uint32_t dimension) {
  const SectionInfo* vectors = sections.Find(SectionType::kVectors);
  const SectionInfo* table = sections.Find(SectionType::kVectorChecksums);
  const uint64_t row_bytes = uint64_t{dimension} * sizeof(float);
  if (vectors == nullptr || table == nullptr || row_bytes == 0 ||
      vectors->length / row_bytes != rows || vectors->length % row_bytes != 0 ||
      vectors->block_size == 0 || vectors->block_size % row_bytes != 0) {
    return Status::DataLoss("the checksums of vectors cannot be made again");
  }
  Bytes payload;
  PutFixed(payload, dimension);
  PutFixed(payload, static_cast<uint32_t>(vectors->block_size / row_bytes));
  PutFixed(payload, uint64_t{rows});
  for (uint64_t at = 0; at < vectors->length; at += vectors->block_size) {
    CHROMA_TRY(ctx.Check());
    const uint64_t n = std::min(vectors->block_size, vectors->length - at);
    CHROMA_ASSIGN(const store::BlobSlice block, sections.ReadRange(ctx, *vectors, at, n));
    PutFixed(payload, Checksum(block.bytes));
  }
  if (Checksum(payload) != table->checksum) {
    return sections.Damaged(*table, "its checksum does not match, nor do the vectors");
  }
  return payload;
}

Result<VectorReader> VectorReader::Open(runtime::Context& ctx, const SectionReader& sections,
                                        uint32_t rows, uint32_t dimension) {
  VectorReader reader;
  reader.sections_ = &sections;
  reader.rows_ = rows;
  reader.dimension_ = dimension;
  reader.section_ = sections.Find(SectionType::kVectors);
  const SectionInfo* table = sections.Find(SectionType::kVectorChecksums);
  if (reader.section_ == nullptr || table == nullptr) {
    return Status::DataLoss("segment " + sections.blob().name() +
                            " is damaged: it has no vectors; restore it from a backup");
  }
  Result<store::BlobSlice> read = sections.Read(ctx, *table);
  if (!read.ok() && read.status().code() == StatusCode::kDataLoss) {
    CHROMA_ASSIGN(Bytes rebuilt, RebuildVectorChecksums(ctx, sections, rows, dimension));
    read = store::OwnBytes(std::move(rebuilt));
  }
  CHROMA_ASSIGN(const store::BlobSlice slice, std::move(read));
  ByteReader in(slice.bytes);
  const auto table_dimension = in.Fixed<uint32_t>();
  reader.block_rows_ = in.Fixed<uint32_t>();
  const auto table_rows = in.Fixed<uint64_t>();
  if (!in.ok() || table_dimension != dimension || table_rows != rows || reader.block_rows_ == 0) {
    return sections.Damaged(*table, "it describes other vectors");
  }
  const uint64_t blocks = (uint64_t{rows} + reader.block_rows_ - 1) / reader.block_rows_;
  if (blocks != in.remaining() / sizeof(uint64_t) || in.remaining() % sizeof(uint64_t) != 0) {
    return sections.Damaged(*table, "it has the wrong number of blocks");
  }
  CHROMA_TRY(sections.CheckBlockChecksums(*reader.section_,
                                          slice.bytes.substr(in.position(), in.remaining())));
  reader.checksums_.reserve(blocks);
  while (!in.AtEnd()) reader.checksums_.push_back(in.Fixed<uint64_t>());
  const unsigned __int128 length =
      static_cast<unsigned __int128>(uint64_t{rows} * dimension) * sizeof(float);
  if (length != reader.section_->length) {
    return sections.Damaged(*reader.section_, "it has the wrong length");
  }
  CHROMA_ASSIGN(reader.vectors_,
                sections.ReadRange(ctx, *reader.section_, 0, reader.section_->length));
  const BytesView bytes = reader.vectors_.bytes;
  if (reinterpret_cast<uintptr_t>(bytes.data()) % alignof(float) != 0) {
    reader.copy_.resize(bytes.size() / sizeof(float));
    std::memcpy(reader.copy_.data(), bytes.data(), bytes.size());
    reader.values_ = reader.copy_.data();
  } else {
    reader.values_ = reinterpret_cast<const float*>(bytes.data());
  }
  reader.verified_ = std::make_unique<VerifiedBlocks>(blocks);
  return reader;
}

uint64_t VectorReader::RunBlocks() const {
  return std::max<uint64_t>(1, kScannedBytes / std::max<uint64_t>(1, BlockOffset(1)));
}

BytesView VectorReader::BlockBytes(uint64_t block) const {
  const uint64_t block_bytes = uint64_t{block_rows_} * dimension_ * sizeof(float);
  const uint64_t begin = block * block_bytes;
  return BytesView(reinterpret_cast<const char*>(values_) + begin,
                   std::min(block_bytes, section_->length - begin));
}

uint64_t VectorReader::BlockOffset(uint64_t block) const {
  return std::min(block * block_rows_ * dimension_ * sizeof(float), section_->length);
}

Status VectorReader::CheckReadable(uint64_t first, uint64_t end) const {
  return sections_->blob().CheckReadable(section_->offset + BlockOffset(first),
                                         BlockOffset(end) - BlockOffset(first));
}

Status VectorReader::Verify(uint64_t block) const {
  // A scan is taken to be under way when the block before was verified: what comes next is asked
  // for together, since asking costs more than verifying.
  const bool scans = block == 0 || verified_->Contains(block - 1);
  const uint64_t run = scans ? RunBlocks() : 1;
  const uint64_t end = std::min<uint64_t>(blocks(), (block / run + 1) * run);
  if (scans && block % run == 0 && block / run % kReadAheadRuns == 0) {
    const uint64_t begin = BlockOffset(block);
    const uint64_t ahead = BlockOffset(block + 2 * kReadAheadRuns * run) - begin;
    sections_->blob().WillNeed(section_->offset + begin, ahead);
  }
  if (Status readable = CheckReadable(block, end); !readable.ok()) {
    if (end - block > 1) readable = CheckReadable(block, block + 1);
    CHROMA_TRY(readable);
    return Check(block, BlockBytes(block));
  }
  CHROMA_TRY(Check(block, BlockBytes(block)));
  // Nobody has asked for these yet: damage of one is told to whoever does.
  for (uint64_t next = block + 1; next < end; ++next) {
    if (!verified_->Contains(next) && !Check(next, BlockBytes(next)).ok()) break;
  }
  return Status::Ok();
}

Status VectorReader::Check(uint64_t block, BytesView bytes) const {
  if (Checksum(bytes) != checksums_[block]) {
    return sections_->Damaged(
        *section_, "the checksum of rows " + std::to_string(block * block_rows_) + " to " +
                       std::to_string(std::min<uint64_t>(rows_, (block + 1) * block_rows_) - 1) +
                       " does not match");
  }
  verified_->Add(block);
  return Status::Ok();
}

Result<VectorReader::Run> VectorReader::Get(uint32_t row) const {
  const float* values = values_ + uint64_t{row} * dimension_;
  if (verified_->missing() == 0) return Run{values, rows_ - row};
  const uint64_t block = row / block_rows_;
  if (!verified_->Contains(block)) CHROMA_TRY(Verify(block));
  const uint64_t end = std::min<uint64_t>(rows_, verified_->RunEnd(block) * block_rows_);
  return Run{values, static_cast<uint32_t>(end - row)};
}

Status VectorReader::Copy(uint32_t row, float* out) const {
  const uint64_t row_bytes = uint64_t{dimension_} * sizeof(float);
  const uint64_t block = row / block_rows_;
  if (verified_->Contains(block)) {
    return sections_->blob().Copy(section_->offset + row * row_bytes, row_bytes,
                                  reinterpret_cast<char*>(out));
  }
  const uint64_t begin = block * block_rows_ * row_bytes;
  // Kept: new memory of this size comes from the kernel, which clears it.
  static thread_local Bytes bytes;
  bytes.resize(BlockBytes(block).size());
  CHROMA_TRY(sections_->blob().Copy(section_->offset + begin, bytes.size(), bytes.data()));
  CHROMA_TRY(Check(block, bytes));
  std::memcpy(out, bytes.data() + (row * row_bytes - begin), row_bytes);
  return Status::Ok();
}

Status VectorReader::VerifyAll(runtime::Context& ctx) const {
  const uint64_t run = RunBlocks();
  for (uint64_t first = 0; first < blocks(); first += run) {
    CHROMA_TRY(ctx.Check());
    const uint64_t end = std::min(first + run, blocks());
    sections_->blob().WillNeed(section_->offset + BlockOffset(first),
                               BlockOffset(end) - BlockOffset(first));
    CHROMA_TRY(CheckReadable(first, end));
    for (uint64_t block = first; block < end; ++block) {
      CHROMA_TRY(Check(block, BlockBytes(block)));
    }
  }
  return Status::Ok();
}

}  // namespace chroma::format
