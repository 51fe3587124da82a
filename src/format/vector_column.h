// Raw float32 vectors of one dimension, one after the other, in a page-aligned section of their
// own; a second section holds a checksum per block of whole rows:
//
//   u32 dimension, u32 rows per block, u64 rows, u64 checksums[ceil(rows / rows per block)]
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "chroma/status.h"
#include "format/section_reader.h"
#include "format/section_writer.h"
#include "format/verified_blocks.h"

namespace chroma::format {

// Streams vectors to the writer, which must not be used for other sections between the first
// Add() and Finish().
class VectorWriter {
 public:
  VectorWriter(SectionWriter* out, uint32_t dimension);
  Status Add(const float* vector);
  // Ends the section and writes the checksums; nothing when there were no vectors.
  Status Finish();

 private:
  Status Flush();

  SectionWriter* const out_;
  const uint32_t dimension_;
  const uint32_t block_rows_;
  uint64_t rows_ = 0;
  Bytes block_;
  std::vector<uint64_t> checksums_;
};

// The payload of the vector checksums made again from the vectors, when it is what the footer says
// that it was; kDataLoss else.
Result<Bytes> RebuildVectorChecksums(runtime::Context& ctx, const SectionReader& sections,
                                     uint32_t rows, uint32_t dimension);

// Owns the mapping of the vectors. Verifies blocks when first asked for them. Thread safe.
class VectorReader {
 public:
  // `sections` outlives this.
  static Result<VectorReader> Open(runtime::Context& ctx, const SectionReader& sections,
                                   uint32_t rows, uint32_t dimension);

  struct Run {
    const float* values = nullptr;
    uint32_t rows = 0;
  };
  // The vectors from `row` on, as many as are verified and known to be; at least one.
  // row < rows.
  Result<Run> Get(uint32_t row) const;
  // `dimension` floats, read without mapping them. row < rows.
  Status Copy(uint32_t row, float* out) const;
  Status VerifyAll(runtime::Context& ctx) const;
  // Blocks of rows that are verified together: [block * block_rows(), … + block_rows()).
  uint64_t blocks() const { return checksums_.size(); }
  uint32_t block_rows() const { return block_rows_; }
  // The bytes of a block, unverified, and what their checksum should be.
  BytesView BlockBytes(uint64_t block) const;
  uint64_t BlockChecksum(uint64_t block) const { return checksums_[block]; }

 private:
  VectorReader() = default;
  Status Verify(uint64_t block) const;
  // Blocks that a scan verifies at once.
  uint64_t RunBlocks() const;
  // In the section; its length for what is beyond.
  uint64_t BlockOffset(uint64_t block) const;
  Status CheckReadable(uint64_t first, uint64_t end) const;
  Status Check(uint64_t block, BytesView bytes) const;

  const SectionReader* sections_ = nullptr;
  const SectionInfo* section_ = nullptr;  // null without vectors
  uint32_t rows_ = 0;
  uint32_t dimension_ = 0;
  uint32_t block_rows_ = 1;
  store::BlobSlice vectors_;
  std::vector<uint64_t> checksums_;
  std::vector<float> copy_;  // when the store gave bytes that are not aligned for float
  const float* values_ = nullptr;
  std::unique_ptr<VerifiedBlocks> verified_;
};

}  // namespace chroma::format
