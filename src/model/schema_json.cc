#include <utility>

#include "base/json_reader.h"
#include "base/json_writer.h"
#include "model/configuration_json.h"
#include "model/schema.h"

namespace chroma::model {

namespace {

using HnswField = StrictField<HnswConfig>;
using SpannField = StrictField<SpannConfig>;

const std::initializer_list<std::string_view> kHnswNames = {
    "ef_construction", "max_neighbors",  "ef_search",    "num_threads",
    "batch_size",      "sync_threshold", "resize_factor"};
constexpr HnswField kHnswFields[] = {
    {.name = "ef_construction", .integer = &HnswConfig::ef_construction},
    {.name = "max_neighbors", .integer = &HnswConfig::max_neighbors},
    {.name = "ef_search", .integer = &HnswConfig::ef_search},
    {.name = "num_threads", .integer = &HnswConfig::num_threads},
    {.name = "batch_size", .integer = &HnswConfig::batch_size},
    {.name = "sync_threshold", .integer = &HnswConfig::sync_threshold},
    {.name = "resize_factor", .real = &HnswConfig::resize_factor},
};

const std::initializer_list<std::string_view> kSpannNames = {"search_nprobe",
                                                             "search_rng_factor",
                                                             "search_rng_epsilon",
                                                             "nreplica_count",
                                                             "write_nprobe",
                                                             "write_rng_factor",
                                                             "write_rng_epsilon",
                                                             "split_threshold",
                                                             "num_samples_kmeans",
                                                             "initial_lambda",
                                                             "reassign_neighbor_count",
                                                             "merge_threshold",
                                                             "num_centers_to_merge_to",
                                                             "ef_construction",
                                                             "ef_search",
                                                             "max_neighbors",
                                                             "center_drift_threshold"};
constexpr SpannField kSpannFields[] = {
    {.name = "search_nprobe", .integer = &SpannConfig::search_nprobe, .is_u32 = true},
    {.name = "search_rng_factor", .real = &SpannConfig::search_rng_factor},
    {.name = "search_rng_epsilon", .real = &SpannConfig::search_rng_epsilon},
    {.name = "nreplica_count", .integer = &SpannConfig::nreplica_count, .is_u32 = true},
    {.name = "write_nprobe", .integer = &SpannConfig::write_nprobe, .is_u32 = true},
    {.name = "write_rng_factor", .real = &SpannConfig::write_rng_factor},
    {.name = "write_rng_epsilon", .real = &SpannConfig::write_rng_epsilon},
    {.name = "split_threshold", .integer = &SpannConfig::split_threshold, .is_u32 = true},
    {.name = "num_samples_kmeans", .integer = &SpannConfig::num_samples_kmeans},
    {.name = "initial_lambda", .real = &SpannConfig::initial_lambda},
    {.name = "reassign_neighbor_count",
     .integer = &SpannConfig::reassign_neighbor_count,
     .is_u32 = true},
    {.name = "merge_threshold", .integer = &SpannConfig::merge_threshold, .is_u32 = true},
    {.name = "num_centers_to_merge_to",
     .integer = &SpannConfig::num_centers_to_merge_to,
     .is_u32 = true},
    {.name = "ef_construction", .integer = &SpannConfig::ef_construction},
    {.name = "ef_search", .integer = &SpannConfig::ef_search},
    {.name = "max_neighbors", .integer = &SpannConfig::max_neighbors},
    {.name = "center_drift_threshold", .real = &SpannConfig::center_drift_threshold},
};

// The known members that an object has shown. A repeated one is the error of upstream's decoder.
class SeenFields {
 public:
  explicit SeenFields(JsonReader& reader) : reader_(reader) {}
  // Whether a value follows: not after a repeated field, which fails, nor when it is null.
  bool Value(uint32_t bit, std::string_view field) {
    Required(bit, field);
    return reader_.ok() && !reader_.TryNull();
  }
  void Required(uint32_t bit, std::string_view field) {
    if ((seen_ & bit) != 0) reader_.DuplicateField(field);
    seen_ |= bit;
  }
  bool Has(uint32_t bit) const { return (seen_ & bit) != 0; }

 private:
  JsonReader& reader_;
  uint32_t seen_ = 0;
};

// Old clients write "#string" for "string" and "$fts_index" for "fts_index".
std::string_view WithoutPrefix(std::string_view key, char prefix) {
  if (!key.empty() && key[0] == prefix) key.remove_prefix(1);
  return key;
}

NoConfig DecodeConfig(JsonReader& reader, const NoConfig*) {
  std::string key;
  for (reader.BeginObject("an index configuration"); reader.NextKey(&key);) {
    reader.UnknownField(key, {});
  }
  return {};
}

VectorIndexConfig DecodeConfig(JsonReader& reader, const VectorIndexConfig*) {
  VectorIndexConfig config;
  SeenFields fields(reader);
  std::string key;
  for (reader.BeginObject("struct VectorIndexConfig"); reader.NextKey(&key);) {
    if (key == "space") {
      if (fields.Value(1, key)) config.space = DecodeSpace(reader);
    } else if (key == "embedding_function") {
      if (fields.Value(2, key)) config.embedding_function = DecodeEmbeddingFunction(reader);
    } else if (key == "source_key") {
      if (fields.Value(4, key)) config.source_key = reader.ReadString();
    } else if (key == "hnsw") {
      if (!fields.Value(8, key)) continue;
      config.hnsw = DecodeStrict(reader, "struct HnswIndexConfig",
                                 std::span<const HnswField>(kHnswFields), kHnswNames);
    } else if (key == "spann") {
      if (!fields.Value(16, key)) continue;
      config.spann = DecodeStrict(reader, "struct SpannIndexConfig",
                                  std::span<const SpannField>(kSpannFields), kSpannNames);
    } else {
      reader.UnknownField(key, {"space", "embedding_function", "source_key", "hnsw", "spann"});
    }
  }
  return config;
}

SparseIndexConfig DecodeConfig(JsonReader& reader, const SparseIndexConfig*) {
  SparseIndexConfig config;
  SeenFields fields(reader);
  std::string key;
  for (reader.BeginObject("struct SparseVectorIndexConfig"); reader.NextKey(&key);) {
    if (key == "embedding_function") {
      if (fields.Value(1, key)) config.embedding_function = DecodeEmbeddingFunction(reader);
    } else if (key == "source_key") {
      if (fields.Value(2, key)) config.source_key = reader.ReadString();
    } else if (key == "bm25") {
      if (fields.Value(4, key)) config.bm25 = reader.ReadBool();
    } else if (key == "algorithm") {
      if (!fields.Value(8, key)) continue;
      config.algorithm = reader.ReadVariant({"wand", "max_score"}) == 0 ? "wand" : "max_score";
    } else {
      reader.UnknownField(key, {"embedding_function", "source_key", "bm25", "algorithm"});
    }
  }
  return config;
}

template <typename Config>
IndexSetting<Config> DecodeIndex(JsonReader& reader) {
  IndexSetting<Config> index;
  SeenFields fields(reader);
  std::string key;
  for (reader.BeginObject("an index"); reader.NextKey(&key);) {
    if (key == "enabled") {
      fields.Required(1, key);
      index.enabled = reader.ReadBool();
    } else if (key == "config") {
      fields.Required(2, key);
      index.config = DecodeConfig(reader, static_cast<const Config*>(nullptr));
    } else {
      reader.SkipValue();
    }
  }
  if (!fields.Has(1)) {
    reader.MissingField("enabled");
  } else if (!fields.Has(2)) {
    reader.MissingField("config");
  }
  return index;
}

// One of the objects of a ValueTypes, with up to two indexes.
template <typename First, typename Second = NoConfig>
void DecodeIndexes(JsonReader& reader, std::string_view expected, std::string_view first_name,
                   std::optional<IndexSetting<First>>* first, std::string_view second_name = {},
                   std::optional<IndexSetting<Second>>* second = nullptr) {
  SeenFields fields(reader);
  std::string key;
  for (reader.BeginObject(expected); reader.NextKey(&key);) {
    const std::string_view name = WithoutPrefix(key, '$');
    if (name == first_name) {
      if (fields.Value(1, name)) *first = DecodeIndex<First>(reader);
    } else if (second != nullptr && name == second_name) {
      if (fields.Value(2, name)) *second = DecodeIndex<Second>(reader);
    } else {
      reader.SkipValue();
    }
  }
}

ValueTypes DecodeValueTypes(JsonReader& reader) {
  ValueTypes types;
  SeenFields fields(reader);
  std::string key;
  for (reader.BeginObject("struct ValueTypes"); reader.NextKey(&key);) {
    const std::string_view name = WithoutPrefix(key, '#');
    if (name == "string") {
      if (!fields.Value(1, name)) continue;
      types.has_string = true;
      DecodeIndexes(reader, "struct StringValueType", "fts_index", &types.fts_index,
                    "string_inverted_index", &types.string_inverted_index);
    } else if (name == "float_list") {
      if (!fields.Value(2, name)) continue;
      types.has_float_list = true;
      DecodeIndexes(reader, "struct FloatListValueType", "vector_index", &types.vector_index);
    } else if (name == "sparse_vector") {
      if (!fields.Value(4, name)) continue;
      types.has_sparse_vector = true;
      DecodeIndexes(reader, "struct SparseVectorValueType", "sparse_vector_index",
                    &types.sparse_vector_index);
    } else if (name == "int") {
      if (!fields.Value(8, name)) continue;
      types.has_int = true;
      DecodeIndexes(reader, "struct IntValueType", "int_inverted_index", &types.int_inverted_index);
    } else if (name == "float") {
      if (!fields.Value(16, name)) continue;
      types.has_float = true;
      DecodeIndexes(reader, "struct FloatValueType", "float_inverted_index",
                    &types.float_inverted_index);
    } else if (name == "bool") {
      if (!fields.Value(32, name)) continue;
      types.has_bool = true;
      DecodeIndexes(reader, "struct BoolValueType", "bool_inverted_index",
                    &types.bool_inverted_index);
    } else {
      reader.SkipValue();
    }
  }
  return types;
}

std::optional<std::string> DecodeCmek(JsonReader& reader) {
  std::optional<std::string> gcp;
  std::string key;
  for (reader.BeginObject("enum Cmek"); reader.NextKey(&key);) {
    if (key != "gcp") {
      reader.UnknownVariant(key, {"gcp"});
    } else {
      gcp = reader.ReadString();
    }
  }
  if (!gcp) reader.FailShape("invalid value: map, expected map with a single key");
  return gcp;
}

void EncodeConfig(JsonWriter& out, const NoConfig&) {
  out.BeginObject();
  out.EndObject();
}

void EncodeConfig(JsonWriter& out, const VectorIndexConfig& config) {
  out.BeginObject();
  if (config.space) out.StringField("space", SpaceName(*config.space));
  if (config.embedding_function) {
    out.Key("embedding_function");
    EncodeEmbeddingFunction(out, *config.embedding_function);
  }
  if (config.source_key) out.StringField("source_key", *config.source_key);
  if (config.hnsw) {
    out.Key("hnsw");
    EncodeStrict(out, *config.hnsw, std::span<const HnswField>(kHnswFields));
  }
  if (config.spann) {
    out.Key("spann");
    EncodeStrict(out, *config.spann, std::span<const SpannField>(kSpannFields));
  }
  out.EndObject();
}

void EncodeConfig(JsonWriter& out, const SparseIndexConfig& config) {
  out.BeginObject();
  if (config.embedding_function) {
    out.Key("embedding_function");
    EncodeEmbeddingFunction(out, *config.embedding_function);
  }
  if (config.source_key) out.StringField("source_key", *config.source_key);
  if (config.bm25) {
    out.Key("bm25");
    out.Bool(*config.bm25);
  }
  if (config.algorithm) out.StringField("algorithm", *config.algorithm);
  out.EndObject();
}

template <typename Config>
void EncodeIndex(JsonWriter& out, std::string_view name,
                 const std::optional<IndexSetting<Config>>& index) {
  if (!index) return;
  out.Key(name);
  out.BeginObject();
  out.Key("enabled");
  out.Bool(index->enabled);
  out.Key("config");
  EncodeConfig(out, index->config);
  out.EndObject();
}

template <typename Config>
void EncodeIndexes(JsonWriter& out, std::string_view type, bool present, std::string_view name,
                   const std::optional<IndexSetting<Config>>& index) {
  if (!present) return;
  out.Key(type);
  out.BeginObject();
  EncodeIndex(out, name, index);
  out.EndObject();
}

void EncodeValueTypes(JsonWriter& out, const ValueTypes& types) {
  out.BeginObject();
  if (types.has_string) {
    out.Key("string");
    out.BeginObject();
    EncodeIndex(out, "fts_index", types.fts_index);
    EncodeIndex(out, "string_inverted_index", types.string_inverted_index);
    out.EndObject();
  }
  EncodeIndexes(out, "float_list", types.has_float_list, "vector_index", types.vector_index);
  EncodeIndexes(out, "sparse_vector", types.has_sparse_vector, "sparse_vector_index",
                types.sparse_vector_index);
  EncodeIndexes(out, "int", types.has_int, "int_inverted_index", types.int_inverted_index);
  EncodeIndexes(out, "float", types.has_float, "float_inverted_index", types.float_inverted_index);
  EncodeIndexes(out, "bool", types.has_bool, "bool_inverted_index", types.bool_inverted_index);
  out.EndObject();
}

// Programs that do not know it skip it, and write the schema without it.
constexpr std::string_view kFillsMember = "fills";

enum class Form : uint8_t { kShown, kStored };

Schema DecodeSchemaAs(Form form, JsonReader& reader) {
  Schema schema;
  SeenFields fields(reader);
  std::string key;
  for (reader.BeginObject("struct Schema"); reader.NextKey(&key);) {
    if (key == "defaults") {
      fields.Required(1, key);
      schema.defaults = DecodeValueTypes(reader);
    } else if (key == "keys" || key == "key_overrides") {
      fields.Required(2, "keys");
      std::string name;
      for (reader.BeginObject("a map"); reader.NextKey(&name);) {
        ValueTypes types = DecodeValueTypes(reader);
        schema.keys.insert_or_assign(name, std::move(types));
      }
    } else if (key == "cmek") {
      if (fields.Value(4, key)) schema.cmek_gcp = DecodeCmek(reader);
    } else if (key == kFillsMember && form == Form::kStored) {
      std::string name;
      for (reader.BeginObject("a map"); reader.NextKey(&name);) {
        schema.fills.insert_or_assign(name, reader.ReadU64());
      }
    } else {
      reader.SkipValue();
    }
  }
  if (!fields.Has(1)) {
    reader.MissingField("defaults");
  } else if (!fields.Has(2)) {
    reader.MissingField("keys");
  }
  return schema;
}

void EncodeSchemaAs(Form form, JsonWriter& out, const Schema& schema) {
  out.BeginObject();
  out.Key("defaults");
  EncodeValueTypes(out, schema.defaults);
  out.Key("keys");
  out.BeginObject();
  for (const auto& [key, types] : schema.keys) {
    out.Key(key);
    EncodeValueTypes(out, types);
  }
  out.EndObject();
  if (schema.cmek_gcp) {
    out.Key("cmek");
    out.BeginObject();
    out.StringField("gcp", *schema.cmek_gcp);
    out.EndObject();
  }
  if (form == Form::kStored && !schema.fills.empty()) {
    out.Key(kFillsMember);
    out.BeginObject();
    for (const auto& [key, offset] : schema.fills) {
      out.Key(key);
      out.Uint(offset);
    }
    out.EndObject();
  }
  out.EndObject();
}

}  // namespace

Schema DecodeSchema(JsonReader& reader) {
  return DecodeSchemaAs(Form::kShown, reader);
}

void EncodeSchema(JsonWriter& out, const Schema& schema) {
  EncodeSchemaAs(Form::kShown, out, schema);
}

Schema DecodeStoredSchema(JsonReader& reader) {
  return DecodeSchemaAs(Form::kStored, reader);
}

void EncodeStoredSchema(JsonWriter& out, const Schema& schema) {
  EncodeSchemaAs(Form::kStored, out, schema);
}

}  // namespace chroma::model
