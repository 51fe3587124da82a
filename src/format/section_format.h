// The container that segments are made of: named sections, a footer that lists them, a trailer.
//
//   file header   64 bytes: magic, u32 version, zeros
//   section …     payload at an aligned offset (64 bytes; raw vectors 4096), then at the next
//                 multiple of 8 its frame: 40 bytes that describe it once more
//   footer        varint count, then per section: varint type, u8 flags, string key,
//                 varint offset, varint length, u64 checksum, varint block size
//   trailer       u32 footer length, u32 version, u64 checksum of footer and the two, magic
//
// Readers find everything through trailer and footer; frames exist so that a repair tool can
// find sections when the footer is lost. Full text: docs/formats.md "Segment".
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace chroma::format {

inline constexpr std::string_view kContainerMagic{
    "\x89"
    "CHRMSEG",
    8};
inline constexpr uint32_t kContainerVersion = 1;
inline constexpr uint64_t kFileHeaderBytes = 64;
inline constexpr uint64_t kTrailerBytes = 4 + 4 + 8 + 8;
inline constexpr uint64_t kSectionAlignment = 64;
inline constexpr uint64_t kPageAlignment = 4096;

// "FRAM", u32 type, u64 payload length, u64 checksum, u32 key length, u32 flags,
// u64 XXH3 of the 32 bytes before and the key, which follows.
inline constexpr uint32_t kFrameMagic = 0x4d415246;
inline constexpr uint64_t kFrameBytes = 40;

// A reader that does not know the type of a section may ignore it unless this is set.
inline constexpr uint8_t kSectionRequired = 1;

// Never reuse a number: they are on disk.
enum class SectionType : uint32_t {
  kSegmentInfo = 1,
  kVectors = 2,
  kVectorChecksums = 3,
  kIds = 4,
  kIdIndex = 5,
  kInsertionOffsets = 6,
  kDocuments = 7,
  kDocumentIndex = 8,
  kUris = 9,
  kUriIndex = 10,
  kMovedRows = 11,
  kTextTerms = 12,
  kTextPostings = 13,
  kTextGrams = 14,
  // A vector index has a container of its own.
  kGraphInfo = 16,
  kRowScales = 17,
  kRowCodes = 18,  // of indexes before layout 4: whole bytes
  kEdges = 19,
  kHighNibbles = 21,  // of such bytes, of indexes of layout 4
  kLowNibbles = 22,
  kHighBits = 27,  // of the codes of rows
  kLowBits = 28,
  // Of the sparse vectors under a metadata key, which is the section's key.
  kSparsePostings = 20,
  // Of a metadata column without a dictionary; its key is the column's type, a byte, and its key.
  kValueOrder = 24,
  // The text index of a metadata column's strings, with such a key.
  kValueText = 25,
  // Empty. Its key names sparse vectors that all rows have: segment/sparse_fill.h.
  kSparseFill = 26,
  // A metadata column is kMetadata + its model::ValueType; its key is the metadata key.
  kMetadata = 32,
};
inline constexpr uint32_t kMetadataTypeCount = 10;

inline SectionType MetadataSection(uint8_t value_type) {
  return static_cast<SectionType>(static_cast<uint32_t>(SectionType::kMetadata) + value_type);
}
inline bool IsMetadataSection(SectionType type) {
  const auto number = static_cast<uint32_t>(type);
  const auto base = static_cast<uint32_t>(SectionType::kMetadata);
  return number > base && number < base + kMetadataTypeCount;
}
// The name of a type for messages.
std::string_view SectionTypeName(SectionType type);

// A section as the footer lists it.
struct SectionInfo {
  SectionType type;
  uint8_t flags = 0;
  std::string key;
  uint64_t offset = 0;
  uint64_t length = 0;
  uint64_t checksum = 0;    // of the payload, or of the checksums of its blocks in order
  uint64_t block_size = 0;  // 0: not in blocks
};
// "documents", "metadata "k"": for messages.
std::string Describe(const SectionInfo& section);

Bytes EncodeFileHeader();
// What follows the payload of a section, at FrameOffset.
Bytes EncodeFrame(const SectionInfo& section);
uint64_t FrameOffset(const SectionInfo& section);
// Footer and trailer; empty when they would exceed 4 GiB.
Bytes EncodeEnd(std::span<const SectionInfo> sections);
// The checksum in a trailer, which the bytes end with. It says which segment it is: it depends on
// the checksums of all sections.
uint64_t EndChecksum(BytesView bytes);

}  // namespace chroma::format
