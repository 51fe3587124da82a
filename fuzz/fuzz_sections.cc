#include "fuzz_sections.h"

#include <memory>
#include <utility>

#include "base/check.h"
#include "base/coding.h"
#include "format/section_reader.h"
#include "format/section_writer.h"
#include "testing/memory_blobs.h"

namespace chroma::fuzz {
namespace {

constexpr size_t kSectionsMax = 64;
constexpr size_t kBlocksMax = 256;

Status WriteBlocks(format::SectionWriter& out, const Section& section) {
  format::SectionOptions options;
  options.block_size = section.block_size;
  CHROMA_TRY(out.BeginBlocks(section.type, section.key, options));
  BytesView left = section.payload;
  for (size_t i = 0; i < kBlocksMax && !left.empty(); ++i) {
    const BytesView block = left.substr(0, section.block_size);
    CHROMA_TRY(out.AppendBlock(block).status());
    left.remove_prefix(block.size());
  }
  return out.EndBlocks();
}

}  // namespace

std::vector<Section> DecodeSections(BytesView bytes) {
  std::vector<Section> sections;
  ByteReader in(bytes);
  while (sections.size() < kSectionsMax && !in.AtEnd()) {
    Section section;
    section.type = static_cast<format::SectionType>(in.VarintAtMost(63));
    section.key = std::string(in.String());
    section.block_size = in.Varint();
    section.payload = Bytes(in.String());
    if (!in.ok()) break;
    sections.push_back(std::move(section));
  }
  return sections;
}

Bytes EncodeSections(const std::vector<Section>& sections) {
  Bytes out;
  for (const Section& section : sections) {
    PutVarint(out, static_cast<uint64_t>(section.type));
    PutString(out, section.key);
    PutVarint(out, section.block_size);
    PutString(out, section.payload);
  }
  return out;
}

Bytes WriteSections(const std::vector<Section>& sections) {
  runtime::Context ctx;
  testing::MemoryBlobStore store;
  auto blob = store.Create(ctx, "s");
  CHECK(blob.ok());
  format::SectionWriter out(*std::move(blob));
  for (const Section& section : sections) {
    const Status written = section.block_size == 0
                               ? out.Write(section.type, section.key, section.payload)
                               : WriteBlocks(out, section);
    CHECK(written.ok());
  }
  CHECK(out.Finish(ctx).ok());
  return store.Content("s");
}

std::optional<Bytes> ContainerOf(BytesView input) {
  if (input.empty()) return std::nullopt;
  const bool whole = (input[0] & 1) == 0;
  input.remove_prefix(1);
  if (whole) return Bytes(input);
  const std::vector<Section> sections = DecodeSections(input);
  if (sections.empty()) return std::nullopt;
  return WriteSections(sections);
}

Result<std::vector<Section>> ReadSections(BytesView container) {
  runtime::Context ctx;
  const auto all = [](format::SectionType) { return true; };
  CHROMA_ASSIGN(auto reader,
                format::SectionReader::Open(
                    ctx, std::make_shared<testing::MemoryBlob>("s", Bytes(container)), all));
  std::vector<Section> sections;
  for (const format::SectionInfo& info : reader.sections()) {
    CHROMA_ASSIGN(const auto slice, reader.ReadRange(ctx, info, 0, info.length));
    sections.push_back({info.type, info.key, info.block_size, Bytes(slice.bytes)});
  }
  return sections;
}

}  // namespace chroma::fuzz
