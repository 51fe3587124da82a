#include "segment/value_text.h"

#include "base/coding.h"

namespace chroma::segment {
namespace {

constexpr uint64_t kBytesMin = 16 << 10;
constexpr double kShareMax = .5;

}  // namespace

bool HasValueText(const format::MetadataColumnReader& column) {
  return model::ElementType(column.type()) == model::ValueType::kString &&
         column.strings().strings().bytes().size() >= kBytesMin &&
         column.strings().strings().count() < UINT32_MAX;
}

Bytes EncodeValueText(const format::StringReader& entries) {
  const auto count = static_cast<uint32_t>(entries.count());
  index::TextIndexBuilder builder;
  for (uint32_t i = 0; i < count && !builder.too_large(); ++i) builder.Add(i, entries[i]);
  if (builder.Unusable()) return Bytes();
  const index::TextIndexPayloads payloads = builder.Finish(count);
  const uint64_t size = payloads.terms.size() + payloads.postings.size() + payloads.grams.size();
  if (static_cast<double>(size) > kShareMax * static_cast<double>(entries.bytes().size())) {
    return Bytes();
  }
  Bytes section;
  PutFixed(section, static_cast<uint64_t>(payloads.terms.size()));
  PutFixed(section, static_cast<uint64_t>(payloads.postings.size()));
  return section + payloads.terms + payloads.postings + payloads.grams;
}

Result<index::TextIndexReader> OpenValueText(BytesView section, uint64_t entries) {
  ByteReader in(section);
  const auto terms_size = in.Fixed<uint64_t>();
  const auto postings_size = in.Fixed<uint64_t>();
  if (!in.ok() || terms_size > in.remaining() || postings_size > in.remaining() - terms_size ||
      entries >= UINT32_MAX) {
    return Status::DataLoss("the text index of values is malformed: its head does not fit");
  }
  const BytesView terms = in.Raw(terms_size);
  const BytesView postings = in.Raw(postings_size);
  return index::TextIndexReader::Open(terms, postings, in.Raw(in.remaining()),
                                      static_cast<uint32_t>(entries));
}

}  // namespace chroma::segment
