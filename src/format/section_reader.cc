#include "format/section_reader.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/checksum.h"
#include "base/coding.h"

namespace chroma::format {
namespace {

// One read from the end usually holds the whole footer.
constexpr uint64_t kTailBytes = 64 << 10;

}  // namespace

Status SectionReader::Damaged(std::string_view what) const {
  return Status::DataLoss("segment " + blob_->name() + " is damaged: " + std::string(what) +
                          "; restore it from a backup");
}

Status SectionReader::Damaged(const SectionInfo& section, std::string_view what) const {
  return Damaged("section " + Describe(section) + ": " + std::string(what));
}

Result<SectionReader> SectionReader::Open(runtime::Context& ctx,
                                          std::shared_ptr<const store::Blob> blob,
                                          bool (*known)(SectionType)) {
  SectionReader reader(std::move(blob));
  const uint64_t size = reader.blob_->size_bytes();
  if (size < kFileHeaderBytes + kTrailerBytes) return reader.Damaged("it is too short");
  uint64_t tail_bytes = std::min(size, kTailBytes);
  CHROMA_TRY(reader.blob_->CheckReadable(size - tail_bytes, tail_bytes));
  CHROMA_ASSIGN(store::BlobSlice tail, reader.blob_->Read(ctx, size - tail_bytes, tail_bytes));
  if (tail.bytes.size() != tail_bytes) return reader.Damaged("a read came back short");
  const char* trailer = tail.bytes.data() + tail_bytes - kTrailerBytes;
  if (BytesView(trailer + 16, 8) != kContainerMagic) {
    return reader.Damaged("its end is missing or is not that of a segment");
  }
  const auto footer_bytes = LoadFixed<uint32_t>(trailer);
  const auto version = LoadFixed<uint32_t>(trailer + 4);
  if (footer_bytes > size - kFileHeaderBytes - kTrailerBytes) {
    return reader.Damaged("its footer would be longer than the blob");
  }
  if (footer_bytes + kTrailerBytes > tail_bytes) {
    tail_bytes = footer_bytes + kTrailerBytes;
    CHROMA_TRY(reader.blob_->CheckReadable(size - tail_bytes, tail_bytes));
    CHROMA_ASSIGN(tail, reader.blob_->Read(ctx, size - tail_bytes, tail_bytes));
    if (tail.bytes.size() != tail_bytes) return reader.Damaged("a read came back short");
  }
  const BytesView end = tail.bytes.substr(tail_bytes - kTrailerBytes - footer_bytes);
  if (Checksum(end.substr(0, footer_bytes + 8)) != LoadFixed<uint64_t>(&end[footer_bytes + 8])) {
    return reader.Damaged("the checksum of its footer does not match");
  }
  if (version > kContainerVersion) {
    return Status::FailedPrecondition("segment " + reader.blob_->name() + " has format version " +
                                      std::to_string(version) + ", this program reads up to " +
                                      std::to_string(kContainerVersion) + "; upgrade the program");
  }
  reader.checksum_ = EndChecksum(tail.bytes);
  const uint64_t footer_offset = size - kTrailerBytes - footer_bytes;
  CHROMA_TRY(reader.DecodeFooter(end.substr(0, footer_bytes), footer_offset, known));
  return reader;
}

Status SectionReader::DecodeFooter(BytesView footer, uint64_t footer_offset,
                                   bool (*known)(SectionType)) {
  footer_offset_ = footer_offset;
  ByteReader in(footer);
  const uint64_t count = in.VarintAtMost(footer.size());
  uint64_t end = kFileHeaderBytes;
  std::set<std::pair<SectionType, std::string_view>> seen;
  sections_.reserve(std::min<uint64_t>(count, footer.size() / 14 + 1));
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    SectionInfo section;
    section.type = static_cast<SectionType>(in.VarintAtMost(UINT32_MAX));
    section.flags = in.Fixed<uint8_t>();
    const BytesView key = in.String();
    section.key = std::string(key);
    section.offset = in.VarintAtMost(footer_offset);
    section.length = in.VarintAtMost(footer_offset);
    section.checksum = in.Fixed<uint64_t>();
    section.block_size = in.Varint();
    if (!in.ok()) break;
    // Ascending and apart, each followed by its frame.
    if (section.offset < end || section.offset % kSectionAlignment != 0 ||
        section.length > footer_offset - section.offset ||
        footer_offset - section.offset - section.length < kFrameBytes) {
      return Damaged(section, "it does not lie inside the blob");
    }
    end = section.offset + section.length + kFrameBytes;
    if (!seen.emplace(section.type, key).second) return Damaged(section, "it occurs twice");
    if (known(section.type)) {
      sections_.push_back(std::move(section));
    } else if ((section.flags & kSectionRequired) != 0) {
      return Status::FailedPrecondition("segment " + blob_->name() + " has a section of type " +
                                        std::to_string(static_cast<uint32_t>(section.type)) +
                                        " that this program does not know; upgrade the program");
    } else {
      unknown_.push_back(std::move(section));
    }
  }
  if (!in.ok() || !in.AtEnd()) return Damaged("its footer cannot be decoded");
  return Status::Ok();
}

const SectionInfo* SectionReader::Find(SectionType type, BytesView key) const {
  for (const SectionInfo& section : sections_) {
    if (section.type == type && section.key == key) return &section;
  }
  return nullptr;
}

Result<store::BlobSlice> SectionReader::ReadRange(runtime::Context& ctx, const SectionInfo& section,
                                                  uint64_t offset, uint64_t length) const {
  if (offset > section.length || length > section.length - offset) {
    return Damaged(section, "a part of it would lie outside");
  }
  CHROMA_ASSIGN(store::BlobSlice slice, blob_->Read(ctx, section.offset + offset, length));
  if (slice.bytes.size() != length) return Damaged(section, "a read came back short");
  return slice;
}

Result<store::BlobSlice> SectionReader::Read(runtime::Context& ctx,
                                             const SectionInfo& section) const {
  if (section.block_size != 0) return Damaged(section, "it consists of blocks");
  CHROMA_TRY(blob_->CheckReadable(section.offset, section.length));
  CHROMA_ASSIGN(store::BlobSlice slice, ReadRange(ctx, section, 0, section.length));
  if (Checksum(slice.bytes) != section.checksum) {
    return Damaged(section, "its checksum does not match");
  }
  return slice;
}

Status SectionReader::CheckBlockChecksums(const SectionInfo& section, BytesView checksums) const {
  if (section.block_size != 0 && Checksum(checksums) == section.checksum) return Status::Ok();
  return Damaged(section, "the checksums of its blocks are not its own");
}

Status SectionReader::VerifyFrame(runtime::Context& ctx, const SectionInfo& section) const {
  const uint64_t offset = FrameOffset(section);
  const uint64_t length = kFrameBytes + section.key.size();
  const uint64_t size = blob_->size_bytes();
  if (offset > size || length > size - offset) return Damaged(section, "its frame is cut off");
  CHROMA_ASSIGN(const store::BlobSlice slice, blob_->Read(ctx, offset, length));
  if (slice.bytes.size() != length) return Damaged(section, "a read came back short");
  if (slice.bytes != EncodeFrame(section))
    return Damaged(section, "its frame does not match the footer");
  return Status::Ok();
}

Status SectionReader::VerifyFrames(runtime::Context& ctx) const {
  CHROMA_ASSIGN(const store::BlobSlice header, blob_->Read(ctx, 0, kFileHeaderBytes));
  if (header.bytes != EncodeFileHeader()) return Damaged("its file header does not match");
  std::vector<const SectionInfo*> all;
  for (const SectionInfo& section : sections_) all.push_back(&section);
  for (const SectionInfo& section : unknown_) all.push_back(&section);
  std::sort(all.begin(), all.end(),
            [](const auto* a, const auto* b) { return a->offset < b->offset; });
  uint64_t end = kFileHeaderBytes;
  for (const SectionInfo* section : all) {
    CHROMA_TRY(VerifyZeros(ctx, end, section->offset));
    CHROMA_TRY(VerifyFrame(ctx, *section));
    const uint64_t payload_end = section->offset + section->length;
    const uint64_t frame = FrameOffset(*section);
    CHROMA_TRY(VerifyZeros(ctx, payload_end, frame));
    end = frame + kFrameBytes + section->key.size();
  }
  CHROMA_TRY(VerifyZeros(ctx, end, footer_offset_));
  for (const SectionInfo& section : unknown_) {
    if (section.block_size == 0) CHROMA_TRY(Read(ctx, section).status());
  }
  return Status::Ok();
}

Status SectionReader::VerifyZeros(runtime::Context& ctx, uint64_t begin, uint64_t end) const {
  if (end < begin || end - begin > kPageAlignment) return Damaged("there is a gap in it");
  if (end == begin) return Status::Ok();
  CHROMA_ASSIGN(const store::BlobSlice slice, blob_->Read(ctx, begin, end - begin));
  if (slice.bytes.find_first_not_of('\0') != BytesView::npos) {
    return Damaged("bytes between its sections are not zero");
  }
  return Status::Ok();
}

}  // namespace chroma::format
