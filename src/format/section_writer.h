// Writes one container of sections (section_format.h), front to back. One task at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "chroma/status.h"
#include "format/section_format.h"
#include "runtime/context.h"
#include "store/blob_store.h"

namespace chroma::format {

struct SectionOptions {
  uint64_t alignment = kSectionAlignment;
  bool required = true;
  uint64_t block_size = 0;  // of a section of blocks: their usual size, not 0
};

class SectionWriter {
 public:
  explicit SectionWriter(std::unique_ptr<store::BlobWriter> blob);
  SectionWriter(const SectionWriter&) = delete;
  SectionWriter& operator=(const SectionWriter&) = delete;

  // A section in one piece.
  Status Write(SectionType type, BytesView key, BytesView payload,
               const SectionOptions& options = {});
  // A section of blocks, which are verified one by one: the caller stores their checksums in
  // another section. One is open at a time.
  Status BeginBlocks(SectionType type, BytesView key, const SectionOptions& options);
  // Returns the checksum of the block.
  Result<uint64_t> AppendBlock(BytesView block);
  Status EndBlocks();

  uint64_t size_bytes() const { return offset_; }
  // After Finish: that of the footer, which holds those of all sections.
  uint64_t checksum() const { return checksum_; }
  // Writes footer and trailer and makes the blob durable and visible.
  Status Finish(runtime::Context& ctx);

 private:
  Status Begin(SectionType type, BytesView key, const SectionOptions& options);
  Status End(uint64_t checksum);
  Status Put(BytesView bytes);
  Status PadTo(uint64_t alignment);

  std::unique_ptr<store::BlobWriter> blob_;
  uint64_t offset_ = 0;
  uint64_t checksum_ = 0;
  bool open_ = false;
  Bytes block_checksums_;
  std::vector<SectionInfo> sections_;
};

}  // namespace chroma::format
