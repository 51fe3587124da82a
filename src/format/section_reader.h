// Opens a container of sections (section_format.h): reads trailer and footer, nothing else.
// Thread safe. Every offset and length was checked against the size of the blob.
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

class SectionReader {
 public:
  // kDataLoss when trailer or footer is damaged or a section lies outside the blob;
  // kFailedPrecondition when a newer program wrote it. `known` says which types the caller
  // understands: an unknown one is left out when optional and refused when required.
  static Result<SectionReader> Open(runtime::Context& ctx, std::shared_ptr<const store::Blob> blob,
                                    bool (*known)(SectionType));

  const store::Blob& blob() const { return *blob_; }
  const std::vector<SectionInfo>& sections() const { return sections_; }
  // That of the footer: which container this is.
  uint64_t checksum() const { return checksum_; }
  uint64_t footer_offset() const { return footer_offset_; }
  // The section, or null.
  const SectionInfo* Find(SectionType type, BytesView key = {}) const;

  // The payload of a section that is not in blocks, verified against its checksum.
  Result<store::BlobSlice> Read(runtime::Context& ctx, const SectionInfo& section) const;
  // A range of the payload, not verified: for sections of blocks.
  Result<store::BlobSlice> ReadRange(runtime::Context& ctx, const SectionInfo& section,
                                     uint64_t offset, uint64_t length) const;

  // Verifies everything that Read() does not: file header, frames, and the zeros between. Sections
  // that the caller does not know are verified too, but for blocks.
  Status VerifyFrames(runtime::Context& ctx) const;

  // Whether `checksums`, u64 each, are those of the section's blocks.
  Status CheckBlockChecksums(const SectionInfo& section, BytesView checksums) const;

  // kDataLoss that names the blob and the section.
  Status Damaged(const SectionInfo& section, std::string_view what) const;

 private:
  explicit SectionReader(std::shared_ptr<const store::Blob> blob) : blob_(std::move(blob)) {}
  Status DecodeFooter(BytesView footer, uint64_t footer_offset, bool (*known)(SectionType));
  Status VerifyFrame(runtime::Context& ctx, const SectionInfo& section) const;
  Status VerifyZeros(runtime::Context& ctx, uint64_t begin, uint64_t end) const;
  Status Damaged(std::string_view what) const;

  std::shared_ptr<const store::Blob> blob_;
  std::vector<SectionInfo> sections_;  // by offset
  std::vector<SectionInfo> unknown_;
  uint64_t footer_offset_ = 0;
  uint64_t checksum_ = 0;
};

}  // namespace chroma::format
