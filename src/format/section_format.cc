#include "format/section_format.h"

#include "base/checksum.h"
#include "base/coding.h"

namespace chroma::format {

std::string_view SectionTypeName(SectionType type) {
  switch (type) {
    case SectionType::kSegmentInfo:
      return "segment info";
    case SectionType::kVectors:
      return "vectors";
    case SectionType::kVectorChecksums:
      return "vector checksums";
    case SectionType::kIds:
      return "ids";
    case SectionType::kIdIndex:
      return "id index";
    case SectionType::kInsertionOffsets:
      return "insertion offsets";
    case SectionType::kDocuments:
      return "documents";
    case SectionType::kDocumentIndex:
      return "document index";
    case SectionType::kUris:
      return "uris";
    case SectionType::kUriIndex:
      return "uri index";
    case SectionType::kMovedRows:
      return "moved rows";
    case SectionType::kTextTerms:
      return "text terms";
    case SectionType::kTextPostings:
      return "text postings";
    case SectionType::kTextGrams:
      return "text trigrams";
    case SectionType::kGraphInfo:
      return "graph info";
    case SectionType::kRowScales:
      return "row scales";
    case SectionType::kRowCodes:
      return "row codes";
    case SectionType::kEdges:
      return "edges";
    case SectionType::kHighNibbles:
      return "high nibbles";
    case SectionType::kLowNibbles:
      return "low nibbles";
    case SectionType::kHighBits:
      return "high bits";
    case SectionType::kLowBits:
      return "low bits";
    case SectionType::kSparsePostings:
      return "sparse postings";
    case SectionType::kValueOrder:
      return "value order";
    case SectionType::kValueText:
      return "value text";
    case SectionType::kSparseFill:
      return "sparse fill";
    case SectionType::kMetadata:
      break;
  }
  return IsMetadataSection(type) ? "metadata" : "unknown";
}

std::string Describe(const SectionInfo& section) {
  std::string name(SectionTypeName(section.type));
  const bool has_key =
      IsMetadataSection(section.type) || section.type == SectionType::kSparsePostings;
  if (has_key) name += " \"" + section.key + "\"";
  return name;
}

Bytes EncodeFileHeader() {
  Bytes header(kContainerMagic);
  PutFixed(header, kContainerVersion);
  header.resize(kFileHeaderBytes, '\0');
  return header;
}

Bytes EncodeFrame(const SectionInfo& section) {
  Bytes frame;
  PutFixed(frame, kFrameMagic);
  PutFixed(frame, static_cast<uint32_t>(section.type));
  PutFixed(frame, section.length);
  PutFixed(frame, section.checksum);
  PutFixed(frame, static_cast<uint32_t>(section.key.size()));
  PutFixed(frame, static_cast<uint32_t>(section.flags));
  PutFixed(frame, Checksum(frame + section.key));
  frame += section.key;
  return frame;
}

uint64_t FrameOffset(const SectionInfo& section) {
  return (section.offset + section.length + 7) / 8 * 8;
}

Bytes EncodeEnd(std::span<const SectionInfo> sections) {
  Bytes footer;
  PutVarint(footer, sections.size());
  for (const SectionInfo& section : sections) {
    PutVarint(footer, static_cast<uint32_t>(section.type));
    PutFixed(footer, section.flags);
    PutString(footer, section.key);
    PutVarint(footer, section.offset);
    PutVarint(footer, section.length);
    PutFixed(footer, section.checksum);
    PutVarint(footer, section.block_size);
  }
  if (footer.size() > UINT32_MAX) return Bytes();
  PutFixed(footer, static_cast<uint32_t>(footer.size()));
  PutFixed(footer, kContainerVersion);
  PutFixed(footer, Checksum(footer));
  footer += kContainerMagic;
  return footer;
}

uint64_t EndChecksum(BytesView bytes) {
  return LoadFixed<uint64_t>(bytes.data() + bytes.size() - kTrailerBytes + 8);
}

}  // namespace chroma::format
