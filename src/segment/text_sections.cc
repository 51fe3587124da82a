#include "segment/text_sections.h"

#include <utility>

#include "format/text_column.h"
#include "runtime/log.h"

namespace chroma::segment {

using format::SectionInfo;
using format::SectionType;

bool IsTextIndexSection(SectionType type) {
  return type == SectionType::kTextTerms || type == SectionType::kTextPostings ||
         type == SectionType::kTextGrams;
}

Status WriteTextIndex(format::SectionWriter* out, index::TextIndexBuilder* builder, uint32_t rows) {
  format::SectionOptions options;
  options.required = false;
  if (builder->too_large()) return out->Write(SectionType::kTextTerms, {}, {}, options);
  if (builder->Unusable()) return Status::Ok();
  const index::TextIndexPayloads payloads = builder->Finish(rows);
  CHROMA_TRY(out->Write(SectionType::kTextTerms, {}, payloads.terms, options));
  CHROMA_TRY(out->Write(SectionType::kTextPostings, {}, payloads.postings, options));
  return out->Write(SectionType::kTextGrams, {}, payloads.grams, options);
}

Result<Bytes> RebuildTextIndexSection(runtime::Context& ctx, const format::SectionReader& sections,
                                      SectionType type, uint32_t rows) {
  CHROMA_ASSIGN(const format::TextReader documents,
                format::TextReader::Open(ctx, sections, SectionType::kDocuments,
                                         SectionType::kDocumentIndex, rows));
  index::TextIndexBuilder builder;
  CHROMA_TRY(
      documents.ForEach(ctx, [&](uint32_t row, std::string_view text) { builder.Add(row, text); }));
  if (builder.Unusable()) return Status::DataLoss("there are no documents to index");
  index::TextIndexPayloads payloads = builder.Finish(rows);
  if (type == SectionType::kTextTerms) return std::move(payloads.terms);
  if (type == SectionType::kTextPostings) return std::move(payloads.postings);
  return std::move(payloads.grams);
}

Result<TextIndexSections::Loaded> TextIndexSections::Load(runtime::Context& ctx) const {
  Loaded loaded;
  const SectionInfo* terms = sections_.Find(SectionType::kTextTerms);
  const SectionInfo* postings = sections_.Find(SectionType::kTextPostings);
  const SectionInfo* grams = sections_.Find(SectionType::kTextGrams);
  if (terms == nullptr && postings == nullptr && grams == nullptr) return loaded;
  if (terms != nullptr && terms->length == 0) return loaded;  // there can be none
  if (terms == nullptr || postings == nullptr || grams == nullptr) {
    return Status::DataLoss("a section of the text index is missing");
  }
  CHROMA_ASSIGN(loaded.terms, sections_.Read(ctx, *terms));
  CHROMA_ASSIGN(loaded.postings, sections_.Read(ctx, *postings));
  CHROMA_ASSIGN(loaded.grams, sections_.Read(ctx, *grams));
  auto reader = index::TextIndexReader::Open(loaded.terms.bytes, loaded.postings.bytes,
                                             loaded.grams.bytes, rows_);
  if (!reader.ok()) return sections_.Damaged(*terms, reader.status().message());
  loaded.reader.emplace(*std::move(reader));
  return loaded;
}

void TextIndexSections::TellDamage(const Status& status) const {
  runtime::Log(runtime::LogLevel::kWarning,
               "a text index is damaged: documents are searched without it",
               {{"segment", sections_.blob().name()}, {"error", status.message()}});
}

Result<const index::TextIndexReader*> TextIndexSections::Reader() const {
  CHROMA_ASSIGN(const Loaded* loaded, loaded_.Get([this]() -> Result<Loaded> {
    runtime::Context ctx;
    Result<Loaded> read = Load(ctx);
    if (read.ok() || read.status().code() != StatusCode::kDataLoss) return read;
    TellDamage(read.status());
    return Loaded();
  }));
  return loaded->reader ? &*loaded->reader : nullptr;
}

Result<std::optional<index::TextRows>> TextIndexSections::Find(
    const index::TextQuery& query, const index::TextIndexReader::Check& check) const {
  CHROMA_ASSIGN(const index::TextIndexReader* reader, Reader());
  if (reader == nullptr || query.IsAll()) return std::optional<index::TextRows>();
  Result<index::TextRows> found = reader->Find(query, check);
  if (found.ok()) return std::optional<index::TextRows>(*std::move(found));
  if (found.status().code() != StatusCode::kDataLoss) return found.status();
  TellDamage(found.status());
  return std::optional<index::TextRows>();
}

Result<std::optional<uint64_t>> TextIndexSections::Estimate(
    const index::TextQuery& query, const index::TextIndexReader::Check& check,
    index::Counting counting) const {
  CHROMA_ASSIGN(const index::TextIndexReader* reader, Reader());
  if (reader == nullptr || query.IsAll()) return std::optional<uint64_t>();
  const Result<uint64_t> estimate = reader->Estimate(query, check, counting);
  if (estimate.ok()) return std::optional<uint64_t>(*estimate);
  if (estimate.status().code() != StatusCode::kDataLoss) return estimate.status();
  return std::optional<uint64_t>();
}

Status TextIndexSections::Verify(runtime::Context& ctx) const {
  CHROMA_ASSIGN(const Loaded loaded, Load(ctx));
  if (!loaded.reader) return Status::Ok();
  const Status verified = loaded.reader->VerifyAll();
  if (verified.ok()) return Status::Ok();
  return sections_.Damaged(*sections_.Find(SectionType::kTextTerms), verified.message());
}

}  // namespace chroma::segment
