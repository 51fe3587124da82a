#include "segment/segment_writer.h"

#include <array>
#include <map>
#include <utility>
#include <vector>

#include "base/coding.h"
#include "format/id_index.h"
#include "format/metadata_column.h"
#include "format/packed_column.h"
#include "format/section_writer.h"
#include "format/string_column.h"
#include "format/text_column.h"
#include "format/vector_column.h"
#include "index/sparse/postings_builder.h"
#include "index/text/text_index.h"
#include "index/vector/vector_index.h"
#include "segment/missing_indexes.h"
#include "segment/text_sections.h"
#include "segment/value_order.h"

namespace chroma::segment {
namespace {

using format::SectionType;

constexpr uint32_t kRowsMax = UINT32_MAX - 1;

class SectionedSegmentWriter final : public SegmentWriter {
 public:
  SectionedSegmentWriter(std::unique_ptr<store::BlobWriter> blob, std::string name,
                         uint32_t dimension, const model::Schema* schema)
      : name_(std::move(name)),
        dimension_(dimension),
        schema_(schema),
        out_(std::move(blob)),
        vectors_(&out_, dimension) {}

  Status Add(const RowView& row) override;
  uint32_t rows() const override { return static_cast<uint32_t>(ids_.count()); }
  Status AddMovedRows(const std::string& index, const std::vector<uint32_t>& rows) override;
  Result<SegmentSummary> Finish(runtime::Context& ctx) override;

 private:
  using Columns =
      std::array<std::unique_ptr<format::MetadataColumnWriter>, format::kMetadataTypeCount>;

  Status Check(const RowView& row) const;
  Status AddChecked(const RowView& row);
  void AddMetadata(const model::Metadata& metadata);
  Status WriteRows();
  Status WriteMetadata();
  Status WritePostings(const std::string& key, const format::MetadataColumnWriter& column);
  Status WriteOrder(std::string_view key, model::ValueType type, BytesView column);

  const std::string name_;
  const uint32_t dimension_;
  const model::Schema* const schema_;  // null: every index
  Status failure_;                     // of an earlier Add: the blob ends amid a row
  format::SectionWriter out_;
  format::VectorWriter vectors_;
  format::StringWriter ids_;
  std::vector<uint64_t> insertion_offsets_;
  format::TextWriter documents_;
  format::TextWriter uris_;
  index::TextIndexBuilder text_index_;
  std::map<std::string, Columns, std::less<>> metadata_;
  std::map<std::string, Bytes> moved_rows_;  // encoded, by the index whose rows they are
};

Status SectionedSegmentWriter::Check(const RowView& row) const {
  if (rows() >= kRowsMax) {
    return Status::ResourceExhausted("segment " + name_ + " is full: it holds " +
                                     std::to_string(kRowsMax) + " rows");
  }
  if (!insertion_offsets_.empty() && row.insertion_offset <= insertion_offsets_.back()) {
    return Status::InvalidArgument("segment " + name_ + ": row \"" + std::string(row.id) +
                                   "\" is not in insertion order");
  }
  if (dimension_ > 0 && row.vector == nullptr) {
    return Status::InvalidArgument("segment " + name_ + ": row \"" + std::string(row.id) +
                                   "\" has no vector");
  }
  return Status::Ok();
}

Status SectionedSegmentWriter::Add(const RowView& row) {
  CHROMA_TRY(failure_);
  CHROMA_TRY(Check(row));
  failure_ = AddChecked(row);
  return failure_;
}

Status SectionedSegmentWriter::AddChecked(const RowView& row) {
  if (dimension_ > 0) CHROMA_TRY(vectors_.Add(row.vector));
  CHROMA_TRY(documents_.Add(row.document));
  if (row.document && WantsText(schema_)) text_index_.Add(rows(), *row.document);
  CHROMA_TRY(uris_.Add(row.uri));
  if (row.metadata != nullptr) AddMetadata(*row.metadata);
  insertion_offsets_.push_back(row.insertion_offset);
  ids_.Add(row.id);
  return Status::Ok();
}

void SectionedSegmentWriter::AddMetadata(const model::Metadata& metadata) {
  for (const auto& [key, value] : metadata) {
    const model::ValueType type = model::TypeOf(value);
    if (type == model::ValueType::kNull || model::IsEmptyArray(value)) continue;
    auto columns = metadata_.find(key);
    if (columns == metadata_.end()) columns = metadata_.try_emplace(key).first;
    auto& column = columns->second[static_cast<size_t>(type)];
    if (column == nullptr) column = std::make_unique<format::MetadataColumnWriter>(type);
    column->Add(rows(), value);
  }
}

Status SectionedSegmentWriter::WriteRows() {
  CHROMA_TRY(vectors_.Finish());
  if (rows() == 0) return Status::Ok();
  Bytes payload;
  ids_.Encode(payload);
  CHROMA_TRY(out_.Write(SectionType::kIds, {}, payload));
  payload.clear();
  format::EncodeIdIndex(payload, ids_);
  CHROMA_TRY(out_.Write(SectionType::kIdIndex, {}, payload));
  // Offsets ascend strictly, so what exceeds the row number is small, and nothing for rows that
  // were inserted without a gap.
  std::vector<uint64_t> excess(insertion_offsets_);
  for (size_t row = 0; row < excess.size(); ++row) excess[row] -= row;
  payload.clear();
  format::EncodePacked(payload, excess);
  CHROMA_TRY(out_.Write(SectionType::kInsertionOffsets, {}, payload));
  CHROMA_TRY(documents_.Finish(&out_, SectionType::kDocuments, SectionType::kDocumentIndex));
  return uris_.Finish(&out_, SectionType::kUris, SectionType::kUriIndex);
}

Status SectionedSegmentWriter::AddMovedRows(const std::string& index,
                                            const std::vector<uint32_t>& rows) {
  Bytes& payload = moved_rows_[index];
  payload.clear();
  for (const uint32_t row : rows) {
    if (row != index::MovedRows::kGone && row >= this->rows()) {
      return Status::InvalidArgument("segment " + name_ + " has no row " + std::to_string(row));
    }
    PutFixed(payload, row);
  }
  return Status::Ok();
}

Status SectionedSegmentWriter::WriteMetadata() {
  for (auto& [key, columns] : metadata_) {
    for (size_t type = 0; type < columns.size(); ++type) {
      if (columns[type] == nullptr) continue;
      Bytes payload;
      columns[type]->Encode(payload, rows());
      CHROMA_TRY(out_.Write(format::MetadataSection(static_cast<uint8_t>(type)), key, payload));
      CHROMA_TRY(WriteOrder(key, static_cast<model::ValueType>(type), payload));
      payload = Bytes();
      if (static_cast<model::ValueType>(type) == model::ValueType::kSparseVector) {
        CHROMA_TRY(WritePostings(key, *columns[type]));
      }
      columns[type].reset();
    }
  }
  return Status::Ok();
}

// Without them the vectors are compared one by one.
Status SectionedSegmentWriter::WritePostings(const std::string& key,
                                             const format::MetadataColumnWriter& column) {
  if (!WantsPostings(schema_, key)) return Status::Ok();
  const auto vectors = column.sparse_vectors();
  Bytes payload;
  const Status encoded = index::EncodePostings(
      {vectors.rows, vectors.ends, vectors.indices, vectors.weights}, rows(), payload);
  if (encoded.code() == StatusCode::kResourceExhausted) {
    payload.clear();  // says that there can be none
  } else {
    CHROMA_TRY(encoded);
  }
  format::SectionOptions options;
  options.required = false;
  return out_.Write(SectionType::kSparsePostings, key, payload, options);
}

Status SectionedSegmentWriter::WriteOrder(std::string_view key, model::ValueType type,
                                          BytesView column) {
  if (!WantsOrder(schema_, key, type)) return Status::Ok();
  ByteReader in(column);
  const auto reader = format::MetadataColumnReader::Read(in, type, rows());
  if (!in.ok()) return Status::Internal("a column was written that cannot be read");
  if (!HasValueOrder(reader)) return Status::Ok();
  format::SectionOptions options;
  options.required = false;
  return out_.Write(SectionType::kValueOrder, ValueOrderKey(key, type),
                    EncodeValueOrder(reader.strings().strings()), options);
}

Result<SegmentSummary> SectionedSegmentWriter::Finish(runtime::Context& ctx) {
  CHROMA_TRY(failure_);
  failure_ = Status::FailedPrecondition("segment " + name_ + " was finished already");
  CHROMA_TRY(WriteRows());
  CHROMA_TRY(ctx.Check());
  CHROMA_TRY(WriteMetadata());
  CHROMA_TRY(ctx.Check());
  if (WantsText(schema_)) CHROMA_TRY(WriteTextIndex(&out_, &text_index_, rows()));
  for (const auto& [index, payload] : moved_rows_) {
    format::SectionOptions options;
    options.required = false;
    CHROMA_TRY(out_.Write(SectionType::kMovedRows, index, payload, options));
  }
  // Last, so that opening finds it beside the footer.
  Bytes info;
  PutFixed(info, rows());
  PutFixed(info, dimension_);
  CHROMA_TRY(out_.Write(SectionType::kSegmentInfo, {}, info));
  CHROMA_TRY(out_.Finish(ctx));
  return SegmentSummary{name_, rows(), out_.size_bytes(), out_.checksum()};
}

}  // namespace

Result<std::unique_ptr<SegmentWriter>> SegmentWriter::Create(runtime::Context& ctx,
                                                             store::BlobStore& store,
                                                             const std::string& blob,
                                                             uint32_t dimension,
                                                             const model::Schema* schema) {
  CHROMA_ASSIGN(std::unique_ptr<store::BlobWriter> writer, store.Create(ctx, blob));
  return std::unique_ptr<SegmentWriter>(
      std::make_unique<SectionedSegmentWriter>(std::move(writer), blob, dimension, schema));
}

}  // namespace chroma::segment
