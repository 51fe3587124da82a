#include "format/section_recovery.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/checksum.h"
#include "base/coding.h"

namespace chroma::format {
namespace {

constexpr uint64_t kScanBytes = 1 << 20;
constexpr uint64_t kTextBlockBytes = 4 << 10;  // as TextWriter names its blocks

// The section whose frame starts at `bytes`, which stand at `at`; false when none does.
bool DecodeFrame(BytesView bytes, uint64_t at, SectionInfo* section) {
  if (bytes.size() < kFrameBytes || LoadFixed<uint32_t>(bytes.data()) != kFrameMagic) return false;
  ByteReader in(bytes.substr(sizeof(kFrameMagic)));
  section->type = static_cast<SectionType>(in.Fixed<uint32_t>());
  section->length = in.Fixed<uint64_t>();
  section->checksum = in.Fixed<uint64_t>();
  const auto key_bytes = in.Fixed<uint32_t>();
  const auto flags = in.Fixed<uint32_t>();
  const auto checksum = in.Fixed<uint64_t>();
  if (key_bytes > in.remaining() || flags > UINT8_MAX || section->length > at) return false;
  section->flags = static_cast<uint8_t>(flags);
  section->key = std::string(in.Raw(key_bytes));
  if (Checksum(Bytes(bytes.substr(0, kFrameBytes - 8)) + section->key) != checksum) return false;
  // The only aligned place from which the payload ends here.
  section->offset = (at - section->length) / kSectionAlignment * kSectionAlignment;
  return section->offset >= kFileHeaderBytes && FrameOffset(*section) == at;
}

// By the offset of their sections: whatever looks like a frame.
Result<std::multimap<uint64_t, SectionInfo>> FindFrames(runtime::Context& ctx,
                                                        const store::Blob& blob) {
  std::multimap<uint64_t, SectionInfo> found;
  const uint64_t size = blob.size_bytes();
  for (uint64_t begin = kFileHeaderBytes; begin < size; begin += kScanBytes) {
    CHROMA_TRY(ctx.Check());
    const uint64_t n = std::min(kScanBytes, size - begin);
    CHROMA_ASSIGN(const store::BlobSlice slice, blob.Read(ctx, begin, n));
    for (uint64_t i = 0; i + sizeof(kFrameMagic) <= n; i += 8) {
      if (LoadFixed<uint32_t>(slice.bytes.data() + i) != kFrameMagic) continue;
      CHROMA_ASSIGN(const store::BlobSlice rest,
                    blob.Read(ctx, begin + i, std::min(kScanBytes, size - begin - i)));
      SectionInfo section;
      if (DecodeFrame(rest.bytes, begin + i, &section)) found.emplace(section.offset, section);
    }
  }
  return found;
}

// Frames do not say how large blocks are.
Status FindBlockSizes(runtime::Context& ctx, const store::Blob& blob,
                      std::vector<SectionInfo>& sections) {
  for (SectionInfo& section : sections) {
    if (section.type == SectionType::kDocuments || section.type == SectionType::kUris) {
      section.block_size = kTextBlockBytes;
    }
    if (section.type != SectionType::kVectorChecksums || section.length < 8) continue;
    CHROMA_ASSIGN(const store::BlobSlice slice, blob.Read(ctx, section.offset, 8));
    const uint64_t dimension = LoadFixed<uint32_t>(slice.bytes.data());
    const uint64_t block_rows = LoadFixed<uint32_t>(slice.bytes.data() + 4);
    for (SectionInfo& vectors : sections) {
      if (vectors.type == SectionType::kVectors) {
        vectors.block_size = dimension * block_rows * sizeof(float);
      }
    }
  }
  return Status::Ok();
}

uint64_t AlignUp(uint64_t at, uint64_t alignment) {
  return (at + alignment - 1) / alignment * alignment;
}

// Adds what makes [offset, offset + expected.size()) equal to `expected`.
Status Expect(runtime::Context& ctx, const store::Blob& blob, uint64_t offset, BytesView expected,
              std::vector<store::Patch>* patches) {
  CHROMA_ASSIGN(const store::BlobSlice slice, blob.Read(ctx, offset, expected.size()));
  if (slice.bytes != expected) patches->push_back({offset, Bytes(expected)});
  return Status::Ok();
}

}  // namespace

Result<store::Patch> RecoverEnd(runtime::Context& ctx, const store::Blob& blob) {
  const Status lost = Status::DataLoss("the footer of segment " + blob.name() +
                                       " is damaged and cannot be made again from its frames");
  CHROMA_ASSIGN(const auto frames, FindFrames(ctx, blob));
  std::vector<SectionInfo> sections;
  uint64_t end = kFileHeaderBytes;
  for (;;) {
    uint64_t offset = AlignUp(end, kSectionAlignment);
    if (!frames.contains(offset)) offset = AlignUp(end, kPageAlignment);
    const auto [first, last] = frames.equal_range(offset);
    if (first == last) break;
    if (std::next(first) != last) return lost;  // content that was made to look like a frame
    sections.push_back(first->second);
    end = FrameOffset(first->second) + kFrameBytes + first->second.key.size();
  }
  CHROMA_TRY(FindBlockSizes(ctx, blob, sections));
  store::Patch patch{AlignUp(end, kSectionAlignment), EncodeEnd(sections)};
  if (sections.empty() || patch.offset + patch.bytes.size() != blob.size_bytes()) return lost;
  // A container that was cut off may end where one with fewer sections would.
  CHROMA_ASSIGN(const store::BlobSlice there, blob.Read(ctx, patch.offset, patch.bytes.size()));
  size_t equal = 0;
  for (size_t i = 0; i < patch.bytes.size(); ++i) equal += patch.bytes[i] == there.bytes[i];
  if (equal * 2 < patch.bytes.size()) return lost;
  return patch;
}

Result<std::vector<store::Patch>> RecoverFraming(runtime::Context& ctx,
                                                 const SectionReader& sections) {
  std::vector<store::Patch> patches;
  const store::Blob& blob = sections.blob();
  CHROMA_TRY(Expect(ctx, blob, 0, EncodeFileHeader(), &patches));
  uint64_t end = kFileHeaderBytes;
  for (const SectionInfo& section : sections.sections()) {
    // A writer leaves less than a page; a larger gap is another program's.
    if (section.offset < end || section.offset - end > kPageAlignment) {
      return sections.Damaged(section, "it is not where a segment has it");
    }
    CHROMA_TRY(Expect(ctx, blob, end, Bytes(section.offset - end, '\0'), &patches));
    const uint64_t payload_end = section.offset + section.length;
    const uint64_t frame_offset = FrameOffset(section);
    CHROMA_TRY(Expect(ctx, blob, payload_end, Bytes(frame_offset - payload_end, '\0'), &patches));
    const Bytes frame = EncodeFrame(section);
    CHROMA_TRY(Expect(ctx, blob, frame_offset, frame, &patches));
    end = frame_offset + frame.size();
  }
  if (end > sections.footer_offset() || sections.footer_offset() - end > kPageAlignment) {
    return Status::DataLoss("segment " + blob.name() + " has bytes that no section explains");
  }
  CHROMA_TRY(Expect(ctx, blob, end, Bytes(sections.footer_offset() - end, '\0'), &patches));
  return patches;
}

Result<SectionReader> OpenRecovered(runtime::Context& ctx, std::shared_ptr<const store::Blob> blob,
                                    bool (*known)(SectionType),
                                    std::vector<store::Patch>* patches) {
  Result<SectionReader> opened = SectionReader::Open(ctx, blob, known);
  if (opened.ok() || opened.status().code() != StatusCode::kDataLoss) return opened;
  Result<store::Patch> end = RecoverEnd(ctx, *blob);
  if (!end.ok()) return opened;
  if (patches != nullptr) patches->push_back(*end);
  return SectionReader::Open(ctx, store::PatchBlob(std::move(blob), {*std::move(end)}), known);
}

}  // namespace chroma::format
