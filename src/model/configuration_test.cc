#include <gtest/gtest.h>

#include "base/json_reader.h"
#include "base/json_writer.h"
#include "model/metadata_json.h"
#include "model/schema.h"

namespace chroma::model {
namespace {

// The members of a create or modify request that make a schema; or the first failure's text.
std::string ConfigurationOf(std::string_view body) {
  std::optional<Schema> schema;
  std::optional<Configuration> configuration;
  std::optional<Metadata> metadata;
  JsonReader reader(body);
  std::string key;
  for (reader.BeginObject(); reader.NextKey(&key);) {
    if (reader.TryNull()) continue;
    if (key == "schema") {
      schema = DecodeSchema(reader);
    } else if (key == "configuration") {
      configuration = DecodeConfiguration(reader);
    } else if (key == "metadata") {
      metadata = DecodeMetadata(reader, false);
    } else if (key == "new_configuration") {
      configuration = DecodeConfigurationUpdate(reader);
    } else {
      reader.SkipValue();
    }
  }
  reader.Finish();
  if (!reader.ok()) return reader.error().message;
  const auto resolved = ResolveSchema(schema, configuration, metadata, 4);
  if (!resolved.ok()) return std::string(resolved.status().message());
  std::string text;
  JsonWriter out(&text);
  EncodeConfigurationJson(out, *resolved);
  return text;
}

std::string Hnsw(std::string_view space, std::string_view rest, std::string_view function) {
  return R"({"hnsw":{"space":")" + std::string(space) + R"(",)" + std::string(rest) +
         R"(},"spann":null,"embedding_function":)" + std::string(function) + "}";
}

constexpr std::string_view kDefaults =
    R"("ef_construction":100,"ef_search":100,"max_neighbors":16,"resize_factor":1.2,)"
    R"("sync_threshold":1000)";

struct Case {
  std::string_view body;
  std::string out;
};

class Configurations : public testing::TestWithParam<Case> {};

TEST_P(Configurations, GiveTheRecordedAnswer) {
  EXPECT_EQ(ConfigurationOf(GetParam().body), GetParam().out);
}

INSTANTIATE_TEST_SUITE_P(
    Accepted, Configurations,
    testing::Values(
        Case{R"({})", Hnsw("l2", kDefaults, "null")},
        Case{R"({"configuration":{"hnsw":{"space":"cosine"}}})", Hnsw("cosine", kDefaults, "null")},
        Case{R"({"configuration":{"hnsw":{"space":"ip","ef_construction":200,"ef_search":50,
             "max_neighbors":32,"num_threads":8,"resize_factor":2,"sync_threshold":5000,
             "batch_size":500}}})",
             Hnsw("ip",
                  R"("ef_construction":200,"ef_search":50,"max_neighbors":32,)"
                  R"("resize_factor":2.0,"sync_threshold":5000)",
                  "null")},
        Case{R"({"configuration":{"spann":{"space":"cosine","search_nprobe":10,"ef_search":7}}})",
             Hnsw("cosine", kDefaults, "null")},
        Case{R"({"configuration":{"hnsw":null,"spann":null,"embedding_function":null}})",
             Hnsw("l2", kDefaults, "null")},
        Case{R"({"configuration":{"bogus":[1]}})", Hnsw("l2", kDefaults, "null")},
        Case{R"({"configuration":{"hnsw":{"sync_threshold":1}}})",
             Hnsw("l2",
                  R"("ef_construction":100,"ef_search":100,"max_neighbors":16,)"
                  R"("resize_factor":1.2,"sync_threshold":1)",
                  "null")},
        Case{R"({"configuration":{"hnsw":{"max_neighbors":0,"ef_search":0,"resize_factor":-1}}})",
             Hnsw("l2",
                  R"("ef_construction":100,"ef_search":0,"max_neighbors":0,)"
                  R"("resize_factor":-1.0,"sync_threshold":1000)",
                  "null")},
        Case{R"({"configuration":{"embedding_function":{"type":"legacy"}}})",
             Hnsw("l2", kDefaults, R"({"type":"legacy"})")},
        Case{R"({"configuration":{"embedding_function":{"type":"unknown","name":5}}})",
             Hnsw("l2", kDefaults, R"({"type":"unknown"})")},
        Case{R"({"configuration":{"embedding_function":
             {"config":{"b":[1,2,{"c":null}],"a":1},"extra":1,"name":"my_ef","type":"known"}}})",
             Hnsw("l2", kDefaults,
                  R"({"type":"known","name":"my_ef","config":{"a":1,"b":[1,2,{"c":null}]}})")},
        Case{R"({"configuration":{"hnsw":{"space":"l2"},"spann":null,
             "embedding_function":{"type":"known","name":"default","config":{}}}})",
             Hnsw("l2", kDefaults, R"({"type":"known","name":"default","config":{}})")},
        Case{R"({"metadata":{"hnsw:space":"cosine","hnsw:M":5,"hnsw:construction_ef":11,
             "hnsw:search_ef":12,"hnsw:sync_threshold":8,"hnsw:resize_factor":1.5,"x":1}})",
             Hnsw("cosine",
                  R"("ef_construction":11,"ef_search":12,"max_neighbors":5,)"
                  R"("resize_factor":1.5,"sync_threshold":8)",
                  "null")},
        Case{R"({"configuration":{"hnsw":{}},"metadata":{"hnsw:space":"cosine"}})",
             Hnsw("cosine", kDefaults, "null")},
        Case{R"({"configuration":{"hnsw":{"space":"l2"}},"metadata":{"hnsw:space":"cosine"}})",
             Hnsw("cosine", kDefaults, "null")},
        Case{R"({"configuration":{"hnsw":{"space":"ip"}},"metadata":{"hnsw:space":"cosine"}})",
             Hnsw("ip", kDefaults, "null")},
        Case{R"({"schema":{"defaults":{},"keys":{"#embedding":{"float_list":{"vector_index":
             {"enabled":true,"config":{"space":"cosine"}}}}}}})",
             Hnsw("cosine", kDefaults, "null")},
        // A non-default schema: the configuration's function counts as default, and is ignored.
        Case{R"({"schema":{"defaults":{},"keys":{"cat":{}}},"configuration":
             {"embedding_function":{"type":"unknown"}}})",
             Hnsw("l2", kDefaults, "null")},
        // A default schema beside a configuration that is not.
        Case{R"({"schema":{"defaults":{},"keys":{}},"configuration":{"hnsw":{"space":"ip"}}})",
             Hnsw("ip", kDefaults, "null")}));

constexpr const char* kLegacyError = "Failed to parse hnsw parameters from segment metadata";
constexpr const char* kConflict =
    "Failed to reconcile schema: Cannot set both collection config and schema simultaneously";

INSTANTIATE_TEST_SUITE_P(
    Refused, Configurations,
    testing::Values(
        Case{R"({"configuration":{"hnsw":{},"spann":{}}})",
             "Multiple vector index configurations provided"},
        Case{R"({"metadata":{"hnsw:space":"bogus"}})", kLegacyError},
        Case{R"({"metadata":{"hnsw:space":1}})", kLegacyError},
        Case{R"({"metadata":{"hnsw:bogus":1}})", kLegacyError},
        Case{R"({"metadata":{"hnsw:M":1.5}})", kLegacyError},
        Case{R"({"metadata":{"hnsw:M":-1}})", kLegacyError},
        Case{R"({"metadata":{"hnsw:batch_size":1}})", kLegacyError},
        Case{R"({"metadata":{"hnsw:sync_threshold":0}})", kLegacyError},
        Case{R"({"metadata":{"hnsw:resize_factor":"2"}})", kLegacyError},
        Case{R"({"schema":{"defaults":{},"keys":{"cat":{}}},
             "configuration":{"hnsw":{"space":"cosine"}}})",
             kConflict},
        Case{R"({"schema":{"defaults":{},"keys":{"cat":{}}},"metadata":{"hnsw:space":"cosine"}})",
             kConflict},
        Case{R"({"schema":{"defaults":{},"keys":{"cat":{}}},
             "configuration":{"embedding_function":{"type":"legacy"}}})",
             kConflict},
        Case{R"({"schema":{"defaults":{},"keys":{"#embedding":{"float_list":{"vector_index":
             {"enabled":true,"config":{"hnsw":{"batch_size":1}}}}}}}})",
             "Failed to reconcile schema: Invalid HNSW configuration: batch_size: Validation "
             R"(error: range [{"min": Number(2), "value": Number(1)}])"},
        Case{R"({"schema":{"defaults":{},"keys":{"#bogus":{}}}})",
             "Validation error: schema: key cannot begin with '#'. Keys starting with '#' are "
             "reserved for system use: #bogus"}));

// Bodies as the recorded cases have them, positions included.
INSTANTIATE_TEST_SUITE_P(
    Malformed, Configurations,
    testing::Values(
        Case{R"({"name": "c_01234567", "configuration": {"hnsw": {"bogus": 1}}})",
             "configuration.hnsw.bogus: unknown field `bogus`, expected one of `space`, "
             "`ef_construction`, `ef_search`, `max_neighbors`, `num_threads`, `resize_factor`, "
             "`sync_threshold`, `batch_size` at line 1 column 57"},
        Case{R"({"name": "c_01234567", "configuration": {"hnsw": {"space": "L2"}}})",
             "configuration.hnsw.space: unknown variant `L2`, expected one of `l2`, `cosine`, "
             "`ip` at line 1 column 63"},
        Case{R"({"name": "c_01234567", "configuration": {"hnsw": {"ef_search": -1}}})",
             "configuration.hnsw.ef_search: invalid value: integer `-1`, expected usize at line 1 "
             "column 65"},
        Case{R"({"name": "c_01234567", "configuration": {"embedding_function": )"
             R"({"type": "known", "name": "x"}}})",
             "configuration.embedding_function: missing field `config` at line 1 column 94"},
        Case{R"({"name": "c_01234567", "configuration": {"embedding_function": )"
             R"({"type": "bogus"}}})",
             "configuration.embedding_function.type: unknown variant `bogus`, expected one of "
             "`legacy`, `known`, `unknown` at line 1 column 79"},
        Case{R"({"name": "c_01234567", "schema": {}})",
             "schema: missing field `defaults` at line 1 column 35"},
        Case{R"({"name": "c_01234567", "schema": {"defaults": {}}})",
             "schema: missing field `keys` at line 1 column 49"},
        Case{R"({"name": "c_01234567", "schema": {"defaults": {"int": {"int_inverted_index": )"
             R"({"enabled": true, "config": {"x": 1}}}}, "keys": {}}})",
             "schema.defaults.int.int_inverted_index.config.x: unknown field `x`, there are no "
             "fields at line 1 column 109"},
        Case{R"({"new_configuration": {"hnsw": {"space": "ip"}}})",
             "new_configuration.hnsw.space: unknown field `space`, expected one of `ef_search`, "
             "`max_neighbors`, `num_threads`, `resize_factor`, `sync_threshold`, `batch_size` at "
             "line 1 column 39"},
        Case{R"({"new_configuration":{"spann":{"space":"ip"}}})",
             "new_configuration.spann.space: unknown field `space`, expected `search_nprobe` or "
             "`ef_search` at line 1 column 38"},
        Case{R"({"configuration":{"hnsw":{"ef_search":1,"ef_search":2}}})",
             "configuration.hnsw: duplicate field `ef_search` at line 1 column 51"},
        Case{R"({"configuration":{"embedding_function":{"name":"x"}}})",
             "configuration.embedding_function: missing field `type` at line 1 column 51"}));

TEST(DecodeConfiguration, SurvivesEveryTruncation) {
  const std::string text =
      R"({"hnsw":{"space":"ip","ef_search":1,"resize_factor":2},"spann":{"search_nprobe":1},)"
      R"("embedding_function":{"type":"known","name":"n","config":[1,{}]},"x":[{}]})";
  for (size_t n = 0; n < text.size(); ++n) {
    JsonReader reader(std::string_view(text).substr(0, n));
    DecodeConfiguration(reader);
    reader.Finish();
    EXPECT_FALSE(reader.ok()) << n;
  }
}

ConfigurationUpdate Update(std::string_view text) {
  JsonReader reader(text);
  auto update = DecodeConfigurationUpdate(reader);
  EXPECT_TRUE(reader.ok()) << reader.error().message;
  return update;
}

TEST(UpdateConfiguration, MergesIntoBothVectorIndexes) {
  const Schema before = DefaultSchema(4);
  const auto after = UpdateConfiguration(
      before, Update(R"({"hnsw":{"ef_search":77,"max_neighbors":20,"num_threads":5,
                     "resize_factor":1.7,"sync_threshold":2000,"batch_size":1},"spann":null,
                     "embedding_function":{"type":"known","name":"q","config":{"k":1}}})"));
  ASSERT_TRUE(after.ok());
  const auto& in_defaults = after->defaults.vector_index->config;
  const auto& in_key = after->keys.find(kEmbeddingKey)->second.vector_index->config;
  for (const VectorIndexConfig* config : {&in_defaults, &in_key}) {
    EXPECT_EQ(config->hnsw->ef_search, 77u);
    EXPECT_EQ(config->hnsw->ef_construction, 100u);
    EXPECT_EQ(config->hnsw->max_neighbors, 20u);
    EXPECT_EQ(config->hnsw->num_threads, 5u);
    EXPECT_EQ(config->hnsw->resize_factor, 1.7);
    EXPECT_EQ(config->hnsw->sync_threshold, 2000u);
    EXPECT_EQ(config->hnsw->batch_size, 1u);
    EXPECT_EQ(config->embedding_function->name, "q");
  }
  const auto again = UpdateConfiguration(*after, Update(R"({"embedding_function":null})"));
  EXPECT_EQ(*again, *after);
}

TEST(UpdateConfiguration, IgnoresSpannAndRefusesBoth) {
  const Schema before = DefaultSchema(4);
  EXPECT_EQ(*UpdateConfiguration(before, Update(R"({"spann":{"search_nprobe":3},"x":1})")), before);
  EXPECT_EQ(*UpdateConfiguration(before, Update("{}")), before);
  const auto both = UpdateConfiguration(before, Update(R"({"hnsw":{},"spann":{}})"));
  EXPECT_EQ(both.status().message(), "Multiple vector index configurations provided");
}

TEST(ValidateConfiguration, ChecksConfigurationAndLegacyMetadata) {
  EXPECT_TRUE(ValidateConfiguration(std::nullopt, std::nullopt).ok());
  EXPECT_EQ(
      ValidateConfiguration(std::nullopt, Metadata::FromEntries({{"hnsw:x", true}})).message(),
      kLegacyError);
}

}  // namespace
}  // namespace chroma::model
