#include "segment/missing_indexes.h"

#include <algorithm>
#include <utility>

#include "base/coding.h"
#include "format/section_reader.h"
#include "format/section_writer.h"
#include "format/text_column.h"
#include "format/vector_column.h"
#include "index/text/text_index.h"
#include "segment/part.h"
#include "segment/rebuild.h"
#include "segment/text_sections.h"

namespace chroma::segment {
namespace {

using format::SectionInfo;
using format::SectionReader;
using format::SectionType;

format::SectionOptions OptionsOf(const SectionInfo& section) {
  format::SectionOptions options;
  if (section.type == SectionType::kVectors) options.alignment = format::kPageAlignment;
  options.required = (section.flags & format::kSectionRequired) != 0;
  options.block_size = section.block_size;
  return options;
}

class SegmentCopy {
 public:
  SegmentCopy(runtime::Context& ctx, const SectionReader& from,
              std::unique_ptr<store::BlobWriter> to)
      : ctx_(ctx), from_(from), out_(std::move(to)) {}

  // Info first: the columns are opened by it.
  Status ReadInfo() {
    const SectionInfo* info = from_.Find(SectionType::kSegmentInfo);
    if (info == nullptr) {
      return Status::DataLoss("segment " + from_.blob().name() + " does not say how long it is");
    }
    CHROMA_ASSIGN(info_, from_.Read(ctx_, *info));
    ByteReader in(info_.bytes);
    rows_ = in.Fixed<uint32_t>();
    dimension_ = in.Fixed<uint32_t>();
    return in.ok() && in.AtEnd() ? Status::Ok() : from_.Damaged(*info, "it cannot be decoded");
  }

  Status CopySections() {
    for (const SectionInfo& section : from_.sections()) {
      CHROMA_TRY(ctx_.Check());
      if (section.type == SectionType::kSegmentInfo || section.type == SectionType::kMovedRows) {
        continue;
      }
      CHROMA_TRY(section.block_size == 0 ? Copy(section) : CopyBlocks(section));
    }
    return Status::Ok();
  }

  Status CopyMovedRows(const std::vector<std::string>& indexes) {
    format::SectionOptions options;
    options.required = false;
    for (const std::string& index : indexes) {
      const SectionInfo* moved = from_.Find(SectionType::kMovedRows, index);
      CHROMA_TRY(moved != nullptr ? Copy(*moved)
                                  : out_.Write(SectionType::kMovedRows, index, {}, options));
    }
    return Status::Ok();
  }

  Status Add(const MissingIndex& missing) {
    CHROMA_TRY(ctx_.Check());
    if (missing.type == SectionType::kTextTerms) return AddText();
    SectionInfo section;
    section.type = missing.type;
    section.key = missing.key;
    Result<Bytes> payload = MakeSection(ctx_, from_, section, rows_, dimension_);
    // As the writer has it: a section without content says that there can be none.
    if (payload.status().code() == StatusCode::kResourceExhausted) payload = Bytes();
    CHROMA_TRY(payload.status());
    format::SectionOptions options;
    options.required = false;
    return out_.Write(missing.type, missing.key, *payload, options);
  }

  Result<SegmentSummary> Finish(const std::string& blob) {
    CHROMA_TRY(out_.Write(SectionType::kSegmentInfo, {}, info_.bytes));
    CHROMA_TRY(out_.Finish(ctx_));
    return SegmentSummary{blob, rows_, out_.size_bytes(), out_.checksum()};
  }

 private:
  Status Copy(const SectionInfo& section) {
    CHROMA_ASSIGN(const store::BlobSlice payload, from_.Read(ctx_, section));
    return out_.Write(section.type, section.key, payload.bytes, OptionsOf(section));
  }

  Status CopyBlocks(const SectionInfo& section) {
    CHROMA_TRY(out_.BeginBlocks(section.type, section.key, OptionsOf(section)));
    switch (section.type) {
      case SectionType::kVectors:
        CHROMA_TRY(CopyVectors(section));
        break;
      case SectionType::kDocuments:
        CHROMA_TRY(CopyTexts(section, SectionType::kDocumentIndex));
        break;
      case SectionType::kUris:
        CHROMA_TRY(CopyTexts(section, SectionType::kUriIndex));
        break;
      default:
        return from_.Damaged(section, "sections of this type are not in blocks");
    }
    return out_.EndBlocks();
  }

  Status CopyBlock(const SectionInfo& section, BytesView block, uint64_t checksum) {
    CHROMA_TRY(ctx_.Check());
    CHROMA_ASSIGN(const uint64_t copied, out_.AppendBlock(block));
    if (copied == checksum) return Status::Ok();
    return from_.Damaged(section, "the checksum of a block does not match");
  }

  Status CopyVectors(const SectionInfo& section) {
    CHROMA_ASSIGN(const auto vectors, format::VectorReader::Open(ctx_, from_, rows_, dimension_));
    for (uint64_t block = 0; block < vectors.blocks(); ++block) {
      CHROMA_TRY(CopyBlock(section, vectors.BlockBytes(block), vectors.BlockChecksum(block)));
    }
    return Status::Ok();
  }

  Status CopyTexts(const SectionInfo& section, SectionType index) {
    CHROMA_ASSIGN(const auto texts,
                  format::TextReader::Open(ctx_, from_, section.type, index, rows_));
    for (uint64_t block = 0; block < texts.blocks(); ++block) {
      CHROMA_ASSIGN(const store::BlobSlice bytes, texts.ReadBlock(ctx_, block));
      CHROMA_TRY(CopyBlock(section, bytes.bytes, texts.BlockChecksum(block)));
    }
    return Status::Ok();
  }

  Status AddText() {
    CHROMA_ASSIGN(const auto documents,
                  format::TextReader::Open(ctx_, from_, SectionType::kDocuments,
                                           SectionType::kDocumentIndex, rows_));
    index::TextIndexBuilder builder;
    CHROMA_TRY(documents.ForEach(
        ctx_, [&](uint32_t row, std::string_view text) { builder.Add(row, text); }));
    CHROMA_TRY(ctx_.Check());
    return WriteTextIndex(&out_, &builder, rows_);
  }

  runtime::Context& ctx_;
  const SectionReader& from_;
  format::SectionWriter out_;
  store::BlobSlice info_;
  uint32_t rows_ = 0;
  uint32_t dimension_ = 0;
};

}  // namespace

bool WantsText(const model::Schema* schema) {
  return schema == nullptr || schema->IsFullTextIndexed();
}

bool WantsPostings(const model::Schema* schema, std::string_view key) {
  return schema == nullptr || schema->IsSparseIndexed(key);
}

bool WantsValueIndexes(const model::Schema* schema, std::string_view key, model::ValueType type) {
  return schema == nullptr || schema->IsIndexed(key, type);
}

bool HasFill(const std::vector<MissingIndex>& missing) {
  return std::any_of(missing.begin(), missing.end(), [](const MissingIndex& index) {
    return index.type == SectionType::kSparseFill;
  });
}

bool MissesIndexes(const Part& part, const model::Schema& schema) {
  const Result<std::vector<MissingIndex>> missing = part.Missing(schema);
  return missing.ok() && !missing->empty();
}

Result<SegmentSummary> WriteWithIndexes(runtime::Context& ctx, store::BlobStore& store,
                                        const std::string& blob,
                                        std::shared_ptr<const store::Blob> from,
                                        const std::vector<MissingIndex>& missing,
                                        const std::vector<std::string>& indexes) {
  CHROMA_ASSIGN(const SectionReader sections,
                SectionReader::Open(ctx, std::move(from), [](SectionType) { return true; }));
  CHROMA_ASSIGN(std::unique_ptr<store::BlobWriter> writer, store.Create(ctx, blob));
  SegmentCopy copy(ctx, sections, std::move(writer));
  CHROMA_TRY(copy.ReadInfo());
  CHROMA_TRY(copy.CopySections());
  for (const MissingIndex& index : missing) CHROMA_TRY(copy.Add(index));
  CHROMA_TRY(copy.CopyMovedRows(indexes));
  return copy.Finish(blob);
}

}  // namespace chroma::segment
