#include "format/section_writer.h"

#include <utility>

#include "base/check.h"
#include "base/checksum.h"
#include "base/coding.h"

namespace chroma::format {

SectionWriter::SectionWriter(std::unique_ptr<store::BlobWriter> blob) : blob_(std::move(blob)) {}

Status SectionWriter::Put(BytesView bytes) {
  if (bytes.empty()) return Status::Ok();
  CHROMA_TRY(blob_->Append(bytes));
  offset_ += bytes.size();
  return Status::Ok();
}

Status SectionWriter::PadTo(uint64_t alignment) {
  return Put(Bytes((alignment - offset_ % alignment) % alignment, '\0'));
}

Status SectionWriter::Begin(SectionType type, BytesView key, const SectionOptions& options) {
  CHECK(!open_);
  if (offset_ == 0) {
    CHROMA_TRY(Put(EncodeFileHeader()));
  }
  CHROMA_TRY(PadTo(options.alignment));
  SectionInfo section;
  section.type = type;
  section.flags = options.required ? kSectionRequired : 0;
  section.key = std::string(key);
  section.offset = offset_;
  section.block_size = options.block_size;
  sections_.push_back(std::move(section));
  open_ = true;
  return Status::Ok();
}

Status SectionWriter::BeginBlocks(SectionType type, BytesView key, const SectionOptions& options) {
  CHECK(options.block_size != 0);
  block_checksums_.clear();
  return Begin(type, key, options);
}

Result<uint64_t> SectionWriter::AppendBlock(BytesView block) {
  CHECK(open_);
  const uint64_t checksum = Checksum(block);
  PutFixed(block_checksums_, checksum);
  CHROMA_TRY(Put(block));
  return checksum;
}

Status SectionWriter::EndBlocks() {
  return End(Checksum(block_checksums_));
}

Status SectionWriter::End(uint64_t checksum) {
  CHECK(open_);
  open_ = false;
  SectionInfo& section = sections_.back();
  section.length = offset_ - section.offset;
  section.checksum = checksum;
  CHROMA_TRY(PadTo(8));
  return Put(EncodeFrame(section));
}

Status SectionWriter::Write(SectionType type, BytesView key, BytesView payload,
                            const SectionOptions& options) {
  CHECK(options.block_size == 0);
  CHROMA_TRY(Begin(type, key, options));
  CHROMA_TRY(Put(payload));
  return End(Checksum(payload));
}

Status SectionWriter::Finish(runtime::Context& ctx) {
  CHECK(!open_ && !sections_.empty());
  CHROMA_TRY(PadTo(kSectionAlignment));
  const Bytes end = EncodeEnd(sections_);
  if (end.empty()) {
    return Status::ResourceExhausted("the footer of a segment would exceed 4 GiB");
  }
  CHROMA_TRY(Put(end));
  checksum_ = EndChecksum(end);
  return blob_->Finish(ctx);
}

}  // namespace chroma::format
