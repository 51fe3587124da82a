// The text index of a segment's documents: its sections, how they are written, and what becomes of
// them when they are damaged.
#pragma once

#include <optional>

#include "chroma/status.h"
#include "format/lazy.h"
#include "format/section_reader.h"
#include "format/section_writer.h"
#include "index/text/text_index.h"
#include "runtime/context.h"

namespace chroma::segment {

bool IsTextIndexSection(format::SectionType type);

// Nothing when there is nothing to index; terms without content when the texts are too many to be
// indexed.
Status WriteTextIndex(format::SectionWriter* out, index::TextIndexBuilder* builder, uint32_t rows);

// The payload of a section of the index, made again from the documents.
Result<Bytes> RebuildTextIndexSection(runtime::Context& ctx, const format::SectionReader& sections,
                                      format::SectionType type, uint32_t rows);

// Verified and decoded when first asked for. Whoever finds the index damaged does without it, with
// a line in the log. Thread safe.
class TextIndexSections {
 public:
  // `sections` outlives this.
  TextIndexSections(const format::SectionReader& sections, uint32_t rows)
      : sections_(sections), rows_(rows) {}

  // None where there is no index, or a damaged one.
  Result<std::optional<index::TextRows>> Find(const index::TextQuery& query,
                                              const index::TextIndexReader::Check& check) const;
  Result<std::optional<uint64_t>> Estimate(const index::TextQuery& query,
                                           const index::TextIndexReader::Check& check,
                                           index::Counting counting) const;
  // kDataLoss when it is damaged.
  Status Verify(runtime::Context& ctx) const;

 private:
  struct Loaded {
    store::BlobSlice terms;
    store::BlobSlice postings;
    store::BlobSlice grams;
    std::optional<index::TextIndexReader> reader;  // none: missing or damaged
  };
  Result<Loaded> Load(runtime::Context& ctx) const;
  Result<const index::TextIndexReader*> Reader() const;
  void TellDamage(const Status& status) const;

  const format::SectionReader& sections_;
  const uint32_t rows_;
  format::Lazy<Loaded> loaded_;
};

}  // namespace chroma::segment
