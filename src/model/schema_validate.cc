#include <string>
#include <utility>

#include "model/debug_text.h"
#include "model/schema.h"

namespace chroma::model {

namespace {

constexpr std::string_view kFullText = "Full text search / regular expression index ";

Status Invalid(std::string_view text, std::string_view key = {}) {
  std::string message(text);
  if (!key.empty()) message.append(": ").append(key);
  return Status::InvalidArgument(std::move(message));
}

template <typename Config>
bool IsEnabled(const std::optional<IndexSetting<Config>>& index) {
  return index && index->enabled;
}

Status ValidateDefaults(const ValueTypes& types) {
  if (IsEnabled(types.vector_index)) {
    return Invalid(
        "Vector index cannot be enabled by default. It can only be enabled on #embedding field.");
  }
  if (types.vector_index && types.vector_index->config.hnsw && types.vector_index->config.spann) {
    return Invalid("Both spann and hnsw config cannot be present at the same time.");
  }
  if (IsEnabled(types.sparse_vector_index)) {
    return Invalid(
        "Sparse vector index cannot be enabled by default. Please enable sparse vector index on "
        "specific keys. At most one sparse vector index is allowed for the collection.");
  }
  if (IsEnabled(types.fts_index)) {
    return Invalid(std::string(kFullText) +
                   "cannot be enabled by default. It can only be enabled on #document field.");
  }
  return Status::Ok();
}

// The name of a key and the types it may have.
Status ValidateKey(std::string_view key, const ValueTypes& types) {
  const bool number = types.has_int || types.has_float || types.has_bool;
  if (key == kDocumentKey) {
    if (!number && !types.has_float_list && !types.has_sparse_vector) return Status::Ok();
    return Invalid("Document field cannot have any value types other than string", key);
  }
  if (key == kEmbeddingKey) {
    if (!number && !types.has_string && !types.has_sparse_vector) return Status::Ok();
    return Invalid("Embedding field cannot have any value types other than float_list", key);
  }
  if (key.starts_with('#')) {
    return Invalid("key cannot begin with '#'. Keys starting with '#' are reserved for system use",
                   key);
  }
  return Status::Ok();
}

Status ValidateSparse(const SparseIndexConfig& config) {
  if (!config.source_key) return Status::Ok();
  if (config.source_key->starts_with('#') && *config.source_key != kDocumentKey) {
    return Invalid(
        "source_key cannot begin with '#'. The only valid key starting with '#' is Key.DOCUMENT "
        "or '#document'.");
  }
  if (config.embedding_function) return Status::Ok();
  return Invalid(
      "If source_key is provided then embedding_function must also be provided since there is no "
      "default embedding function.");
}

Status ValidateIndexes(std::string_view key, const ValueTypes& types) {
  if (types.vector_index) {
    if (types.vector_index->enabled && key != kEmbeddingKey) {
      return Invalid("Vector index can only be enabled on #embedding field", key);
    }
    if (types.vector_index->config.source_key.value_or(std::string(kDocumentKey)) != kDocumentKey) {
      return Invalid("Vector index can only source from #document");
    }
  }
  if (types.sparse_vector_index) CHROMA_TRY(ValidateSparse(types.sparse_vector_index->config));
  if (IsEnabled(types.fts_index) && key != kDocumentKey) {
    return Invalid(std::string(kFullText) + "can only be enabled on #document field", key);
  }
  if (IsEnabled(types.string_inverted_index) && key == kDocumentKey) {
    return Invalid("String inverted index can not be enabled on #document key", key);
  }
  return Status::Ok();
}

// projects/P/locations/L/keyRings/R/cryptoKeys/K, nothing of it empty.
bool IsKeyName(std::string_view name) {
  for (std::string_view part : {"projects/", "/locations/", "/keyRings/", "/cryptoKeys/"}) {
    const bool first = part.front() != '/';
    const size_t at = first ? (name.starts_with(part) ? 0 : name.npos) : name.find(part, 1);
    if (at == name.npos) return false;
    name.remove_prefix(at + part.size());
  }
  return !name.empty();
}

}  // namespace

Status ValidateSchema(const Schema& schema) {
  CHROMA_TRY(ValidateDefaults(schema.defaults));
  for (const auto& [key, types] : schema.keys) {
    CHROMA_TRY(ValidateKey(key, types));
    CHROMA_TRY(ValidateIndexes(key, types));
  }
  if (schema.cmek_gcp && !IsKeyName(*schema.cmek_gcp)) {
    return Invalid("CMEK does not match expected pattern: Gcp(" + DebugQuoted(*schema.cmek_gcp) +
                   ")");
  }
  return Status::Ok();
}

}  // namespace chroma::model
