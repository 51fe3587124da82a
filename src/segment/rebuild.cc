#include "segment/rebuild.h"

#include "base/checksum.h"
#include "base/coding.h"
#include "format/id_index.h"
#include "format/metadata_column.h"
#include "format/string_column.h"
#include "format/text_column.h"
#include "format/vector_column.h"
#include "segment/sparse_column.h"
#include "segment/text_sections.h"
#include "segment/value_order.h"
#include "segment/value_text.h"

namespace chroma::segment {
namespace {

using format::SectionInfo;
using format::SectionReader;
using format::SectionType;

// Rows from the ids, which have one offset more; the dimension from the length of the vectors.
Result<Bytes> RebuildInfo(runtime::Context& ctx, const SectionReader& sections) {
  uint32_t rows = 0;
  uint32_t dimension = 0;
  if (const SectionInfo* ids = sections.Find(SectionType::kIds); ids != nullptr) {
    CHROMA_ASSIGN(const store::BlobSlice slice, sections.Read(ctx, *ids));
    ByteReader in(slice.bytes);
    rows = static_cast<uint32_t>(in.Fixed<uint64_t>() - 1);
  }
  const SectionInfo* vectors = sections.Find(SectionType::kVectors);
  if (vectors != nullptr && rows > 0) {
    dimension = static_cast<uint32_t>(vectors->length / sizeof(float) / rows);
  }
  Bytes payload;
  PutFixed(payload, rows);
  PutFixed(payload, dimension);
  return payload;
}

Result<Bytes> RebuildPostings(runtime::Context& ctx, const SectionReader& sections,
                              const SectionInfo& section, uint32_t rows) {
  constexpr auto kType = model::ValueType::kSparseVector;
  const SectionInfo* vectors =
      sections.Find(format::MetadataSection(static_cast<uint8_t>(kType)), section.key);
  if (vectors == nullptr) return Status::DataLoss("there are no sparse vectors");
  CHROMA_ASSIGN(const store::BlobSlice slice, sections.Read(ctx, *vectors));
  ByteReader in(slice.bytes);
  const auto column = format::MetadataColumnReader::Read(in, kType, rows);
  if (!in.ok()) return sections.Damaged(*vectors, "it cannot be decoded");
  Bytes payload;
  CHROMA_TRY(SparseColumn(column).EncodePostings(rows, payload));
  return payload;
}

// The order of a column's strings, or their text index.
Result<Bytes> RebuildValueIndex(runtime::Context& ctx, const SectionReader& sections,
                                const SectionInfo& section, uint32_t rows) {
  const Status lost = sections.Damaged(section, "the column that belongs to it is missing");
  if (section.key.empty()) return lost;
  const auto type = static_cast<uint8_t>(section.key[0]);
  if (type == 0 || type >= format::kMetadataTypeCount ||
      model::ElementType(static_cast<model::ValueType>(type)) != model::ValueType::kString) {
    return lost;
  }
  const SectionInfo* column =
      sections.Find(format::MetadataSection(type), std::string_view(section.key).substr(1));
  if (column == nullptr) return lost;
  CHROMA_ASSIGN(const store::BlobSlice slice, sections.Read(ctx, *column));
  ByteReader in(slice.bytes);
  const auto reader =
      format::MetadataColumnReader::Read(in, static_cast<model::ValueType>(type), rows);
  if (!in.ok()) return lost;
  const format::StringReader& strings = reader.strings().strings();
  if (section.type == SectionType::kValueText) return EncodeValueText(strings);
  return HasValueOrder(reader) ? Result<Bytes>(EncodeValueOrder(strings)) : lost;
}

}  // namespace

Result<Bytes> RebuildIdIndex(runtime::Context& ctx, const SectionReader& sections, uint32_t rows) {
  const SectionInfo* ids = sections.Find(SectionType::kIds);
  if (ids == nullptr) return Status::DataLoss("there are no ids");
  CHROMA_ASSIGN(const store::BlobSlice slice, sections.Read(ctx, *ids));
  ByteReader in(slice.bytes);
  const format::StringReader strings = format::StringReader::Read(in, rows);
  if (!in.ok() || !in.AtEnd()) return sections.Damaged(*ids, "it cannot be decoded");
  format::StringWriter writer;
  for (uint32_t row = 0; row < rows; ++row) writer.Add(strings[row]);
  Bytes payload;
  format::EncodeIdIndex(payload, writer);
  return payload;
}

bool IsDerived(SectionType type) {
  return type == SectionType::kSegmentInfo || type == SectionType::kIdIndex ||
         type == SectionType::kVectorChecksums || type == SectionType::kDocumentIndex ||
         type == SectionType::kUriIndex || type == SectionType::kSparsePostings ||
         IsTextIndexSection(type) || type == SectionType::kValueOrder ||
         type == SectionType::kValueText;
}

Result<Bytes> MakeSection(runtime::Context& ctx, const SectionReader& sections,
                          const SectionInfo& section, uint32_t rows, uint32_t dimension) {
  switch (section.type) {
    case SectionType::kSegmentInfo:
      return RebuildInfo(ctx, sections);
    case SectionType::kIdIndex:
      return RebuildIdIndex(ctx, sections, rows);
    case SectionType::kVectorChecksums:
      return format::RebuildVectorChecksums(ctx, sections, rows, dimension);
    case SectionType::kDocumentIndex:
      return format::RebuildTextIndex(ctx, sections, SectionType::kDocuments, section.type, rows);
    case SectionType::kUriIndex:
      return format::RebuildTextIndex(ctx, sections, SectionType::kUris, section.type, rows);
    case SectionType::kSparsePostings:
      return RebuildPostings(ctx, sections, section, rows);
    case SectionType::kValueOrder:
    case SectionType::kValueText:
      return RebuildValueIndex(ctx, sections, section, rows);
    case SectionType::kTextTerms:
    case SectionType::kTextPostings:
    case SectionType::kTextGrams:
      return RebuildTextIndexSection(ctx, sections, section.type, rows);
    default:
      return sections.Damaged(section, "its checksum does not match");
  }
}

Result<Bytes> RebuildSection(runtime::Context& ctx, const SectionReader& sections,
                             const SectionInfo& section, uint32_t rows, uint32_t dimension) {
  CHROMA_ASSIGN(Bytes payload, MakeSection(ctx, sections, section, rows, dimension));
  if (Checksum(payload) != section.checksum) {
    return sections.Damaged(section, "its checksum does not match");
  }
  return payload;
}

}  // namespace chroma::segment
