#include "segment/segment_writer.h"

#include <array>
#include <map>
#include <optional>
#include <set>
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
#include "segment/value_text.h"

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
  uint32_t rows() const override { return rows_; }
  Status AddDocument(std::optional<std::string_view> text) override;
  Status AddUri(std::optional<std::string_view> text) override;
  Status AddMovedRows(const std::string& index, const std::vector<uint32_t>& rows) override;
  void MarkFilled(const std::string& section_key) override { filled_.insert(section_key); }
  Result<SegmentSummary> Finish(runtime::Context& ctx) override;

 private:
  using Columns =
      std::array<std::unique_ptr<format::MetadataColumnWriter>, format::kMetadataTypeCount>;

  // What is being given.
  enum class Phase : uint8_t { kRows, kDocuments, kUris, kEnd };

  Status Check(const RowView& row) const;
  Status AddChecked(const RowView& row);
  void AddMetadata(const model::Metadata& metadata);
  // To a later phase.
  Status MoveTo(Phase phase);
  Status WriteKeys();
  Status FinishTexts(format::TextWriter& texts, SectionType blocks, SectionType index);
  // Texts of the rows go out as they come, in the place of none that was given with the rows.
  Status StreamTexts(std::optional<format::TextWriter>& texts, SectionType blocks);
  Status WriteMetadata(runtime::Context& ctx);
  Status WritePostings(const std::string& key, const format::MetadataColumnWriter& column);
  Status WriteValueIndexes(std::string_view key, model::ValueType type, BytesView column);

  const std::string name_;
  const uint32_t dimension_;
  const model::Schema* const schema_;  // null: every index
  Status failure_;                     // of an earlier Add: the blob ends amid a row
  Phase phase_ = Phase::kRows;
  uint32_t rows_ = 0;
  format::SectionWriter out_;
  format::VectorWriter vectors_;
  format::StringWriter ids_;
  std::vector<uint64_t> insertion_offsets_;
  std::optional<format::TextWriter> documents_{std::in_place};
  std::optional<format::TextWriter> uris_{std::in_place};
  index::TextIndexBuilder text_index_;
  std::map<std::string, Columns, std::less<>> metadata_;
  std::map<std::string, Bytes> moved_rows_;  // encoded, by the index whose rows they are
  std::set<std::string> filled_;
};

Status SectionedSegmentWriter::Check(const RowView& row) const {
  if (phase_ != Phase::kRows) {
    return Status::FailedPrecondition("segment " + name_ + " has its last row already");
  }
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
  CHROMA_TRY(documents_->Add(row.document));
  if (row.document && WantsText(schema_)) text_index_.Add(rows(), *row.document);
  CHROMA_TRY(uris_->Add(row.uri));
  if (row.metadata != nullptr) AddMetadata(*row.metadata);
  insertion_offsets_.push_back(row.insertion_offset);
  ids_.Add(row.id);
  ++rows_;
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

Status SectionedSegmentWriter::WriteKeys() {
  CHROMA_TRY(vectors_.Finish());
  if (rows() == 0) return Status::Ok();
  Bytes payload;
  ids_.Encode(payload);
  CHROMA_TRY(out_.Write(SectionType::kIds, {}, payload));
  payload.clear();
  format::EncodeIdIndex(payload, ids_);
  CHROMA_TRY(out_.Write(SectionType::kIdIndex, {}, payload));
  ids_ = format::StringWriter();
  // Offsets ascend strictly, so what exceeds the row number is small, and nothing for rows that
  // were inserted without a gap.
  std::vector<uint64_t> excess = std::exchange(insertion_offsets_, {});
  for (size_t row = 0; row < excess.size(); ++row) excess[row] -= row;
  payload.clear();
  format::EncodePacked(payload, excess);
  return out_.Write(SectionType::kInsertionOffsets, {}, payload);
}

Status SectionedSegmentWriter::StreamTexts(std::optional<format::TextWriter>& texts,
                                           SectionType blocks) {
  if (texts->any()) {
    return Status::InvalidArgument("segment " + name_ + ": texts were given with the rows already");
  }
  texts.emplace();
  texts->StreamTo(&out_, blocks);
  return Status::Ok();
}

Status SectionedSegmentWriter::FinishTexts(format::TextWriter& texts, SectionType blocks,
                                           SectionType index) {
  if (texts.rows() != rows()) {
    return Status::InvalidArgument("segment " + name_ + ": not every row was given its text");
  }
  return texts.Finish(&out_, blocks, index);
}

Status SectionedSegmentWriter::MoveTo(Phase phase) {
  for (; phase_ < phase; phase_ = static_cast<Phase>(static_cast<uint8_t>(phase_) + 1)) {
    switch (phase_) {
      case Phase::kRows:
        CHROMA_TRY(WriteKeys());
        if (phase == Phase::kDocuments) {
          CHROMA_TRY(StreamTexts(documents_, SectionType::kDocuments));
        }
        break;
      case Phase::kDocuments:
        CHROMA_TRY(FinishTexts(*documents_, SectionType::kDocuments, SectionType::kDocumentIndex));
        if (phase == Phase::kUris) CHROMA_TRY(StreamTexts(uris_, SectionType::kUris));
        break;
      case Phase::kUris:
        CHROMA_TRY(FinishTexts(*uris_, SectionType::kUris, SectionType::kUriIndex));
        break;
      case Phase::kEnd:
        break;
    }
  }
  return Status::Ok();
}

Status SectionedSegmentWriter::AddDocument(std::optional<std::string_view> text) {
  CHROMA_TRY(failure_);
  failure_ = [&]() -> Status {
    CHROMA_TRY(MoveTo(Phase::kDocuments));
    const auto row = static_cast<uint32_t>(documents_->rows());
    if (text && WantsText(schema_)) text_index_.Add(row, *text);
    return documents_->Add(text);
  }();
  return failure_;
}

Status SectionedSegmentWriter::AddUri(std::optional<std::string_view> text) {
  CHROMA_TRY(failure_);
  failure_ = [&]() -> Status {
    CHROMA_TRY(MoveTo(Phase::kUris));
    return uris_->Add(text);
  }();
  return failure_;
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

Status SectionedSegmentWriter::WriteMetadata(runtime::Context& ctx) {
  for (auto& [key, columns] : metadata_) {
    for (size_t type = 0; type < columns.size(); ++type) {
      if (columns[type] == nullptr) continue;
      CHROMA_TRY(ctx.Check());
      Bytes payload;
      columns[type]->Encode(payload, rows());
      CHROMA_TRY(out_.Write(format::MetadataSection(static_cast<uint8_t>(type)), key, payload));
      CHROMA_TRY(WriteValueIndexes(key, static_cast<model::ValueType>(type), payload));
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

Status SectionedSegmentWriter::WriteValueIndexes(std::string_view key, model::ValueType type,
                                                 BytesView column) {
  if (!WantsValueIndexes(schema_, key, type)) return Status::Ok();
  ByteReader in(column);
  const auto reader = format::MetadataColumnReader::Read(in, type, rows());
  if (!in.ok()) return Status::Internal("a column was written that cannot be read");
  format::SectionOptions options;
  options.required = false;
  if (HasValueOrder(reader)) {
    CHROMA_TRY(out_.Write(SectionType::kValueOrder, ValueIndexKey(key, type),
                          EncodeValueOrder(reader.strings().strings()), options));
  }
  if (!HasValueText(reader)) return Status::Ok();
  return out_.Write(SectionType::kValueText, ValueIndexKey(key, type),
                    EncodeValueText(reader.strings().strings()), options);
}

Result<SegmentSummary> SectionedSegmentWriter::Finish(runtime::Context& ctx) {
  CHROMA_TRY(failure_);
  failure_ = Status::FailedPrecondition("segment " + name_ + " was finished already");
  CHROMA_TRY(MoveTo(Phase::kEnd));
  CHROMA_TRY(WriteMetadata(ctx));
  CHROMA_TRY(ctx.Check());
  if (WantsText(schema_)) CHROMA_TRY(WriteTextIndex(&out_, &text_index_, rows()));
  for (const auto& [index, payload] : moved_rows_) {
    format::SectionOptions options;
    options.required = false;
    CHROMA_TRY(out_.Write(SectionType::kMovedRows, index, payload, options));
  }
  for (const std::string& section_key : filled_) {
    format::SectionOptions options;
    options.required = false;
    CHROMA_TRY(out_.Write(SectionType::kSparseFill, section_key, {}, options));
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
