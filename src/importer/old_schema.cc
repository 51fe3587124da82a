#include "importer/old_schema.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "base/json_reader.h"
#include "base/json_value.h"
#include "model/configuration_json.h"

namespace chroma::importer {
namespace {

using model::Configuration;
using model::HnswConfig;

constexpr std::string_view kLegacyKeys[] = {
    "hnsw:space",       "hnsw:construction_ef", "hnsw:search_ef",      "hnsw:M",
    "hnsw:num_threads", "hnsw:resize_factor",   "hnsw:sync_threshold", "hnsw:batch_size"};

// The parameters that collections had as metadata. A segment keeps those that its collection was
// made with, whatever has become of the collection's metadata since.
model::Metadata LegacyParameters(const OldShape& shape) {
  model::Metadata parameters;
  for (const std::string_view key : kLegacyKeys) {
    const model::MetadataValue* value = nullptr;
    if (shape.vector_segment != nullptr) value = shape.vector_segment->metadata.Find(key);
    if (value == nullptr) value = shape.collection->metadata.Find(key);
    if (value != nullptr) parameters.Set(key, *value);
  }
  return parameters;
}

void TakeInteger(const JsonValue& json, std::string_view name, std::optional<uint64_t>* out) {
  const JsonValue* member = json.Find(name);
  const int64_t* number = member == nullptr ? nullptr : member->AsInt();
  if (number != nullptr && *number >= 0) *out = static_cast<uint64_t>(*number);
}

HnswConfig ReadHnsw(const JsonValue& json) {
  HnswConfig hnsw;
  const JsonValue* space = json.Find("space");
  if (space != nullptr && space->AsString() != nullptr) {
    for (const model::Space known :
         {model::Space::kL2, model::Space::kCosine, model::Space::kInnerProduct}) {
      if (*space->AsString() == model::SpaceName(known)) hnsw.space = known;
    }
  }
  TakeInteger(json, "ef_construction", &hnsw.ef_construction);
  TakeInteger(json, "ef_search", &hnsw.ef_search);
  TakeInteger(json, "max_neighbors", &hnsw.max_neighbors);
  TakeInteger(json, "num_threads", &hnsw.num_threads);
  TakeInteger(json, "batch_size", &hnsw.batch_size);
  TakeInteger(json, "sync_threshold", &hnsw.sync_threshold);
  const JsonValue* factor = json.Find("resize_factor");
  if (factor != nullptr && factor->AsDouble() != nullptr) hnsw.resize_factor = *factor->AsDouble();
  return hnsw;
}

// config_json_str of 1.0 to 1.2; what 0.5 and 0.6 wrote there was never used.
Configuration ReadConfiguration(const JsonValue& json, std::vector<std::string>* warnings) {
  Configuration configuration;
  const JsonValue* index = json.Find("vector_index");
  const JsonValue* hnsw = index == nullptr ? json.Find("hnsw") : index->Find("hnsw");
  if (hnsw != nullptr && hnsw->AsObject() != nullptr) configuration.hnsw = ReadHnsw(*hnsw);
  const JsonValue* function = json.Find("embedding_function");
  if (function == nullptr || function->IsNull()) return configuration;
  const std::string text = ToJson(*function);
  JsonReader reader(text);
  model::EmbeddingFunction decoded = model::DecodeEmbeddingFunction(reader);
  if (reader.ok()) {
    configuration.embedding_function = std::move(decoded);
  } else {
    warnings->push_back("its embedding function cannot be understood (" + reader.error().message +
                        ")");
  }
  return configuration;
}

std::optional<model::Schema> ReadSchema(std::string_view text, std::vector<std::string>* warnings) {
  if (text.empty() || text == "null") return std::nullopt;
  JsonReader reader(text);
  model::Schema schema = model::DecodeSchema(reader);
  reader.Finish();
  if (reader.ok()) return schema;
  warnings->push_back("its schema cannot be understood (" + reader.error().message + ")");
  return std::nullopt;
}

}  // namespace

void ResolveOldSchema(uint64_t num_threads, OldShape* shape, std::vector<std::string>* warnings) {
  const OldCollection& collection = *shape->collection;
  if (const auto schema = ReadSchema(collection.schema, warnings)) {
    auto resolved = model::ResolveSchema(schema, std::nullopt, std::nullopt, num_threads);
    if (resolved.ok()) {
      shape->schema = *std::move(resolved);
      shape->has_key_list = true;
      return;
    }
    warnings->push_back("its schema cannot be used (" + std::string(resolved.status().message()) +
                        ")");
  }
  std::optional<Configuration> configuration;
  if (!collection.configuration.empty()) {
    const Result<JsonValue> json = ParseJson(collection.configuration);
    if (json.ok()) {
      configuration = ReadConfiguration(*json, warnings);
    } else {
      warnings->push_back("its configuration cannot be understood (" +
                          std::string(json.status().message()) + ")");
    }
  }
  std::optional<model::Metadata> legacy = LegacyParameters(*shape);
  if (legacy->empty()) legacy.reset();
  auto resolved = model::ResolveSchema(std::nullopt, configuration, legacy, num_threads);
  if (!resolved.ok()) {
    warnings->push_back("its parameters cannot be used (" +
                        std::string(resolved.status().message()) + ")");
    resolved = model::ResolveSchema(std::nullopt, std::nullopt, std::nullopt, num_threads);
  }
  shape->schema = resolved.ok() ? *std::move(resolved) : model::DefaultSchema(num_threads);
}

}  // namespace chroma::importer
