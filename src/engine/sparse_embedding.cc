#include "engine/sparse_embedding.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "index/text/bm25_key.h"

namespace chroma::engine {
namespace {

// By what the vectors of a key are made of its source; null: they are not made here.
const model::SparseIndexConfig* MadeBy(const model::Schema& schema, const std::string& key) {
  const auto types = schema.keys.find(key);
  if (types == schema.keys.end()) return nullptr;
  const model::SparseIndexConfig* config = index::Bm25SettingsOf(types->second);
  if (config == nullptr || !config->source_key) return nullptr;
  return index::Bm25::FromConfig(config->embedding_function->config).ok() ? config : nullptr;
}

const std::string* SourceOf(const model::RecordBatch& batch, size_t i, std::string_view source) {
  if (source == model::kDocumentKey) {
    if (batch.documents.empty() || !batch.documents[i]) return nullptr;
    return &*batch.documents[i];
  }
  if (batch.metadatas.empty() || !batch.metadatas[i]) return nullptr;
  const model::MetadataValue* value = batch.metadatas[i]->Find(source);
  return value == nullptr ? nullptr : std::get_if<std::string>(value);
}

void EmbedKey(const std::string& key, std::string_view source, const index::Bm25& bm25,
              model::RecordBatch& batch) {
  for (size_t i = 0; i < batch.size(); ++i) {
    const std::string* text = SourceOf(batch, i, source);
    if (text == nullptr) continue;
    if (batch.metadatas.empty()) batch.metadatas.resize(batch.size());
    std::optional<model::Metadata>& metadata = batch.metadatas[i];
    if (metadata && metadata->Find(key) != nullptr) continue;
    std::optional<model::SparseVector> vector = index::EmbedRecord(bm25, *text);
    // The vector of an earlier text must not stay.
    const bool removes = !vector && batch.operation != model::Operation::kAdd;
    if (!vector && !removes) continue;
    if (!metadata) metadata.emplace();
    metadata->Set(key, vector ? model::MetadataValue(*std::move(vector)) : std::monostate());
  }
}

bool HasText(const model::Search& search) {
  return search.rank && std::any_of(search.rank->knns.begin(), search.rank->knns.end(),
                                    [](const model::Knn& knn) { return knn.text() != nullptr; });
}

Result<model::SparseVector> EmbedQuery(const model::Schema& schema, const std::string& key,
                                       const std::string& text) {
  const auto types = schema.keys.find(key);
  const model::SparseIndexConfig* config =
      types == schema.keys.end() ? nullptr : index::Bm25SettingsOf(types->second);
  if (config == nullptr) {
    return Status::InvalidArgument(
        "the query is a text, and key '" + key +
        "' has no embedding function that runs here: send a vector in its place");
  }
  CHROMA_ASSIGN(const index::Bm25 bm25,
                index::Bm25::FromConfig(config->embedding_function->config));
  return bm25.Embed(text);
}

}  // namespace

Result<std::optional<std::vector<model::Search>>> EmbedQueries(
    const model::Schema& schema, const std::vector<model::Search>& searches) {
  std::optional<std::vector<model::Search>> embedded;
  if (std::none_of(searches.begin(), searches.end(), HasText)) return embedded;
  embedded = searches;
  for (size_t i = 0; i < searches.size(); ++i) {
    if (!HasText(searches[i])) continue;
    for (model::Knn& knn : (*embedded)[i].rank->knns) {
      if (knn.text() == nullptr) continue;
      Result<model::SparseVector> vector = EmbedQuery(schema, knn.key, *knn.text());
      if (!vector.ok()) {
        return vector.status().Annotate("Validation error: searches[" + std::to_string(i) +
                                        "].rank: $knn");
      }
      knn.query = *std::move(vector);
    }
  }
  return embedded;
}

void EmbedSparseKeys(const model::Schema& schema, model::RecordBatch& batch) {
  if (batch.operation == model::Operation::kDelete) return;
  for (const auto& [key, types] : schema.keys) {
    const model::SparseIndexConfig* config = index::Bm25SettingsOf(types);
    if (config == nullptr || !config->source_key) continue;
    const Result<index::Bm25> bm25 = index::Bm25::FromConfig(config->embedding_function->config);
    if (bm25.ok()) EmbedKey(key, *config->source_key, *bm25, batch);
  }
}

void NoteFills(const model::Schema& before, uint64_t log_offset, model::Schema* schema) {
  schema->fills = before.fills;
  for (const auto& [key, types] : schema->keys) {
    const model::SparseIndexConfig* config = MadeBy(*schema, key);
    if (config == nullptr) {
      schema->fills.erase(key);
      continue;
    }
    const model::SparseIndexConfig* old = MadeBy(before, key);
    const bool is_same = old != nullptr && old->source_key == config->source_key &&
                         old->embedding_function == config->embedding_function;
    if (!is_same && log_offset > 0) schema->fills[key] = log_offset;
  }
}

}  // namespace chroma::engine
