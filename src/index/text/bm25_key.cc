#include "index/text/bm25_key.h"

#include <utility>

#include "model/validate.h"

namespace chroma::index {

using model::EmbeddingFunction;

const model::SparseIndexConfig* Bm25SettingsOf(const model::ValueTypes& types) {
  if (!types.sparse_vector_index || !types.sparse_vector_index->enabled) return nullptr;
  const model::SparseIndexConfig& config = types.sparse_vector_index->config;
  const bool is_bm25 = config.embedding_function &&
                       config.embedding_function->type == EmbeddingFunction::Type::kKnown &&
                       config.embedding_function->name == Bm25::kName;
  return is_bm25 ? &config : nullptr;
}

std::optional<model::SparseVector> EmbedRecord(const Bm25& bm25, std::string_view text) {
  model::SparseVector vector = bm25.Embed(text);
  if (!model::ValidateStoredSparseVector(vector).ok()) return std::nullopt;
  return vector;
}

}  // namespace chroma::index
