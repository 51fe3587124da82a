// How a collection's schema comes from what a create or modify request says about it.
#include <limits>
#include <string>
#include <utility>

#include "model/schema.h"

namespace chroma::model {

namespace {

constexpr std::string_view kLegacyPrefix = "hnsw:";
constexpr uint64_t kThresholdMin = 2;  // of batch_size and sync_threshold

template <typename T>
bool IsDefault(const std::optional<T>& value, T default_value) {
  return !value || *value == default_value;
}

bool IsDefault(const std::optional<EmbeddingFunction>& function) {
  if (!function) return true;
  switch (function->type) {
    case EmbeddingFunction::Type::kUnknown:
      return true;
    case EmbeddingFunction::Type::kKnown:
      return function->name == "default";
    case EmbeddingFunction::Type::kLegacy:
      return false;
  }
  return false;
}

// num_threads is no part of it: its default depends on the machine.
bool IsDefault(const HnswConfig& hnsw) {
  return IsDefault(hnsw.space, Space::kL2) &&
         IsDefault(hnsw.ef_construction, kDefaultEfConstruction) &&
         IsDefault(hnsw.max_neighbors, kDefaultMaxNeighbors) &&
         IsDefault(hnsw.ef_search, kDefaultEfSearch) &&
         IsDefault(hnsw.batch_size, kDefaultBatchSize) &&
         IsDefault(hnsw.sync_threshold, kDefaultSyncThreshold) &&
         IsDefault(hnsw.resize_factor, kDefaultResizeFactor);
}

bool IsDefault(const SpannConfig& spann) {
  return IsDefault<uint64_t>(spann.search_nprobe, 64) &&
         IsDefault<uint64_t>(spann.write_nprobe, 32) &&
         IsDefault<uint64_t>(spann.ef_construction, 200) &&
         IsDefault<uint64_t>(spann.ef_search, 200) &&
         IsDefault<uint64_t>(spann.max_neighbors, 64) &&
         IsDefault<uint64_t>(spann.reassign_neighbor_count, 64) &&
         IsDefault<uint64_t>(spann.split_threshold, 50) &&
         IsDefault<uint64_t>(spann.merge_threshold, 25) &&
         IsDefault<uint64_t>(spann.nreplica_count, 8) &&
         IsDefault<uint64_t>(spann.num_samples_kmeans, 1000) &&
         IsDefault<uint64_t>(spann.num_centers_to_merge_to, 8) &&
         IsDefault(spann.search_rng_factor, 1.0) && IsDefault(spann.search_rng_epsilon, 10.0) &&
         IsDefault(spann.write_rng_factor, 1.0) && IsDefault(spann.write_rng_epsilon, 5.0) &&
         IsDefault(spann.initial_lambda, 100.0) && IsDefault(spann.center_drift_threshold, 0.125) &&
         IsDefault(spann.space, Space::kL2);
}

bool IsDefault(const VectorIndexConfig& config) {
  return IsDefault(config.space, Space::kL2) && IsDefault(config.embedding_function) &&
         (!config.hnsw || IsDefault(*config.hnsw)) && (!config.spann || IsDefault(*config.spann));
}

template <typename Config>
bool HasDefaultSwitch(const std::optional<IndexSetting<Config>>& index, bool enabled) {
  return !index || index->enabled == enabled;
}

bool AreDefaultDefaults(const ValueTypes& types) {
  if (types.vector_index) {
    const VectorIndexConfig& config = types.vector_index->config;
    if (types.vector_index->enabled || !IsDefault(config) || config.source_key) return false;
  }
  if (types.sparse_vector_index) {
    const SparseIndexConfig& config = types.sparse_vector_index->config;
    if (types.sparse_vector_index->enabled || !IsDefault(config.embedding_function) ||
        config.source_key || config.bm25.value_or(false) || config.algorithm) {
      return false;
    }
  }
  return HasDefaultSwitch(types.fts_index, false) &&
         HasDefaultSwitch(types.string_inverted_index, true) &&
         HasDefaultSwitch(types.int_inverted_index, true) &&
         HasDefaultSwitch(types.float_inverted_index, true) &&
         HasDefaultSwitch(types.bool_inverted_index, true);
}

bool IsDefaultKey(std::string_view key, const ValueTypes& types) {
  if (key == kDocumentKey) {
    return HasDefaultSwitch(types.fts_index, true) &&
           HasDefaultSwitch(types.string_inverted_index, false);
  }
  if (key != kEmbeddingKey) return false;
  if (!types.vector_index) return true;
  const VectorIndexConfig& config = types.vector_index->config;
  return types.vector_index->enabled && IsDefault(config) &&
         config.source_key.value_or(std::string(kDocumentKey)) == kDocumentKey;
}

bool IsDefault(const Schema& schema) {
  if (schema.cmek_gcp || !AreDefaultDefaults(schema.defaults)) return false;
  for (const auto& [key, types] : schema.keys) {
    if (!IsDefaultKey(key, types)) return false;
  }
  return true;
}

// What a configuration and legacy metadata come to; absent members have their defaults.
struct ResolvedConfiguration {
  HnswConfig hnsw;
  std::optional<EmbeddingFunction> embedding_function;
  bool IsDefault() const { return model::IsDefault(hnsw) && model::IsDefault(embedding_function); }
};

Status BadLegacyMetadata() {
  return Status::InvalidArgument("Failed to parse hnsw parameters from segment metadata");
}

bool SetLegacyInteger(std::string_view name, int64_t value, HnswConfig& hnsw) {
  if (value < 0) return false;
  const auto number = static_cast<uint64_t>(value);
  if (name == "construction_ef") {
    hnsw.ef_construction = number;
  } else if (name == "search_ef") {
    hnsw.ef_search = number;
  } else if (name == "M") {
    hnsw.max_neighbors = number;
  } else if (name == "num_threads") {
    hnsw.num_threads = number;
  } else if (name == "batch_size" && number >= kThresholdMin) {
    hnsw.batch_size = number;
  } else if (name == "sync_threshold" && number >= kThresholdMin) {
    hnsw.sync_threshold = number;
  } else {
    return false;
  }
  return true;
}

bool SetLegacyParameter(std::string_view name, const MetadataValue& value, HnswConfig& hnsw) {
  if (name == "space") {
    const auto* text = std::get_if<std::string>(&value);
    if (text == nullptr) return false;
    for (Space space : {Space::kL2, Space::kCosine, Space::kInnerProduct}) {
      if (SpaceName(space) == *text) hnsw.space = space;
    }
    return hnsw.space.has_value();
  }
  const auto* integer = std::get_if<int64_t>(&value);
  if (name == "resize_factor") {
    const auto* real = std::get_if<double>(&value);
    if (integer == nullptr && real == nullptr) return false;
    hnsw.resize_factor = integer != nullptr ? static_cast<double>(*integer) : *real;
    return true;
  }
  return integer != nullptr && SetLegacyInteger(name, *integer, hnsw);
}

// The "hnsw:…" keys that collections were configured by before they had a configuration.
Result<HnswConfig> LegacyHnsw(const std::optional<Metadata>& metadata) {
  HnswConfig hnsw;
  if (!metadata) return hnsw;
  for (const auto& [key, value] : *metadata) {
    if (!std::string_view(key).starts_with(kLegacyPrefix)) continue;
    const std::string_view name = std::string_view(key).substr(kLegacyPrefix.size());
    if (!SetLegacyParameter(name, value, hnsw)) return BadLegacyMetadata();
  }
  return hnsw;
}

Result<ResolvedConfiguration> Reconcile(const std::optional<Configuration>& configuration,
                                        const std::optional<Metadata>& metadata) {
  ResolvedConfiguration resolved;
  if (configuration) {
    if (configuration->hnsw && configuration->spann) {
      return Status::InvalidArgument("Multiple vector index configurations provided");
    }
    resolved.embedding_function = configuration->embedding_function;
    if (configuration->spann) {
      resolved.hnsw.space = configuration->spann->space;
      return resolved;
    }
    if (configuration->hnsw) resolved.hnsw = *configuration->hnsw;
  }
  // An explicit space of l2 loses to the metadata as well: clients send it unasked.
  if (IsDefault(resolved.hnsw)) {
    CHROMA_ASSIGN(resolved.hnsw, LegacyHnsw(metadata));
  }
  return resolved;
}

template <typename T>
void Overlay(std::optional<T>& base, const std::optional<T>& given) {
  if (given) base = given;
}

// Everything but the space.
void OverlayHnsw(HnswConfig& base, const HnswConfig& given) {
  Overlay(base.ef_construction, given.ef_construction);
  Overlay(base.max_neighbors, given.max_neighbors);
  Overlay(base.ef_search, given.ef_search);
  Overlay(base.num_threads, given.num_threads);
  Overlay(base.batch_size, given.batch_size);
  Overlay(base.sync_threshold, given.sync_threshold);
  Overlay(base.resize_factor, given.resize_factor);
}

void CheckThreshold(std::string_view name, const std::optional<uint64_t>& value,
                    std::string& problems) {
  if (!value || *value >= kThresholdMin) return;
  if (!problems.empty()) problems += '\n';
  problems += std::string(name) + ": Validation error: range [{\"min\": Number(" +
              std::to_string(kThresholdMin) + "), \"value\": Number(" + std::to_string(*value) +
              ")}]";
}

// Reconciliation failures share a prefix.
Status Irreconcilable(const std::string& why) {
  return Status::InvalidArgument("Failed to reconcile schema: " + why);
}

Status ValidateBounds(const HnswConfig& hnsw) {
  std::string problems;
  CheckThreshold("batch_size", hnsw.batch_size, problems);
  CheckThreshold("sync_threshold", hnsw.sync_threshold, problems);
  if (problems.empty()) return Status::Ok();
  return Irreconcilable("Invalid HNSW configuration: " + problems);
}

Status MergeConfig(VectorIndexConfig& base, const VectorIndexConfig& given) {
  Overlay(base.space, given.space);
  Overlay(base.embedding_function, given.embedding_function);
  Overlay(base.source_key, given.source_key);
  if (given.hnsw) {
    if (!base.hnsw) base.hnsw.emplace();
    OverlayHnsw(*base.hnsw, *given.hnsw);
  }
  base.spann.reset();
  return base.hnsw ? ValidateBounds(*base.hnsw) : Status::Ok();
}

Status MergeConfig(SparseIndexConfig& base, const SparseIndexConfig& given) {
  Overlay(base.embedding_function, given.embedding_function);
  Overlay(base.source_key, given.source_key);
  Overlay(base.bm25, given.bm25);
  Overlay(base.algorithm, given.algorithm);
  return Status::Ok();
}

Status MergeConfig(NoConfig&, const NoConfig&) {
  return Status::Ok();
}

template <typename Config>
Status MergeIndex(std::optional<IndexSetting<Config>>& base,
                  const std::optional<IndexSetting<Config>>& given) {
  if (!given) return Status::Ok();
  if (!base) {
    base = given;
    return Status::Ok();
  }
  base->enabled = given->enabled;
  return MergeConfig(base->config, given->config);
}

// The user's settings over the default ones, index by index.
Status MergeTypes(ValueTypes& base, const ValueTypes& given) {
  base.has_string |= given.has_string;
  base.has_float_list |= given.has_float_list;
  base.has_sparse_vector |= given.has_sparse_vector;
  base.has_int |= given.has_int;
  base.has_float |= given.has_float;
  base.has_bool |= given.has_bool;
  CHROMA_TRY(MergeIndex(base.fts_index, given.fts_index));
  CHROMA_TRY(MergeIndex(base.string_inverted_index, given.string_inverted_index));
  CHROMA_TRY(MergeIndex(base.vector_index, given.vector_index));
  CHROMA_TRY(MergeIndex(base.sparse_vector_index, given.sparse_vector_index));
  CHROMA_TRY(MergeIndex(base.int_inverted_index, given.int_inverted_index));
  CHROMA_TRY(MergeIndex(base.float_inverted_index, given.float_inverted_index));
  return MergeIndex(base.bool_inverted_index, given.bool_inverted_index);
}

Status MergeSchemas(Schema& base, const Schema& given) {
  CHROMA_TRY(MergeTypes(base.defaults, given.defaults));
  for (const auto& [key, types] : given.keys) {
    const auto at = base.keys.find(key);
    if (at == base.keys.end()) {
      base.keys.emplace(key, types);
    } else {
      CHROMA_TRY(MergeTypes(at->second, types));
    }
  }
  if (given.cmek_gcp) base.cmek_gcp = given.cmek_gcp;
  return Status::Ok();
}

// Calls `change` on the configuration of the vector index in its two places.
template <typename Change>
void ForBothVectorIndexes(Schema& schema, Change&& change) {
  if (schema.defaults.vector_index) change(schema.defaults.vector_index->config);
  const auto at = schema.keys.find(kEmbeddingKey);
  if (at != schema.keys.end() && at->second.vector_index) change(at->second.vector_index->config);
}

void Apply(Schema& schema, const HnswConfig& hnsw,
           const std::optional<EmbeddingFunction>& function) {
  ForBothVectorIndexes(schema, [&](VectorIndexConfig& config) {
    Overlay(config.space, hnsw.space);
    Overlay(config.embedding_function, function);
    if (!config.hnsw) config.hnsw.emplace();
    OverlayHnsw(*config.hnsw, hnsw);
  });
}

}  // namespace

Status ValidateConfiguration(const std::optional<Configuration>& configuration,
                             const std::optional<Metadata>& metadata) {
  return Reconcile(configuration, metadata).status();
}

Result<Schema> ResolveSchema(const std::optional<Schema>& schema,
                             const std::optional<Configuration>& configuration,
                             const std::optional<Metadata>& metadata, uint64_t num_threads) {
  CHROMA_ASSIGN(const ResolvedConfiguration resolved, Reconcile(configuration, metadata));
  if (schema) {
    const Status valid = ValidateSchema(*schema);
    if (!valid.ok()) return valid.Annotate("Validation error: schema");
  }
  const bool default_schema = !schema || IsDefault(*schema);
  const bool default_configuration = resolved.IsDefault();
  if (!default_schema && !default_configuration) {
    return Irreconcilable("Cannot set both collection config and schema simultaneously");
  }
  Schema result = DefaultSchema(num_threads);
  if (schema) {
    CHROMA_TRY(MergeSchemas(result, *schema));
  }
  if (!default_configuration) {
    Apply(result, resolved.hnsw, resolved.embedding_function);
  } else if (default_schema) {
    Apply(result, HnswConfig(), resolved.embedding_function);
  }
  return result;
}

Result<Schema> UpdateSchema(const Schema& schema, const Schema& given) {
  const Status valid = ValidateSchema(given);
  if (!valid.ok()) return valid.Annotate("Validation error: new_schema");
  Schema result = schema;
  CHROMA_TRY(MergeSchemas(result, given));
  if (result.space() != schema.space()) {
    return Status::InvalidArgument(
        "Validation error: new_schema: the space of a collection cannot be changed");
  }
  return result;
}

Result<Schema> UpdateConfiguration(const Schema& schema, const ConfigurationUpdate& update) {
  if (update.hnsw && update.spann) {
    return Status::InvalidArgument("Multiple vector index configurations provided");
  }
  Schema result = schema;
  if (update.hnsw || update.embedding_function) {
    Apply(result, update.hnsw.value_or(HnswConfig()), update.embedding_function);
  }
  return result;
}

}  // namespace chroma::model
