#include "model/schema.h"

#include <utility>

namespace chroma::model {

namespace {

const IndexSetting<VectorIndexConfig>* VectorIndex(const Schema& schema) {
  const auto at = schema.keys.find(kEmbeddingKey);
  if (at != schema.keys.end() && at->second.vector_index) return &*at->second.vector_index;
  return schema.defaults.vector_index ? &*schema.defaults.vector_index : nullptr;
}

HnswConfig DefaultHnsw(std::optional<uint64_t> num_threads) {
  HnswConfig hnsw;
  hnsw.ef_construction = kDefaultEfConstruction;
  hnsw.max_neighbors = kDefaultMaxNeighbors;
  hnsw.ef_search = kDefaultEfSearch;
  hnsw.num_threads = num_threads;
  hnsw.batch_size = kDefaultBatchSize;
  hnsw.sync_threshold = kDefaultSyncThreshold;
  hnsw.resize_factor = kDefaultResizeFactor;
  return hnsw;
}

template <typename Config = NoConfig>
IndexSetting<Config> Setting(bool enabled, Config config = {}) {
  return {enabled, std::move(config)};
}

// Whether the index of a key is enabled; absent ones follow the defaults, and those are on.
template <typename Config>
bool Enabled(const Schema& schema, std::string_view key,
             std::optional<IndexSetting<Config>> ValueTypes::*index) {
  const auto at = schema.keys.find(key);
  if (at != schema.keys.end() && at->second.*index) return (at->second.*index)->enabled;
  return !(schema.defaults.*index) || (schema.defaults.*index)->enabled;
}

// Copies the default indexes of one type to a key that does not list the type.
bool AddType(ValueTypes& types, const ValueTypes& defaults, ValueType type) {
  switch (type) {
    case ValueType::kBool:
      if (types.has_bool) return false;
      types.has_bool = true;
      types.bool_inverted_index = defaults.bool_inverted_index;
      return true;
    case ValueType::kInt:
      if (types.has_int) return false;
      types.has_int = true;
      types.int_inverted_index = defaults.int_inverted_index;
      return true;
    case ValueType::kFloat:
      if (types.has_float) return false;
      types.has_float = true;
      types.float_inverted_index = defaults.float_inverted_index;
      return true;
    case ValueType::kString:
      if (types.has_string) return false;
      types.has_string = true;
      types.fts_index = defaults.fts_index;
      types.string_inverted_index = defaults.string_inverted_index;
      return true;
    case ValueType::kSparseVector:
      if (types.has_sparse_vector) return false;
      types.has_sparse_vector = true;
      types.sparse_vector_index = defaults.sparse_vector_index;
      return true;
    default:
      return false;
  }
}

}  // namespace

std::string_view SpaceName(Space space) {
  switch (space) {
    case Space::kL2:
      return "l2";
    case Space::kCosine:
      return "cosine";
    case Space::kInnerProduct:
      return "ip";
  }
  return "l2";
}

Space Schema::space() const {
  const auto* index = VectorIndex(*this);
  return index == nullptr ? Space::kL2 : index->config.space.value_or(Space::kL2);
}

HnswConfig Schema::hnsw() const {
  HnswConfig hnsw = DefaultHnsw(std::nullopt);
  const auto* index = VectorIndex(*this);
  if (index == nullptr || !index->config.hnsw) return hnsw;
  const HnswConfig& given = *index->config.hnsw;
  if (given.ef_construction) hnsw.ef_construction = given.ef_construction;
  if (given.max_neighbors) hnsw.max_neighbors = given.max_neighbors;
  if (given.ef_search) hnsw.ef_search = given.ef_search;
  if (given.num_threads) hnsw.num_threads = given.num_threads;
  if (given.batch_size) hnsw.batch_size = given.batch_size;
  if (given.sync_threshold) hnsw.sync_threshold = given.sync_threshold;
  if (given.resize_factor) hnsw.resize_factor = given.resize_factor;
  return hnsw;
}

std::optional<EmbeddingFunction> Schema::embedding_function() const {
  const auto* index = VectorIndex(*this);
  return index == nullptr ? std::nullopt : index->config.embedding_function;
}

bool Schema::IsIndexed(std::string_view key, ValueType type) const {
  switch (ElementType(type)) {
    case ValueType::kBool:
      return Enabled(*this, key, &ValueTypes::bool_inverted_index);
    case ValueType::kInt:
      return Enabled(*this, key, &ValueTypes::int_inverted_index);
    case ValueType::kFloat:
      return Enabled(*this, key, &ValueTypes::float_inverted_index);
    case ValueType::kString:
      return Enabled(*this, key, &ValueTypes::string_inverted_index);
    case ValueType::kSparseVector:
      return Enabled(*this, key, &ValueTypes::sparse_vector_index);
    default:
      return true;
  }
}

bool Schema::IsBm25(std::string_view key) const {
  const auto types = keys.find(key);
  for (const ValueTypes* at : {types != keys.end() ? &types->second : nullptr, &defaults}) {
    if (at == nullptr || !at->sparse_vector_index) continue;
    if (at->sparse_vector_index->config.bm25) return *at->sparse_vector_index->config.bm25;
  }
  return false;
}

bool Schema::IsFullTextIndexed() const {
  return Enabled(*this, kDocumentKey, &ValueTypes::fts_index);
}

bool Schema::IsSparseIndexed(std::string_view key) const {
  const auto types = keys.find(key);
  return types != keys.end() && types->second.sparse_vector_index &&
         types->second.sparse_vector_index->enabled;
}

Schema DefaultSchema(uint64_t num_threads) {
  Schema schema;
  ValueTypes& defaults = schema.defaults;
  defaults.has_string = defaults.has_float_list = defaults.has_sparse_vector = true;
  defaults.has_int = defaults.has_float = defaults.has_bool = true;
  defaults.fts_index = Setting(false);
  defaults.string_inverted_index = Setting(true);
  VectorIndexConfig vector;
  vector.space = Space::kL2;
  vector.hnsw = DefaultHnsw(num_threads);
  defaults.vector_index = Setting(false, vector);
  SparseIndexConfig sparse;
  sparse.embedding_function = EmbeddingFunction();
  sparse.bm25 = false;
  defaults.sparse_vector_index = Setting(false, sparse);
  defaults.int_inverted_index = Setting(true);
  defaults.float_inverted_index = Setting(true);
  defaults.bool_inverted_index = Setting(true);

  ValueTypes& embedding = schema.keys[std::string(kEmbeddingKey)];
  embedding.has_float_list = true;
  vector.source_key = std::string(kDocumentKey);
  embedding.vector_index = Setting(true, vector);

  ValueTypes& document = schema.keys[std::string(kDocumentKey)];
  document.has_string = true;
  document.fts_index = Setting(true);
  document.string_inverted_index = Setting(false);
  return schema;
}

namespace {

bool HasType(const ValueTypes& types, ValueType type) {
  switch (type) {
    case ValueType::kBool:
      return types.has_bool;
    case ValueType::kInt:
      return types.has_int;
    case ValueType::kFloat:
      return types.has_float;
    case ValueType::kString:
      return types.has_string;
    case ValueType::kSparseVector:
      return types.has_sparse_vector;
    default:
      return true;
  }
}

// Nulls delete, and hidden keys are not the user's.
bool IsListed(std::string_view key, ValueType type) {
  return type != ValueType::kNull && !key.starts_with(kHiddenKeyPrefix);
}

}  // namespace

bool SchemaCovers(const Schema& schema, const Metadata& metadata) {
  for (const auto& [key, value] : metadata) {
    const ValueType type = ElementType(TypeOf(value));
    if (!IsListed(key, type)) continue;
    auto at = schema.keys.find(key);
    if (at == schema.keys.end() || !HasType(at->second, type)) return false;
  }
  return true;
}

bool ExtendSchema(Schema& schema, const Metadata& metadata) {
  bool added = false;
  for (const auto& [key, value] : metadata) {
    const ValueType type = ElementType(TypeOf(value));
    if (!IsListed(key, type)) continue;
    auto at = schema.keys.find(key);
    if (at == schema.keys.end()) at = schema.keys.emplace(key, ValueTypes()).first;
    added = AddType(at->second, schema.defaults, type) || added;
  }
  return added;
}

}  // namespace chroma::model
