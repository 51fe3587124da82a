#include "segment/sparse_fill.h"

#include <algorithm>
#include <optional>

#include "base/checksum.h"
#include "base/coding.h"
#include "base/json_value.h"
#include "index/text/bm25_key.h"
#include "segment/part.h"

namespace chroma::segment {
namespace {

// So many are held at once: their documents may be large.
constexpr size_t kDocumentsAtOnce = 32;

std::string SectionKey(const std::string& key, uint64_t log_offset,
                       const model::SparseIndexConfig& config) {
  Bytes settings;
  PutString(settings, *config.source_key);
  PutString(settings, ToJson(config.embedding_function->config, /*sort_keys=*/true));
  Bytes section_key;
  PutFixed(section_key, log_offset);
  PutFixed(section_key, Checksum(settings));
  return section_key + key;
}

void Give(const index::Bm25& bm25, std::string_view text, const std::string& key,
          model::Metadata* metadata) {
  std::optional<model::SparseVector> vector = index::EmbedRecord(bm25, text);
  if (vector) metadata->Set(key, *std::move(vector));
}

}  // namespace

std::vector<SparseFill> FillsOf(const model::Schema* schema) {
  std::vector<SparseFill> fills;
  if (schema == nullptr) return fills;
  for (const auto& [key, log_offset] : schema->fills) {
    const auto types = schema->keys.find(key);
    if (types == schema->keys.end()) continue;
    const model::SparseIndexConfig* config = index::Bm25SettingsOf(types->second);
    if (config == nullptr || !config->source_key) continue;
    fills.push_back({key, *config->source_key, log_offset, SectionKey(key, log_offset, *config)});
  }
  return fills;
}

SparseFiller::SparseFiller(runtime::Context& ctx, const model::Schema* schema)
    : ctx_(ctx), fills_(FillsOf(schema)) {
  for (const SparseFill& fill : fills_) {
    const auto types = schema->keys.find(fill.key);
    const model::SparseIndexConfig* config = index::Bm25SettingsOf(types->second);
    Result<index::Bm25> bm25 = index::Bm25::FromConfig(config->embedding_function->config);
    if (bm25.ok()) makers_.emplace_back(&fill, *std::move(bm25));
  }
}

Status SparseFiller::Fill(const Part& part, std::span<const uint32_t> rows,
                          std::span<model::Metadata> metadata) const {
  for (const auto& [fill, bm25] : makers_) {
    CHROMA_TRY(FillKey(part, rows, *fill, bm25, metadata));
  }
  return Status::Ok();
}

Status SparseFiller::FillKey(const Part& part, std::span<const uint32_t> rows,
                             const SparseFill& fill, const index::Bm25& bm25,
                             std::span<model::Metadata> metadata) const {
  std::vector<size_t> lacking;
  for (size_t i = 0; i < rows.size(); ++i) {
    const bool has = metadata[i].Find(fill.key) != nullptr;
    if (!has && part.AwaitsFill(rows[i], fill)) lacking.push_back(i);
  }
  if (fill.source == model::kDocumentKey) {
    return FillOfDocuments(part, rows, lacking, fill, bm25, metadata);
  }
  for (const size_t i : lacking) {
    const model::MetadataValue* value = metadata[i].Find(fill.source);
    const auto* text = value == nullptr ? nullptr : std::get_if<std::string>(value);
    // Setting a key moves the others.
    if (text != nullptr) Give(bm25, std::string(*text), fill.key, &metadata[i]);
  }
  return ctx_.Check();
}

Status SparseFiller::FillOfDocuments(const Part& part, std::span<const uint32_t> rows,
                                     std::span<const size_t> lacking, const SparseFill& fill,
                                     const index::Bm25& bm25,
                                     std::span<model::Metadata> metadata) const {
  for (size_t begin = 0; begin < lacking.size(); begin += kDocumentsAtOnce) {
    CHROMA_TRY(ctx_.Check());
    const auto some = lacking.subspan(begin, std::min(kDocumentsAtOnce, lacking.size() - begin));
    std::vector<uint32_t> wanted;
    for (const size_t i : some) wanted.push_back(rows[i]);
    std::vector<std::optional<std::string>> documents;
    CHROMA_TRY(part.ReadDocuments(wanted, &documents));
    for (size_t k = 0; k < some.size(); ++k) {
      if (documents[k]) Give(bm25, *documents[k], fill.key, &metadata[some[k]]);
    }
  }
  return Status::Ok();
}

}  // namespace chroma::segment
