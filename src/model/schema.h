// The schema of a collection: which index every key and type has, and the vector index's
// configuration. It is the source of truth; `configuration_json` is derived from it
// (rest-api.md §6.1-6.4, semantics.md §3-4).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_value.h"
#include "chroma/status.h"
#include "model/metadata.h"

namespace chroma {
class JsonReader;
class JsonWriter;
}  // namespace chroma

namespace chroma::model {

enum class Space : uint8_t { kL2 = 0, kCosine = 1, kInnerProduct = 2 };
std::string_view SpaceName(Space space);  // "l2", "cosine", "ip"

// A descriptor of client code, echoed and never run (rest-api.md §6.3).
struct EmbeddingFunction {
  enum class Type : uint8_t { kLegacy, kUnknown, kKnown };
  Type type = Type::kUnknown;
  std::string name;  // of kKnown
  JsonValue config;  // of kKnown; any JSON
  bool operator==(const EmbeddingFunction&) const = default;
};

// Absent members were not given; ResolveSchema fills them with the defaults.
struct HnswConfig {
  std::optional<Space> space;  // only in `configuration`, not inside a schema
  std::optional<uint64_t> ef_construction;
  std::optional<uint64_t> max_neighbors;
  std::optional<uint64_t> ef_search;
  std::optional<uint64_t> num_threads;
  std::optional<uint64_t> batch_size;
  std::optional<uint64_t> sync_threshold;
  std::optional<double> resize_factor;
  bool operator==(const HnswConfig&) const = default;
};

// Accepted and checked for its shape, then dropped but for `space`: every vector index here is one
// kind. The second group of members exists only inside a schema.
struct SpannConfig {
  std::optional<Space> space;
  std::optional<uint64_t> search_nprobe, write_nprobe, ef_construction, ef_search, max_neighbors,
      reassign_neighbor_count, split_threshold, merge_threshold;
  std::optional<uint64_t> nreplica_count, num_samples_kmeans, num_centers_to_merge_to;
  std::optional<double> search_rng_factor, search_rng_epsilon, write_rng_factor, write_rng_epsilon,
      initial_lambda, center_drift_threshold;
  bool operator==(const SpannConfig&) const = default;
};

struct VectorIndexConfig {
  std::optional<Space> space;
  std::optional<EmbeddingFunction> embedding_function;
  std::optional<std::string> source_key;
  std::optional<HnswConfig> hnsw;
  std::optional<SpannConfig> spann;
  bool operator==(const VectorIndexConfig&) const = default;
};

struct SparseIndexConfig {
  std::optional<EmbeddingFunction> embedding_function;
  std::optional<std::string> source_key;
  std::optional<bool> bm25;
  std::optional<std::string> algorithm;
  bool operator==(const SparseIndexConfig&) const = default;
};

struct NoConfig {
  bool operator==(const NoConfig&) const = default;
};

template <typename Config>
struct IndexSetting {
  bool enabled = false;
  Config config;
  bool operator==(const IndexSetting&) const = default;
};

// The indexes of one key, or the defaults of all; absent ones are not shown.
struct ValueTypes {
  // string; `has_…` distinguishes {"string":{}} from no "string" at all.
  bool has_string = false, has_float_list = false, has_sparse_vector = false, has_int = false,
       has_float = false, has_bool = false;
  std::optional<IndexSetting<NoConfig>> fts_index;
  std::optional<IndexSetting<NoConfig>> string_inverted_index;
  std::optional<IndexSetting<VectorIndexConfig>> vector_index;
  std::optional<IndexSetting<SparseIndexConfig>> sparse_vector_index;
  std::optional<IndexSetting<NoConfig>> int_inverted_index;
  std::optional<IndexSetting<NoConfig>> float_inverted_index;
  std::optional<IndexSetting<NoConfig>> bool_inverted_index;
  bool operator==(const ValueTypes&) const = default;
};

struct Schema {
  ValueTypes defaults;
  std::map<std::string, ValueTypes, std::less<>> keys;
  std::optional<std::string> cmek_gcp;
  // Sparse keys that are made here of a source and were switched on when there were records
  // already, with the log offset from which on writes bring their vectors along. Older records get
  // theirs in the background (segment/sparse_fill.h). Neither shown to users nor taken from them.
  std::map<std::string, uint64_t, std::less<>> fills;
  bool operator==(const Schema&) const = default;

  // What the vector index is built with: the "#embedding" key, or the defaults if that has no
  // vector index; l2 and the default numbers where both are silent. Numbers are as the user gave
  // them, so the index must clamp: 0 neighbours, 0 candidates and negative factors are stored.
  Space space() const;
  HnswConfig hnsw() const;  // complete but for `space`, which it never has
  std::optional<EmbeddingFunction> embedding_function() const;

  // Whether a value of this (element) type under this key may be filtered by.
  bool IsIndexed(std::string_view key, ValueType type) const;
  // Whether queries of the sparse vectors under this key are scaled by how rare their terms are.
  bool IsBm25(std::string_view key) const;
  // Whether documents may be filtered by text.
  bool IsFullTextIndexed() const;
  // Whether searches may rank by the sparse vectors under this key; defaults cannot switch that on.
  bool IsSparseIndexed(std::string_view key) const;
};

inline constexpr std::string_view kDocumentKey = "#document";
inline constexpr std::string_view kEmbeddingKey = "#embedding";
inline constexpr std::string_view kIdKey = "#id";

// `configuration` of a create request.
struct Configuration {
  bool operator==(const Configuration&) const = default;

  std::optional<HnswConfig> hnsw;
  std::optional<SpannConfig> spann;
  std::optional<EmbeddingFunction> embedding_function;
};
// `new_configuration` of a modify request: the same members, fewer inside.
using ConfigurationUpdate = Configuration;

inline constexpr uint64_t kDefaultEfConstruction = 100;
inline constexpr uint64_t kDefaultMaxNeighbors = 16;
inline constexpr uint64_t kDefaultEfSearch = 100;
inline constexpr uint64_t kDefaultBatchSize = 100;
inline constexpr uint64_t kDefaultSyncThreshold = 1000;
inline constexpr double kDefaultResizeFactor = 1.2;

// The schema of a fresh collection; `num_threads` is the processor count that clients are shown.
Schema DefaultSchema(uint64_t num_threads);

// What creation makes of schema, configuration and legacy "hnsw:*" metadata, with every check of
// rest-api.md §6.2-6.4 and their texts, in their order.
Result<Schema> ResolveSchema(const std::optional<Schema>& schema,
                             const std::optional<Configuration>& configuration,
                             const std::optional<Metadata>& metadata, uint64_t num_threads);
// The first of those checks, made before names are validated: configuration and legacy metadata.
Status ValidateConfiguration(const std::optional<Configuration>& configuration,
                             const std::optional<Metadata>& metadata);
// The checks of a user's schema, without the prefix "Validation error: schema: ".
Status ValidateSchema(const Schema& schema);
// The schema with the settings of another over it, index by index; a key that it does not list is
// taken as it is given. What was made by the old one may stay: the space may not change.
Result<Schema> UpdateSchema(const Schema& schema, const Schema& given);
// PUT new_configuration (rest-api.md §6.6).
Result<Schema> UpdateConfiguration(const Schema& schema, const ConfigurationUpdate& update);

// Adds the keys and types of `metadata` that the schema does not list yet, as copies of the
// defaults (rest-api.md §6.4 "Schema grows on writes"); true when something was added.
bool ExtendSchema(Schema& schema, const Metadata& metadata);
// Whether ExtendSchema would add nothing.
bool SchemaCovers(const Schema& schema, const Metadata& metadata);

// JSON, as requests carry it; without `fills`. Decoders report through the reader.
Schema DecodeSchema(JsonReader& reader);
Configuration DecodeConfiguration(JsonReader& reader);
ConfigurationUpdate DecodeConfigurationUpdate(JsonReader& reader);
void EncodeSchema(JsonWriter& out, const Schema& schema);
// The same with `fills`, as the catalog stores it.
Schema DecodeStoredSchema(JsonReader& reader);
void EncodeStoredSchema(JsonWriter& out, const Schema& schema);
// The member `configuration_json` of a collection object.
void EncodeConfigurationJson(JsonWriter& out, const Schema& schema);

}  // namespace chroma::model
