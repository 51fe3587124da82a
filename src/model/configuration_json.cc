#include "model/configuration_json.h"

#include <utility>

#include "model/limits.h"

namespace chroma::model {

namespace {

using HnswField = StrictField<HnswConfig>;
using SpannField = StrictField<SpannConfig>;

const std::initializer_list<std::string_view> kHnswNames = {
    "space",       "ef_construction", "ef_search",      "max_neighbors",
    "num_threads", "resize_factor",   "sync_threshold", "batch_size"};
constexpr HnswField kHnswFields[] = {
    {.name = "space", .space = &HnswConfig::space},
    {.name = "ef_construction", .integer = &HnswConfig::ef_construction},
    {.name = "ef_search", .integer = &HnswConfig::ef_search},
    {.name = "max_neighbors", .integer = &HnswConfig::max_neighbors},
    {.name = "num_threads", .integer = &HnswConfig::num_threads},
    {.name = "resize_factor", .real = &HnswConfig::resize_factor},
    {.name = "sync_threshold", .integer = &HnswConfig::sync_threshold},
    {.name = "batch_size", .integer = &HnswConfig::batch_size},
};

const std::initializer_list<std::string_view> kHnswUpdateNames = {
    "ef_search", "max_neighbors", "num_threads", "resize_factor", "sync_threshold", "batch_size"};
constexpr HnswField kHnswUpdateFields[] = {
    {.name = "ef_search", .integer = &HnswConfig::ef_search},
    {.name = "max_neighbors", .integer = &HnswConfig::max_neighbors},
    {.name = "num_threads", .integer = &HnswConfig::num_threads},
    {.name = "resize_factor", .real = &HnswConfig::resize_factor},
    {.name = "sync_threshold", .integer = &HnswConfig::sync_threshold},
    {.name = "batch_size", .integer = &HnswConfig::batch_size},
};

const std::initializer_list<std::string_view> kSpannNames = {
    "search_nprobe",           "write_nprobe",    "space",
    "ef_construction",         "ef_search",       "max_neighbors",
    "reassign_neighbor_count", "split_threshold", "merge_threshold"};
constexpr SpannField kSpannFields[] = {
    {.name = "search_nprobe", .integer = &SpannConfig::search_nprobe, .is_u32 = true},
    {.name = "write_nprobe", .integer = &SpannConfig::write_nprobe, .is_u32 = true},
    {.name = "space", .space = &SpannConfig::space},
    {.name = "ef_construction", .integer = &SpannConfig::ef_construction},
    {.name = "ef_search", .integer = &SpannConfig::ef_search},
    {.name = "max_neighbors", .integer = &SpannConfig::max_neighbors},
    {.name = "reassign_neighbor_count",
     .integer = &SpannConfig::reassign_neighbor_count,
     .is_u32 = true},
    {.name = "split_threshold", .integer = &SpannConfig::split_threshold, .is_u32 = true},
    {.name = "merge_threshold", .integer = &SpannConfig::merge_threshold, .is_u32 = true},
};

const std::initializer_list<std::string_view> kSpannUpdateNames = {"search_nprobe", "ef_search"};
constexpr SpannField kSpannUpdateFields[] = {
    {.name = "search_nprobe", .integer = &SpannConfig::search_nprobe, .is_u32 = true},
    {.name = "ef_search", .integer = &SpannConfig::ef_search},
};

// What tells the two kinds of configuration apart.
struct Shape {
  std::string_view configuration, hnsw, spann;  // as "invalid type" errors call them
  std::span<const HnswField> hnsw_fields;
  std::initializer_list<std::string_view> hnsw_names;
  std::span<const SpannField> spann_fields;
  std::initializer_list<std::string_view> spann_names;
};

Configuration Decode(JsonReader& reader, const Shape& shape) {
  Configuration configuration;
  uint32_t seen = 0;
  const auto once = [&](uint32_t bit, std::string_view field) {
    if ((seen & bit) != 0) reader.DuplicateField(field);
    seen |= bit;
    return !reader.TryNull();
  };
  std::string key;
  for (reader.BeginObject(shape.configuration); reader.NextKey(&key);) {
    if (key == "hnsw") {
      if (once(1, key)) {
        configuration.hnsw = DecodeStrict(reader, shape.hnsw, shape.hnsw_fields, shape.hnsw_names);
      }
    } else if (key == "spann") {
      if (once(2, key)) {
        configuration.spann =
            DecodeStrict(reader, shape.spann, shape.spann_fields, shape.spann_names);
      }
    } else if (key == "embedding_function") {
      if (once(4, key)) configuration.embedding_function = DecodeEmbeddingFunction(reader);
    } else {
      reader.SkipValue();
    }
  }
  return configuration;
}

std::optional<EmbeddingFunction::Type> ReadFunctionType(JsonReader& reader) {
  const std::string name = reader.ReadString("variant identifier");
  if (name == "legacy") return EmbeddingFunction::Type::kLegacy;
  if (name == "known") return EmbeddingFunction::Type::kKnown;
  if (name == "unknown") return EmbeddingFunction::Type::kUnknown;
  reader.UnknownVariant(name, {"legacy", "known", "unknown"});
  return std::nullopt;
}

}  // namespace

Space DecodeSpace(JsonReader& reader) {
  const size_t variant = reader.ReadVariant({"l2", "cosine", "ip"});
  return variant == JsonReader::kNoVariant ? Space::kL2 : static_cast<Space>(variant);
}

EmbeddingFunction DecodeEmbeddingFunction(JsonReader& reader) {
  std::optional<EmbeddingFunction::Type> type;
  std::optional<JsonValue> name;
  std::optional<JsonValue> config;
  std::string key;
  for (reader.BeginObject("internally tagged enum EmbeddingFunctionConfiguration");
       reader.NextKey(&key);) {
    if (key == "type") {
      if (type) reader.DuplicateField(key);
      type = ReadFunctionType(reader);
    } else if (key == "name") {
      name = reader.ReadValue(kJsonTreeValuesMax);
    } else if (key == "config") {
      config = reader.ReadValue(kJsonTreeValuesMax);
    } else {
      reader.SkipValue();
    }
  }
  EmbeddingFunction function;
  if (!type) {
    reader.MissingField("type");
    return function;
  }
  function.type = *type;
  if (function.type != EmbeddingFunction::Type::kKnown) return function;
  // Only this type has the other members; with any other they are extra, and ignored. Upstream
  // looks at them once the object is read, hence the position of these errors.
  if (!name) {
    reader.FailBuffered("missing field `name`");
  } else if (!config) {
    reader.FailBuffered("missing field `config`");
  } else if (name->AsString() == nullptr) {
    reader.FailBuffered("invalid type of `name`, expected a string");
  } else {
    function.name = *name->AsString();
    function.config = *std::move(config);
  }
  return function;
}

void EncodeEmbeddingFunction(JsonWriter& out, const EmbeddingFunction& function) {
  out.BeginObject();
  switch (function.type) {
    case EmbeddingFunction::Type::kLegacy:
      out.StringField("type", "legacy");
      break;
    case EmbeddingFunction::Type::kUnknown:
      out.StringField("type", "unknown");
      break;
    case EmbeddingFunction::Type::kKnown:
      out.StringField("type", "known");
      out.StringField("name", function.name);
      out.Key("config");
      WriteJson(out, function.config, /*sort_keys=*/true);
      break;
  }
  out.EndObject();
}

Configuration DecodeConfiguration(JsonReader& reader) {
  static const Shape kShape = {"struct CollectionConfiguration",
                               "struct HnswConfiguration",
                               "struct SpannConfiguration",
                               kHnswFields,
                               kHnswNames,
                               kSpannFields,
                               kSpannNames};
  return Decode(reader, kShape);
}

ConfigurationUpdate DecodeConfigurationUpdate(JsonReader& reader) {
  static const Shape kShape = {"struct UpdateCollectionConfiguration",
                               "struct UpdateHnswConfiguration",
                               "struct UpdateSpannConfiguration",
                               kHnswUpdateFields,
                               kHnswUpdateNames,
                               kSpannUpdateFields,
                               kSpannUpdateNames};
  return Decode(reader, kShape);
}

void EncodeConfigurationJson(JsonWriter& out, const Schema& schema) {
  HnswConfig hnsw = schema.hnsw();
  hnsw.space = schema.space();
  static constexpr HnswField kShown[] = {
      {.name = "space", .space = &HnswConfig::space},
      {.name = "ef_construction", .integer = &HnswConfig::ef_construction},
      {.name = "ef_search", .integer = &HnswConfig::ef_search},
      {.name = "max_neighbors", .integer = &HnswConfig::max_neighbors},
      {.name = "resize_factor", .real = &HnswConfig::resize_factor},
      {.name = "sync_threshold", .integer = &HnswConfig::sync_threshold},
  };
  out.BeginObject();
  out.Key("hnsw");
  EncodeStrict(out, hnsw, std::span<const HnswField>(kShown));
  out.Key("spann");
  out.Null();
  out.Key("embedding_function");
  if (const auto function = schema.embedding_function()) {
    EncodeEmbeddingFunction(out, *function);
  } else {
    out.Null();
  }
  out.EndObject();
}

}  // namespace chroma::model
