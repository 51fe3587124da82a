#include "segment/segment_reader.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

#include "format/id_index.h"
#include "format/lazy.h"
#include "format/metadata_column.h"
#include "format/packed_column.h"
#include "format/section_reader.h"
#include "format/section_recovery.h"
#include "format/string_column.h"
#include "format/text_column.h"
#include "format/vector_column.h"
#include "index/sparse/postings.h"
#include "index/vector/vector_index.h"
#include "runtime/log.h"
#include "segment/column_statistics.h"
#include "segment/match_column.h"
#include "segment/match_text.h"
#include "segment/rebuild.h"
#include "segment/sparse_column.h"
#include "segment/sparse_fill.h"
#include "segment/text_sections.h"
#include "segment/value_text.h"

namespace chroma::segment {
namespace {

using format::SectionInfo;
using format::SectionReader;
using format::SectionType;

bool IsKnown(SectionType type) {
  const auto number = static_cast<uint32_t>(type);
  return (number >= static_cast<uint32_t>(SectionType::kSegmentInfo) &&
          number <= static_cast<uint32_t>(SectionType::kMovedRows)) ||
         type == SectionType::kSparsePostings || IsTextIndexSection(type) ||
         type == SectionType::kValueOrder || type == SectionType::kValueText ||
         type == SectionType::kSparseFill || format::IsMetadataSection(type);
}

// A column and the bytes that it reads.
template <typename Reader>
struct Loaded {
  store::BlobSlice bytes;
  Reader reader;
};

// Verifies a section and decodes it with decode(ByteReader&).
template <typename Decode>
auto LoadSection(const SectionReader& sections, const SectionInfo& section, Decode decode)
    -> Result<Loaded<decltype(decode(std::declval<ByteReader&>()))>> {
  runtime::Context ctx;
  CHROMA_ASSIGN(store::BlobSlice slice, sections.Read(ctx, section));
  ByteReader in(slice.bytes);
  auto reader = decode(in);
  if (!in.ok() || !in.AtEnd()) return sections.Damaged(section, "it cannot be decoded");
  return Loaded<decltype(reader)>{std::move(slice), std::move(reader)};
}

struct LoadedOrder {
  store::BlobSlice bytes;
  std::optional<ValueOrder> order;  // none: missing or damaged
};

struct LoadedText {
  store::BlobSlice bytes;
  std::optional<index::TextIndexReader> reader;  // none: missing, damaged, or there can be none
};

struct MetadataColumn {
  const SectionInfo* section = nullptr;
  model::ValueType type = model::ValueType::kNull;
  format::Lazy<Loaded<format::MetadataColumnReader>> loaded;
  // Of sparse vectors; none when the section is missing or damaged.
  format::Lazy<std::optional<Loaded<index::SparsePostings>>> postings;
  const SectionInfo* order_section = nullptr;  // null: it has none
  format::Lazy<LoadedOrder> order;
  const SectionInfo* text_section = nullptr;  // null: it has none
  format::Lazy<LoadedText> text;
  format::Lazy<ColumnStatistics> statistics;
};

bool HasStrings(const MetadataColumn& column) {
  return model::ElementType(column.type) == model::ValueType::kString;
}

class SectionedSegment final : public SegmentReader {
 public:
  // `end_recovered`: the footer is damaged, and was made again in memory.
  SectionedSegment(SectionReader sections, bool end_recovered)
      : sections_(std::move(sections)), end_recovered_(end_recovered) {}
  // Reads the segment info and finds the sections.
  Status Init(runtime::Context& ctx);

  uint32_t rows() const override { return rows_; }
  uint32_t dimension() const override { return dimension_; }
  bool InInsertionOrder() const override { return true; }

  Result<std::optional<uint32_t>> FindId(std::string_view id) const override;
  Result<std::string_view> Id(uint32_t row) const override;
  Result<uint64_t> InsertionOffset(uint32_t row) const override;
  Result<VectorRun> Vectors(uint32_t row) const override;
  Status CopyVector(uint32_t row, float* out) const override;
  bool IsLoaded(model::IncludeSet include) const override;
  bool IdsAreLoaded() const override;
  Status ReadDocuments(std::span<const uint32_t> rows,
                       std::vector<std::optional<std::string>>* out) const override;
  Status ReadUris(std::span<const uint32_t> rows,
                  std::vector<std::optional<std::string>>* out) const override;
  Status ReadMetadata(std::span<const uint32_t> rows,
                      std::vector<model::Metadata>* out) const override;
  Result<Bitmap> Match(runtime::Context& ctx,
                       const model::MetadataPredicate& predicate) const override;
  Result<std::optional<double>> EstimateMatch(
      const model::MetadataPredicate& predicate) const override;
  uint64_t MatchCost(const model::MetadataPredicate& predicate) const override;
  Result<Bitmap> MatchText(runtime::Context& ctx, std::string_view key,
                           const index::TextPattern& pattern, std::string* how) const override;
  Result<std::optional<double>> EstimateMatchText(runtime::Context& ctx, std::string_view key,
                                                  const index::TextPattern& pattern) const override;
  uint64_t MatchTextCost(std::string_view key, const index::TextPattern& pattern) const override;
  Result<std::unique_ptr<KeyValues>> Key(std::string_view key, const Bitmap& rows) const override;
  std::string DescribeKey(std::string_view key) const override;
  Result<Bitmap> MatchDocuments(runtime::Context& ctx, const Bitmap* candidates,
                                const TextTest& test) const override;
  Result<Bitmap> MatchUris(runtime::Context& ctx, const Bitmap* candidates,
                           const TextTest& test) const override;
  Status SearchSparse(runtime::Context& ctx, std::string_view key,
                      const index::SparseRequest& request,
                      std::vector<index::Candidate>* out) const override;
  Status CountSparse(runtime::Context& ctx, std::string_view key,
                     std::span<const uint32_t> dimensions, const Bitmap& dead,
                     std::span<uint64_t> counts) const override;
  Result<std::optional<index::TextRows>> FindText(const index::TextQuery& query,
                                                  const TextCheck& check) const override {
    return text_index_->Find(query, check);
  }
  Result<std::optional<uint64_t>> EstimateText(const index::TextQuery& query,
                                               const TextCheck& check,
                                               index::Counting counting) const override {
    return text_index_->Estimate(query, check, counting);
  }
  uint64_t checksum() const override { return sections_.checksum(); }
  Result<std::vector<uint32_t>> MovedRows(const std::string& index, uint32_t n) const override;
  bool AwaitsFill(uint32_t, const SparseFill& fill) const override {
    return sections_.Find(SectionType::kSparseFill, fill.section_key) == nullptr;
  }
  Result<std::vector<MissingIndex>> Missing(const model::Schema& schema) const override;
  Status VerifyAll(runtime::Context& ctx) const override;
  void ReleasePages() const override;
  void ReleaseVectors() const override;

 private:
  Status CheckRow(uint32_t row) const;
  Status CheckRows(std::span<const uint32_t> rows) const;
  Status RequireSection(SectionType type) const;
  // Damage of rows, with the ids that users know them by, where these can be read.
  Status NameRecords(const Status& damage, uint64_t begin, uint64_t end) const;
  Status NameTexts(const Status& damage, const format::TextReader& texts,
                   std::span<const uint32_t> rows) const;
  Status VerifyIds(runtime::Context& ctx) const;
  Result<const format::StringReader*> Ids() const;
  Result<const format::IdIndexReader*> IdIndex() const;
  Result<const format::PackedReader*> InsertionExcess() const;
  Result<const format::VectorReader*> VectorColumn() const;
  Result<const format::VectorReader*> VectorsOf(uint32_t row) const;
  Status NameBlock(const Status& status, const format::VectorReader& vectors, uint32_t row) const;
  Result<const format::TextReader*> Documents() const;
  Result<const format::TextReader*> Uris() const;
  Result<const format::MetadataColumnReader*> Column(const MetadataColumn& column) const;
  // The columns of a key, one for each type of its values.
  std::span<const std::unique_ptr<MetadataColumn>> ColumnsOf(std::string_view key) const;
  const MetadataColumn* FindSparse(std::string_view key) const;
  // Null: the vectors have to be compared one by one.
  Result<const index::SparsePostings*> Postings(const MetadataColumn& column) const;
  Result<std::optional<Loaded<index::SparsePostings>>> LoadPostings(
      const SectionInfo& section) const;
  // Null where the column has none, or a damaged one.
  Result<const ValueOrder*> OrderOf(const MetadataColumn& column) const;
  Result<const index::TextIndexReader*> TextOf(const MetadataColumn& column) const;
  Result<LoadedText> LoadText(runtime::Context& ctx, const MetadataColumn& column) const;
  void TellDamagedText(const MetadataColumn& column, const Status& status) const;

  const SectionReader sections_;
  const bool end_recovered_;
  uint32_t rows_ = 0;
  uint32_t dimension_ = 0;
  // By key, then type.
  std::vector<std::unique_ptr<MetadataColumn>> metadata_;

  format::Lazy<Loaded<format::StringReader>> ids_;
  format::Lazy<Loaded<format::IdIndexReader>> id_index_;
  format::Lazy<Loaded<format::PackedReader>> insertion_excess_;
  format::Lazy<format::VectorReader> vectors_;
  format::Lazy<format::TextReader> documents_;
  format::Lazy<format::TextReader> uris_;
  std::optional<TextIndexSections> text_index_;  // after Init
};

Status SectionedSegment::RequireSection(SectionType type) const {
  if (sections_.Find(type) != nullptr) return Status::Ok();
  return Status::DataLoss("segment " + sections_.blob().name() + " is damaged: section " +
                          std::string(format::SectionTypeName(type)) +
                          " is missing; restore it from a backup");
}

Status SectionedSegment::Init(runtime::Context& ctx) {
  CHROMA_TRY(RequireSection(SectionType::kSegmentInfo));
  const SectionInfo* info = sections_.Find(SectionType::kSegmentInfo);
  Result<store::BlobSlice> read = sections_.Read(ctx, *info);
  if (!read.ok() && read.status().code() == StatusCode::kDataLoss) {
    CHROMA_ASSIGN(Bytes rebuilt, RebuildSection(ctx, sections_, *info, 0, 0));
    read = store::OwnBytes(std::move(rebuilt));
  }
  CHROMA_ASSIGN(const store::BlobSlice slice, std::move(read));
  ByteReader in(slice.bytes);
  rows_ = in.Fixed<uint32_t>();
  dimension_ = in.Fixed<uint32_t>();
  if (!in.ok() || !in.AtEnd() || rows_ == UINT32_MAX) {
    return sections_.Damaged(*info, "it cannot be decoded");
  }
  if (rows_ > 0) {
    CHROMA_TRY(RequireSection(SectionType::kIds));
    CHROMA_TRY(RequireSection(SectionType::kIdIndex));
    CHROMA_TRY(RequireSection(SectionType::kInsertionOffsets));
    if (dimension_ > 0) {
      CHROMA_TRY(RequireSection(SectionType::kVectors));
      CHROMA_TRY(RequireSection(SectionType::kVectorChecksums));
    }
  }
  for (const SectionInfo& section : sections_.sections()) {
    if (!format::IsMetadataSection(section.type)) continue;
    auto column = std::make_unique<MetadataColumn>();
    column->section = &section;
    column->type = static_cast<model::ValueType>(static_cast<uint32_t>(section.type) -
                                                 static_cast<uint32_t>(SectionType::kMetadata));
    column->order_section =
        sections_.Find(SectionType::kValueOrder, ValueIndexKey(section.key, column->type));
    column->text_section =
        sections_.Find(SectionType::kValueText, ValueIndexKey(section.key, column->type));
    metadata_.push_back(std::move(column));
  }
  text_index_.emplace(sections_, rows_);
  std::sort(metadata_.begin(), metadata_.end(), [](const auto& a, const auto& b) {
    return std::tie(a->section->key, a->type) < std::tie(b->section->key, b->type);
  });
  return Status::Ok();
}

Status SectionedSegment::CheckRow(uint32_t row) const {
  if (row < rows_) return Status::Ok();
  return Status(StatusCode::kOutOfRange, "segment " + sections_.blob().name() + " has no row " +
                                             std::to_string(row) + ", only " +
                                             std::to_string(rows_));
}

Status SectionedSegment::CheckRows(std::span<const uint32_t> rows) const {
  return rows.empty() ? Status::Ok() : CheckRow(*std::max_element(rows.begin(), rows.end()));
}

Status SectionedSegment::NameRecords(const Status& damage, uint64_t begin, uint64_t end) const {
  if (damage.code() != StatusCode::kDataLoss) return damage;
  const Result<const format::StringReader*> ids = Ids();
  if (!ids.ok() || begin >= end || end > rows_) return damage;
  std::string records = "records \"" + std::string((**ids)[begin]) + "\"";
  if (end - begin > 1) {
    records += " to \"" + std::string((**ids)[end - 1]) + "\" (" + std::to_string(end - begin) +
               " in order of insertion)";
  }
  return damage.Annotate(records);
}

Status SectionedSegment::NameTexts(const Status& damage, const format::TextReader& texts,
                                   std::span<const uint32_t> rows) const {
  if (damage.code() != StatusCode::kDataLoss) return damage;
  runtime::Context ctx;
  for (uint64_t block = 0; block < texts.blocks(); ++block) {
    const uint64_t begin = texts.FirstRow(block);
    const uint64_t end = texts.FirstRow(block + 1);
    const auto at = std::lower_bound(rows.begin(), rows.end(), begin);
    if (at == rows.end() || *at >= end || texts.CheckBlock(ctx, block).ok()) continue;
    return NameRecords(damage, begin, end);
  }
  return damage;
}

Result<const format::StringReader*> SectionedSegment::Ids() const {
  CHROMA_ASSIGN(const auto* ids, ids_.Get([this] {
    return LoadSection(sections_, *sections_.Find(SectionType::kIds),
                       [this](ByteReader& in) { return format::StringReader::Read(in, rows_); });
  }));
  return &ids->reader;
}

Result<const format::IdIndexReader*> SectionedSegment::IdIndex() const {
  const auto read = [this](ByteReader& in) { return format::IdIndexReader::Read(in, rows_); };
  const auto load = [&]() -> Result<Loaded<format::IdIndexReader>> {
    auto loaded = LoadSection(sections_, *sections_.Find(SectionType::kIdIndex), read);
    if (loaded.ok() || loaded.status().code() != StatusCode::kDataLoss) return loaded;
    // Derived from the ids, so damage to it costs time and not data.
    runtime::Context ctx;
    CHROMA_ASSIGN(Bytes rebuilt, RebuildIdIndex(ctx, sections_, rows_));
    auto bytes = std::make_shared<const Bytes>(std::move(rebuilt));
    ByteReader in(*bytes);
    format::IdIndexReader index = read(in);
    return Loaded<format::IdIndexReader>{{*bytes, bytes}, std::move(index)};
  };
  CHROMA_ASSIGN(const auto* index, id_index_.Get(load));
  return &index->reader;
}

Result<const format::PackedReader*> SectionedSegment::InsertionExcess() const {
  CHROMA_ASSIGN(const auto* excess, insertion_excess_.Get([this] {
    return LoadSection(sections_, *sections_.Find(SectionType::kInsertionOffsets),
                       [this](ByteReader& in) { return format::PackedReader::Read(in, rows_); });
  }));
  return &excess->reader;
}

Result<const format::VectorReader*> SectionedSegment::VectorColumn() const {
  return vectors_.Get([this] {
    runtime::Context ctx;
    return format::VectorReader::Open(ctx, sections_, rows_, dimension_);
  });
}

Result<const format::TextReader*> SectionedSegment::Documents() const {
  return documents_.Get([this] {
    runtime::Context ctx;
    return format::TextReader::Open(ctx, sections_, SectionType::kDocuments,
                                    SectionType::kDocumentIndex, rows_);
  });
}

Result<const format::TextReader*> SectionedSegment::Uris() const {
  return uris_.Get([this] {
    runtime::Context ctx;
    return format::TextReader::Open(ctx, sections_, SectionType::kUris, SectionType::kUriIndex,
                                    rows_);
  });
}

Result<const format::MetadataColumnReader*> SectionedSegment::Column(
    const MetadataColumn& column) const {
  CHROMA_ASSIGN(const auto* loaded, column.loaded.Get([&] {
    return LoadSection(sections_, *column.section, [&](ByteReader& in) {
      return format::MetadataColumnReader::Read(in, column.type, rows_);
    });
  }));
  return &loaded->reader;
}

std::span<const std::unique_ptr<MetadataColumn>> SectionedSegment::ColumnsOf(
    std::string_view key) const {
  const auto begin = std::lower_bound(
      metadata_.begin(), metadata_.end(), key,
      [](const auto& column, std::string_view wanted) { return column->section->key < wanted; });
  const auto end = std::find_if(begin, metadata_.end(),
                                [&](const auto& column) { return column->section->key != key; });
  return {begin, end};
}

const MetadataColumn* SectionedSegment::FindSparse(std::string_view key) const {
  for (const auto& column : ColumnsOf(key)) {
    if (column->type == model::ValueType::kSparseVector) return column.get();
  }
  return nullptr;
}

Result<std::optional<Loaded<index::SparsePostings>>> SectionedSegment::LoadPostings(
    const SectionInfo& section) const {
  runtime::Context ctx;
  CHROMA_ASSIGN(store::BlobSlice slice, sections_.Read(ctx, section));
  Result<index::SparsePostings> postings = index::SparsePostings::Open(slice.bytes, rows_);
  if (!postings.ok()) return sections_.Damaged(section, postings.status().message());
  return std::optional(Loaded<index::SparsePostings>{std::move(slice), *std::move(postings)});
}

Result<const index::SparsePostings*> SectionedSegment::Postings(
    const MetadataColumn& column) const {
  CHROMA_ASSIGN(const auto* loaded,
                column.postings.Get([&]() -> Result<std::optional<Loaded<index::SparsePostings>>> {
                  const SectionInfo* section =
                      sections_.Find(SectionType::kSparsePostings, column.section->key);
                  if (section == nullptr || section->length == 0) {
                    return std::optional<Loaded<index::SparsePostings>>();
                  }
                  auto read = LoadPostings(*section);
                  if (read.ok() || read.status().code() != StatusCode::kDataLoss) return read;
                  // Derived from the vectors, so damage to them costs time and not data.
                  runtime::Log(runtime::LogLevel::kWarning,
                               "sparse postings are damaged: vectors are compared one by one",
                               {{"error", read.status().message()}});
                  return std::optional<Loaded<index::SparsePostings>>();
                }));
  return *loaded ? &(**loaded).reader : nullptr;
}

Status SectionedSegment::SearchSparse(runtime::Context& ctx, std::string_view key,
                                      const index::SparseRequest& request,
                                      std::vector<index::Candidate>* out) const {
  // So few rows are compared one by one.
  constexpr uint64_t kRowsComparedMax = 64;
  CHROMA_TRY(index::CheckSparseQuery(request.query));
  const MetadataColumn* column = FindSparse(key);
  if (column == nullptr || request.query.size() == 0) return Status::Ok();
  CHROMA_ASSIGN(const format::MetadataColumnReader* values, Column(*column));
  const SparseColumn vectors(*values);
  CHROMA_ASSIGN(const index::SparsePostings* postings, Postings(*column));
  const bool few = request.allowed != nullptr && request.allowed->Count() <= kRowsComparedMax;
  if (postings == nullptr || few || !index::IsFinite(request.query)) {
    return vectors.Search(ctx, request, out);
  }
  index::SparseRequest checked = request;
  checked.check = [&ctx] { return ctx.Check(); };
  const auto exact = [&](uint32_t row) -> Result<std::optional<double>> {
    return vectors.Dot(request.query, row);
  };
  const Status searched = postings->Search(checked, exact, out);
  if (searched.code() == StatusCode::kResourceExhausted) return vectors.Search(ctx, request, out);
  if (searched.code() != StatusCode::kDataLoss) return searched;
  runtime::Log(runtime::LogLevel::kWarning, "sparse postings are damaged: searched without them",
               {{"segment", sections_.blob().name()}, {"error", searched.message()}});
  return vectors.Search(ctx, request, out);
}

Status SectionedSegment::CountSparse(runtime::Context& ctx, std::string_view key,
                                     std::span<const uint32_t> dimensions, const Bitmap& dead,
                                     std::span<uint64_t> counts) const {
  const MetadataColumn* column = FindSparse(key);
  if (column == nullptr) return Status::Ok();
  CHROMA_ASSIGN(const index::SparsePostings* postings, Postings(*column));
  std::vector<uint64_t> live;
  std::vector<uint64_t> gone(dimensions.size());
  if (postings != nullptr && postings->CountAmong(dimensions, dead, gone).ok()) {
    for (size_t i = 0; i < dimensions.size(); ++i) {
      const Result<uint64_t> all = postings->Count(dimensions[i]);
      if (all.ok() && gone[i] <= *all) live.push_back(*all - gone[i]);
    }
  }
  if (live.size() == dimensions.size()) {
    for (size_t i = 0; i < live.size(); ++i) counts[i] += live[i];
    return Status::Ok();
  }
  CHROMA_ASSIGN(const format::MetadataColumnReader* values, Column(*column));
  return SparseColumn(*values).Count(ctx, dimensions, dead, counts);
}

Result<const ValueOrder*> SectionedSegment::OrderOf(const MetadataColumn& column) const {
  if (column.order_section == nullptr) return nullptr;
  CHROMA_ASSIGN(const format::MetadataColumnReader* values, Column(column));
  CHROMA_ASSIGN(const auto* loaded, column.order.Get([&]() -> Result<LoadedOrder> {
    auto read = LoadSection(sections_, *column.order_section, [&](ByteReader& in) {
      return ValueOrder::Read(in, values->strings().strings().count());
    });
    const bool usable = HasValueOrder(*values);
    if (read.ok() && usable) return LoadedOrder{std::move(read->bytes), std::move(read->reader)};
    if (!read.ok() && read.status().code() != StatusCode::kDataLoss) return read.status();
    runtime::Log(runtime::LogLevel::kWarning,
                 "the order of metadata values is damaged: all of them are compared",
                 {{"segment", sections_.blob().name()}, {"key", column.section->key}});
    return LoadedOrder();
  }));
  return loaded->order ? &*loaded->order : nullptr;
}

Result<LoadedText> SectionedSegment::LoadText(runtime::Context& ctx,
                                              const MetadataColumn& column) const {
  LoadedText loaded;
  if (column.text_section == nullptr || column.text_section->length == 0) return loaded;
  CHROMA_ASSIGN(const format::MetadataColumnReader* values, Column(column));
  CHROMA_ASSIGN(loaded.bytes, sections_.Read(ctx, *column.text_section));
  Result<index::TextIndexReader> reader =
      OpenValueText(loaded.bytes.bytes, values->strings().strings().count());
  if (!reader.ok()) return sections_.Damaged(*column.text_section, reader.status().message());
  loaded.reader.emplace(*std::move(reader));
  return loaded;
}

void SectionedSegment::TellDamagedText(const MetadataColumn& column, const Status& status) const {
  runtime::Log(runtime::LogLevel::kWarning,
               "the text index of metadata values is damaged: all of them are searched",
               {{"segment", sections_.blob().name()},
                {"key", column.section->key},
                {"error", status.message()}});
}

Result<const index::TextIndexReader*> SectionedSegment::TextOf(const MetadataColumn& column) const {
  CHROMA_ASSIGN(const auto* loaded, column.text.Get([&]() -> Result<LoadedText> {
    runtime::Context ctx;
    Result<LoadedText> read = LoadText(ctx, column);
    if (read.ok() || read.status().code() != StatusCode::kDataLoss) return read;
    // Derived from the values, so damage to it costs time and not data.
    TellDamagedText(column, read.status());
    return LoadedText();
  }));
  return loaded->reader ? &*loaded->reader : nullptr;
}

Result<std::optional<uint32_t>> SectionedSegment::FindId(std::string_view id) const {
  if (rows_ == 0) return std::optional<uint32_t>();
  CHROMA_ASSIGN(const format::StringReader* ids, Ids());
  CHROMA_ASSIGN(const format::IdIndexReader* index, IdIndex());
  return index->Find(*ids, id);
}

Result<std::string_view> SectionedSegment::Id(uint32_t row) const {
  CHROMA_TRY(CheckRow(row));
  CHROMA_ASSIGN(const format::StringReader* ids, Ids());
  return (*ids)[row];
}

Result<uint64_t> SectionedSegment::InsertionOffset(uint32_t row) const {
  CHROMA_TRY(CheckRow(row));
  CHROMA_ASSIGN(const format::PackedReader* excess, InsertionExcess());
  return (*excess)[row] + row;
}

Result<const format::VectorReader*> SectionedSegment::VectorsOf(uint32_t row) const {
  CHROMA_TRY(CheckRow(row));
  if (dimension_ == 0) {
    return Status::FailedPrecondition("segment " + sections_.blob().name() + " has no vectors");
  }
  return VectorColumn();
}

// Names the records whose vectors are verified together with this row's.
Status SectionedSegment::NameBlock(const Status& status, const format::VectorReader& vectors,
                                   uint32_t row) const {
  const uint64_t begin = row / vectors.block_rows() * uint64_t{vectors.block_rows()};
  return NameRecords(status, begin, std::min<uint64_t>(rows_, begin + vectors.block_rows()));
}

Result<VectorRun> SectionedSegment::Vectors(uint32_t row) const {
  CHROMA_ASSIGN(const format::VectorReader* vectors, VectorsOf(row));
  const Result<format::VectorReader::Run> run = vectors->Get(row);
  if (!run.ok()) return NameBlock(run.status(), *vectors, row);
  return VectorRun{run->values, run->rows};
}

Status SectionedSegment::CopyVector(uint32_t row, float* out) const {
  CHROMA_ASSIGN(const format::VectorReader* vectors, VectorsOf(row));
  const Status copied = vectors->Copy(row, out);
  return copied.ok() ? copied : NameBlock(copied, *vectors, row);
}

bool SectionedSegment::IsLoaded(model::IncludeSet include) const {
  if (rows_ == 0) return true;
  if (!ids_.loaded() || !insertion_excess_.loaded()) return false;
  const bool vectors = (include & model::kIncludeEmbeddings) != 0 && dimension_ > 0;
  const bool metadata = (include & model::kIncludeMetadatas) != 0;
  const bool uris = metadata || (include & model::kIncludeUris) != 0;
  if (vectors && !vectors_.loaded()) return false;
  if ((include & model::kIncludeDocuments) != 0 && !documents_.loaded()) return false;
  if (uris && !uris_.loaded()) return false;
  return !metadata || std::all_of(metadata_.begin(), metadata_.end(),
                                  [](const auto& column) { return column->loaded.loaded(); });
}

bool SectionedSegment::IdsAreLoaded() const {
  return rows_ == 0 || (ids_.loaded() && id_index_.loaded());
}

Status SectionedSegment::ReadDocuments(std::span<const uint32_t> rows,
                                       std::vector<std::optional<std::string>>* out) const {
  CHROMA_TRY(CheckRows(rows));
  CHROMA_ASSIGN(const format::TextReader* documents, Documents());
  runtime::Context ctx;
  return NameTexts(documents->Read(ctx, rows, out), *documents, rows);
}

Status SectionedSegment::ReadUris(std::span<const uint32_t> rows,
                                  std::vector<std::optional<std::string>>* out) const {
  CHROMA_TRY(CheckRows(rows));
  CHROMA_ASSIGN(const format::TextReader* uris, Uris());
  runtime::Context ctx;
  return NameTexts(uris->Read(ctx, rows, out), *uris, rows);
}

Status SectionedSegment::ReadMetadata(std::span<const uint32_t> rows,
                                      std::vector<model::Metadata>* out) const {
  CHROMA_TRY(CheckRows(rows));
  const size_t begin = out->size();
  out->resize(begin + rows.size());
  // In key order, so that every Set() appends.
  for (const auto& entry : metadata_) {
    CHROMA_ASSIGN(const format::MetadataColumnReader* column, Column(*entry));
    for (size_t i = 0; i < rows.size(); ++i) {
      const uint32_t ordinal = column->presence().Ordinal(rows[i]);
      if (ordinal == format::PresenceReader::kAbsent) continue;
      (*out)[begin + i].Set(entry->section->key, column->Value(ordinal));
    }
  }
  return Status::Ok();
}

Result<Bitmap> SectionedSegment::Match(runtime::Context& ctx,
                                       const model::MetadataPredicate& predicate) const {
  using model::CompareOperator;
  if (predicate.op == CompareOperator::kNotEqual || predicate.op == CompareOperator::kNotIn ||
      predicate.op == CompareOperator::kArrayNotContains) {
    return Status::Internal("a part matches positive predicates only");
  }
  Bitmap matches;
  for (const auto& stored : ColumnsOf(predicate.key)) {
    if (!CanMatch(stored->type, predicate)) continue;
    CHROMA_ASSIGN(const format::MetadataColumnReader* column, Column(*stored));
    std::vector<uint64_t> found;
    CHROMA_ASSIGN(const ValueOrder* order, OrderOf(*stored));
    CHROMA_TRY(MatchColumn(ctx, *column, order, predicate, &found));
    matches |= column->presence().ToRows(found);
  }
  return matches;
}

Result<std::optional<double>> SectionedSegment::EstimateMatch(
    const model::MetadataPredicate& predicate) const {
  double rows = 0;
  for (const auto& stored : ColumnsOf(predicate.key)) {
    if (!CanMatch(stored->type, predicate)) continue;
    CHROMA_ASSIGN(const format::MetadataColumnReader* column, Column(*stored));
    CHROMA_ASSIGN(const ValueOrder* order, OrderOf(*stored));
    if (order != nullptr) {
      rows += RowsByOrder(*column, *order, predicate);
      continue;
    }
    CHROMA_ASSIGN(const ColumnStatistics* statistics, stored->statistics.Get([&] {
      return Result<ColumnStatistics>(ColumnStatistics::Of(*column));
    }));
    rows += statistics->Rows(*column, predicate);
  }
  return std::optional(rows);
}

uint64_t SectionedSegment::MatchCost(const model::MetadataPredicate& predicate) const {
  uint64_t cost = 0;
  for (const auto& stored : ColumnsOf(predicate.key)) {
    if (!CanMatch(stored->type, predicate)) continue;
    const auto column = Column(*stored);
    const auto order = OrderOf(*stored);
    if (column.ok() && order.ok()) cost += MatchColumnCost(**column, *order, predicate);
  }
  return cost;
}

Result<Bitmap> SectionedSegment::MatchText(runtime::Context& ctx, std::string_view key,
                                           const index::TextPattern& pattern,
                                           std::string* how) const {
  Bitmap matches;
  std::string done;
  for (const auto& stored : ColumnsOf(key)) {
    if (!HasStrings(*stored)) continue;
    CHROMA_ASSIGN(const format::MetadataColumnReader* column, Column(*stored));
    CHROMA_ASSIGN(const index::TextIndexReader* text, TextOf(*stored));
    std::vector<uint64_t> found;
    std::string how_column;
    Status matched = MatchTextColumn(ctx, *column, text, pattern, &found, &how_column);
    if (matched.code() == StatusCode::kDataLoss && text != nullptr) {
      TellDamagedText(*stored, matched);
      found.clear();
      matched = MatchTextColumn(ctx, *column, nullptr, pattern, &found, &how_column);
    }
    CHROMA_TRY(matched);
    done += (done.empty() ? "" : "; ") + how_column;
    matches |= column->presence().ToRows(found);
  }
  if (how != nullptr) *how = done.empty() ? "no record has a string under the key" : done;
  return matches;
}

Result<std::optional<double>> SectionedSegment::EstimateMatchText(
    runtime::Context& ctx, std::string_view key, const index::TextPattern& pattern) const {
  double rows = 0;
  for (const auto& stored : ColumnsOf(key)) {
    if (!HasStrings(*stored)) continue;
    CHROMA_ASSIGN(const format::MetadataColumnReader* column, Column(*stored));
    CHROMA_ASSIGN(const index::TextIndexReader* text, TextOf(*stored));
    CHROMA_ASSIGN(const double of_column, EstimateTextColumn(ctx, *column, text, pattern));
    rows += of_column;
  }
  return std::optional(rows);
}

uint64_t SectionedSegment::MatchTextCost(std::string_view key,
                                         const index::TextPattern& pattern) const {
  uint64_t cost = 0;
  for (const auto& stored : ColumnsOf(key)) {
    if (!HasStrings(*stored)) continue;
    const auto column = Column(*stored);
    const auto text = TextOf(*stored);
    if (column.ok() && text.ok()) cost += MatchTextColumnCost(**column, *text, pattern);
  }
  return cost;
}

Result<std::unique_ptr<KeyValues>> SectionedSegment::Key(std::string_view key,
                                                         const Bitmap& rows) const {
  static_cast<void>(rows);  // a column is whole, or none of it can be read
  std::vector<const format::MetadataColumnReader*> columns;
  for (const auto& stored : ColumnsOf(key)) {
    CHROMA_ASSIGN(const format::MetadataColumnReader* column, Column(*stored));
    columns.push_back(column);
  }
  return ValuesOfColumns(std::move(columns));
}

std::string SectionedSegment::DescribeKey(std::string_view key) const {
  std::string types;
  for (const auto& stored : ColumnsOf(key)) {
    if (!types.empty()) types += ", ";
    types += model::PluralOf(stored->type);
    if (stored->order_section != nullptr) types += " with their order";
  }
  return types.empty() ? "no column: no record has the key" : "column of " + types;
}

Result<Bitmap> SectionedSegment::MatchDocuments(runtime::Context& ctx, const Bitmap* candidates,
                                                const TextTest& test) const {
  CHROMA_ASSIGN(const format::TextReader* documents, Documents());
  std::vector<uint32_t> found;
  CHROMA_TRY(documents->Match(ctx, candidates, test, &found));
  return Bitmap::FromSorted(found.data(), found.size());
}

Result<Bitmap> SectionedSegment::MatchUris(runtime::Context& ctx, const Bitmap* candidates,
                                           const TextTest& test) const {
  CHROMA_ASSIGN(const format::TextReader* uris, Uris());
  std::vector<uint32_t> found;
  CHROMA_TRY(uris->Match(ctx, candidates, test, &found));
  return Bitmap::FromSorted(found.data(), found.size());
}

Result<std::vector<uint32_t>> SectionedSegment::MovedRows(const std::string& index,
                                                          uint32_t n) const {
  const SectionInfo* section = sections_.Find(SectionType::kMovedRows, index);
  if (section == nullptr) {
    return Status::NotFound("segment " + sections_.blob().name() + " says nothing of index " +
                            index);
  }
  runtime::Context ctx;
  CHROMA_ASSIGN(const store::BlobSlice slice, sections_.Read(ctx, *section));
  ByteReader in(slice.bytes);
  if (in.AtEnd() && n == rows_) return std::vector<uint32_t>();
  if (in.remaining() != uint64_t{n} * sizeof(uint32_t)) {
    return sections_.Damaged(*section, "it has the wrong length");
  }
  std::vector<uint32_t> rows;
  rows.reserve(n);
  while (!in.AtEnd()) {
    rows.push_back(in.Fixed<uint32_t>());
    if (rows.back() >= rows_ && rows.back() != index::MovedRows::kGone) {
      return sections_.Damaged(*section, "it names a row that does not exist");
    }
  }
  return rows;
}

Result<std::vector<MissingIndex>> SectionedSegment::Missing(const model::Schema& schema) const {
  std::vector<MissingIndex> missing;
  const bool has_documents = sections_.Find(SectionType::kDocuments) != nullptr;
  if (WantsText(&schema) && has_documents && sections_.Find(SectionType::kTextTerms) == nullptr) {
    missing.push_back({SectionType::kTextTerms, {}});
  }
  for (const SparseFill& fill : FillsOf(&schema)) {
    if (AwaitsFill(0, fill)) missing.push_back({SectionType::kSparseFill, fill.section_key});
  }
  for (const auto& column : metadata_) {
    const std::string& key = column->section->key;
    if (column->type == model::ValueType::kSparseVector) {
      const bool has_postings = sections_.Find(SectionType::kSparsePostings, key) != nullptr;
      if (WantsPostings(&schema, key) && !has_postings) {
        missing.push_back({SectionType::kSparsePostings, key});
      }
      continue;
    }
    const bool both = column->order_section != nullptr && column->text_section != nullptr;
    if (!HasStrings(*column) || both || !WantsValueIndexes(&schema, key, column->type)) continue;
    CHROMA_ASSIGN(const format::MetadataColumnReader* values, Column(*column));
    if (column->order_section == nullptr && HasValueOrder(*values)) {
      missing.push_back({SectionType::kValueOrder, ValueIndexKey(key, column->type)});
    }
    if (column->text_section == nullptr && HasValueText(*values)) {
      missing.push_back({SectionType::kValueText, ValueIndexKey(key, column->type)});
    }
  }
  return missing;
}

// Every id must be found, at its own row or at a later one that has the same id.
Status SectionedSegment::VerifyIds(runtime::Context& ctx) const {
  CHROMA_ASSIGN(const format::StringReader* ids, Ids());
  CHROMA_ASSIGN(const format::IdIndexReader* index, IdIndex());
  CHROMA_TRY(InsertionExcess().status());
  for (uint32_t row = 0; row < rows_; ++row) {
    if (row % 4096 == 0) CHROMA_TRY(ctx.Check());
    const std::optional<uint32_t> found = index->Find(*ids, (*ids)[row]);
    if (!found || *found < row) {
      return sections_.Damaged(*sections_.Find(SectionType::kIdIndex),
                               "it does not find row " + std::to_string(row));
    }
  }
  return Status::Ok();
}

Status SectionedSegment::VerifyAll(runtime::Context& ctx) const {
  if (end_recovered_) {
    return Status::DataLoss("segment " + sections_.blob().name() +
                            " is damaged: its footer; chroma doctor mends it");
  }
  CHROMA_TRY(sections_.VerifyFrames(ctx));
  for (const SectionInfo& section : sections_.sections()) {
    CHROMA_TRY(ctx.Check());
    sections_.blob().WillNeed(section.offset, section.length);
    if (section.block_size == 0) CHROMA_TRY(sections_.Read(ctx, section).status());
  }
  if (rows_ == 0) return Status::Ok();
  if (dimension_ > 0) {
    CHROMA_ASSIGN(const format::VectorReader* vectors, VectorColumn());
    CHROMA_TRY(vectors->VerifyAll(ctx));
  }
  CHROMA_TRY(VerifyIds(ctx));
  CHROMA_ASSIGN(const format::TextReader* documents, Documents());
  CHROMA_TRY(documents->VerifyAll(ctx));
  CHROMA_ASSIGN(const format::TextReader* uris, Uris());
  CHROMA_TRY(uris->VerifyAll(ctx));
  CHROMA_TRY(text_index_->Verify(ctx));
  for (const auto& column : metadata_) {
    CHROMA_TRY(ctx.Check());
    CHROMA_TRY(Column(*column).status());
    CHROMA_ASSIGN(const ValueOrder* order, OrderOf(*column));
    if (column->order_section != nullptr && order == nullptr) {
      return sections_.Damaged(*column->order_section, "it does not fit its column");
    }
    CHROMA_ASSIGN(const LoadedText text, LoadText(ctx, *column));
    if (text.reader) {
      const Status whole = text.reader->VerifyAll();
      if (!whole.ok()) return sections_.Damaged(*column->text_section, whole.message());
    }
    const SectionInfo* postings =
        sections_.Find(SectionType::kSparsePostings, column->section->key);
    if (column->type != model::ValueType::kSparseVector || postings == nullptr) continue;
    if (postings->length == 0) continue;
    CHROMA_ASSIGN(const auto loaded, LoadPostings(*postings));
    const Status verified = loaded->reader.Verify([&ctx] { return ctx.Check(); });
    if (verified.code() == StatusCode::kDataLoss) {
      return sections_.Damaged(*postings, verified.message());
    }
    CHROMA_TRY(verified);
  }
  return Status::Ok();
}

void SectionedSegment::ReleaseVectors() const {
  const SectionInfo* const vectors = sections_.Find(SectionType::kVectors);
  if (vectors != nullptr) sections_.blob().DontNeed(vectors->offset, vectors->length);
}

void SectionedSegment::ReleasePages() const {
  sections_.blob().DontNeed(0, sections_.blob().size_bytes());
  for (const auto* texts : {&documents_, &uris_}) {
    if (const format::TextReader* loaded = texts->IfLoaded()) loaded->ForgetRecent();
  }
}

}  // namespace

Result<std::shared_ptr<const SegmentReader>> SegmentReader::Open(
    runtime::Context& ctx, std::shared_ptr<const store::Blob> blob) {
  std::vector<store::Patch> recovered;
  const std::string name = blob->name();
  CHROMA_ASSIGN(SectionReader sections,
                format::OpenRecovered(ctx, std::move(blob), IsKnown, &recovered));
  if (!recovered.empty()) {
    runtime::Log(
        runtime::LogLevel::kWarning,
        "the footer of a segment is damaged, taken from its sections; chroma doctor mends it",
        {{"segment", name}});
  }
  auto segment = std::make_shared<SectionedSegment>(std::move(sections), !recovered.empty());
  CHROMA_TRY(segment->Init(ctx));
  return std::shared_ptr<const SegmentReader>(std::move(segment));
}

}  // namespace chroma::segment
