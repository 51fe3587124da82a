#include "model/schema.h"

#include <gtest/gtest.h>

#include "base/json_reader.h"
#include "base/json_writer.h"

namespace chroma::model {
namespace {

std::string Encode(const Schema& schema) {
  std::string text;
  JsonWriter out(&text);
  EncodeSchema(out, schema);
  return text;
}

Schema Decode(std::string_view text) {
  JsonReader reader(text);
  Schema schema = DecodeSchema(reader);
  reader.Finish();
  EXPECT_TRUE(reader.ok()) << reader.error().message;
  return schema;
}

std::string ErrorOf(std::string_view text) {
  JsonReader reader(text);
  DecodeSchema(reader);
  reader.Finish();
  return reader.ok() ? "" : reader.error().message;
}

Schema Resolve(std::string_view text) {
  auto schema = ResolveSchema(Decode(text), std::nullopt, std::nullopt, 2);
  EXPECT_TRUE(schema.ok()) << schema.status().ToString();
  return schema.ok() ? *schema : Schema();
}

// The vector index of the default schema with 2 threads.
std::string VectorIndex(bool enabled, std::string_view space, std::string_view rest) {
  return R"({"float_list":{"vector_index":{"enabled":)" + std::string(enabled ? "true" : "false") +
         R"(,"config":{"space":")" + std::string(space) + R"(",)" + std::string(rest) +
         R"("hnsw":{"ef_construction":100,"max_neighbors":16,"ef_search":100,"num_threads":2,)"
         R"("batch_size":100,"sync_threshold":1000,"resize_factor":1.2}}}}})";
}

std::string Inner(std::string_view object) {
  return std::string(object.substr(1, object.size() - 2));
}

std::string Whole(std::string_view keys_before, std::string_view embedding_space,
                  std::string_view keys_after) {
  return R"({"defaults":{"string":{"fts_index":{"enabled":false,"config":{}},)"
         R"("string_inverted_index":{"enabled":true,"config":{}}},)" +
         Inner(VectorIndex(false, "l2", "")) +
         R"(,"sparse_vector":{"sparse_vector_index":{"enabled":false,"config":)"
         R"({"embedding_function":{"type":"unknown"},"bm25":false}}},)"
         R"("int":{"int_inverted_index":{"enabled":true,"config":{}}},)"
         R"("float":{"float_inverted_index":{"enabled":true,"config":{}}},)"
         R"("bool":{"bool_inverted_index":{"enabled":true,"config":{}}}},"keys":{)" +
         std::string(keys_before) +
         R"("#document":{"string":{"fts_index":{"enabled":true,"config":{}},)"
         R"("string_inverted_index":{"enabled":false,"config":{}}}},"#embedding":)" +
         VectorIndex(true, embedding_space, R"("source_key":"#document",)") +
         std::string(keys_after) + "}}";
}

TEST(Schema, DefaultIsAsRecorded) {
  EXPECT_EQ(Encode(DefaultSchema(2)), Whole("", "l2", ""));
  EXPECT_EQ(Encode(Resolve(R"({"defaults":{},"keys":{}})")), Whole("", "l2", ""));
}

TEST(Schema, MergesUserKeysOverTheDefaults) {
  EXPECT_EQ(Encode(Resolve(R"({"defaults":{},"keys":{"cat":{"string":{"string_inverted_index":
                           {"enabled":false,"config":{}}}},"e":{}}})")),
            Whole("", "l2",
                  R"(,"cat":{"string":{"string_inverted_index":{"enabled":false,"config":{}}}},)"
                  R"("e":{})"));
  EXPECT_EQ(Encode(Resolve(R"({"defaults":{},"keys":{"#embedding":{"float_list":{"vector_index":
                           {"enabled":true,"config":{"space":"cosine"}}}}}})")),
            Whole("", "cosine", ""));
}

TEST(Schema, MergesUserDefaultsIndexByIndex) {
  const Schema schema = Resolve(R"({"defaults":{"int":{"int_inverted_index":{"enabled":false,
      "config":{}}},"string":{},"float_list":{"vector_index":{"enabled":false,"config":
      {"space":"ip","hnsw":{"ef_search":7}}}}},"keys":{}})");
  EXPECT_FALSE(schema.defaults.int_inverted_index->enabled);
  EXPECT_TRUE(schema.defaults.string_inverted_index->enabled);
  EXPECT_EQ(schema.defaults.vector_index->config.space, Space::kInnerProduct);
  EXPECT_EQ(schema.defaults.vector_index->config.hnsw->ef_search, 7u);
  EXPECT_EQ(schema.defaults.vector_index->config.hnsw->max_neighbors, 16u);
  EXPECT_EQ(schema.space(), Space::kL2);  // that of "#embedding"
  EXPECT_EQ(schema.hnsw().ef_search, 100u);
}

TEST(Schema, DropsSpannAndKeepsCmek) {
  const std::string cmek = "projects/p/locations/l/keyRings/r/cryptoKeys/k";
  const Schema schema = Resolve(R"({"defaults":{},"keys":{"#embedding":{"float_list":
      {"vector_index":{"enabled":false,"config":{"spann":{"search_nprobe":9,
      "initial_lambda":2}}}}}},
      "cmek":{"gcp":")" + cmek + R"("}})");
  const auto& index = *schema.keys.find(kEmbeddingKey)->second.vector_index;
  EXPECT_FALSE(index.enabled);
  EXPECT_FALSE(index.config.spann.has_value());
  EXPECT_EQ(index.config.source_key, "#document");
  EXPECT_EQ(schema.cmek_gcp, cmek);
  EXPECT_TRUE(Encode(schema).ends_with(R"(,"cmek":{"gcp":")" + cmek + R"("}})"));
}

TEST(Schema, AcceptsOldNames) {
  const Schema old_names = Decode(R"({"defaults":{"#int":{"$int_inverted_index":{"enabled":false,
      "config":{}}}},"key_overrides":{"a":{"#string":{"$fts_index":
      {"enabled":false,"config":{}}}}}})");
  EXPECT_EQ(old_names,
            Decode(R"({"defaults":{"int":{"int_inverted_index":{"enabled":false,"config":{}}}},
                   "keys":{"a":{"string":{"fts_index":{"enabled":false,"config":{}}}}}})"));
  EXPECT_EQ(ErrorOf(R"({"defaults":{},"keys":{},"key_overrides":{}})"),
            "duplicate field `keys` at line 1 column 40");
}

TEST(Schema, RoundTripsAnythingItDecodes) {
  const std::string_view text =
      R"({"defaults":{"string":{},"float_list":{"vector_index":{"enabled":false,"config":{)"
      R"("space":"ip","embedding_function":{"type":"known","name":"n","config":{"a":[1.5]}},)"
      R"("source_key":"#document","hnsw":{"ef_construction":1,"max_neighbors":2,"ef_search":3,)"
      R"("num_threads":4,"batch_size":5,"sync_threshold":6,"resize_factor":7.5},)"
      R"("spann":{"search_nprobe":1,"search_rng_factor":1.0,"nreplica_count":2,)"
      R"("center_drift_threshold":0.5}}}}},"keys":{"k":{},"s":{"sparse_vector":{)"
      R"("sparse_vector_index":{"enabled":true,"config":{"embedding_function":)"
      R"({"type":"legacy"},"source_key":"x","bm25":true,"algorithm":"wand"}}},)"
      R"("int":{},"float":{},"bool":{}}},"cmek":{"gcp":"x"}})";
  EXPECT_EQ(Encode(Decode(text)), text);
  for (size_t n = 0; n < text.size(); ++n) EXPECT_NE(ErrorOf(text.substr(0, n)), "") << n;
}

TEST(Schema, DecoderRefusesWrongShapes) {
  EXPECT_EQ(ErrorOf("[]"), "invalid type: sequence, expected struct Schema at line 1 column 0");
  EXPECT_EQ(ErrorOf(R"({"defaults":{"int":{"int_inverted_index":{"config":{}}}},"keys":{}})"),
            "defaults.int.int_inverted_index: missing field `enabled` at line 1 column 54");
  EXPECT_EQ(ErrorOf(R"({"defaults":{"int":{"int_inverted_index":{"enabled":true}}},"keys":{}})"),
            "defaults.int.int_inverted_index: missing field `config` at line 1 column 57");
  EXPECT_NE(ErrorOf(R"({"defaults":null,"keys":{}})"), "");
  EXPECT_NE(ErrorOf(R"({"defaults":{},"keys":{"a":null}})"), "");
  EXPECT_NE(ErrorOf(R"({"defaults":{},"keys":{},"cmek":{"aws":"x"}})"), "");
  EXPECT_NE(ErrorOf(R"({"defaults":{},"keys":{},"cmek":{}})"), "");
  EXPECT_EQ(ErrorOf(R"({"defaults":{"int":null,"other":5},"keys":{},"cmek":null,"x":[]})"), "");
}

TEST(ExtendSchema, RegistersEachTypeOnce) {
  Schema schema = DefaultSchema(2);
  const auto first = Metadata::FromEntries({{"i", int64_t{1}},
                                            {"s", "x"},
                                            {"f", 1.5},
                                            {"b", true},
                                            {"ia", std::vector<int64_t>{1}},
                                            {"ea", BoolArray()},
                                            {"n", std::monostate()},
                                            {"chroma:h", int64_t{1}}});
  EXPECT_TRUE(ExtendSchema(schema, first));
  EXPECT_FALSE(ExtendSchema(schema, first));
  EXPECT_EQ(schema.keys.size(), 8u);
  const auto encoded = Encode(schema);
  for (std::string_view part :
       {R"("s":{"string":{"fts_index":{"enabled":false,"config":{}},)"
        R"("string_inverted_index":{"enabled":true,"config":{}}}})",
        R"("b":{"bool":{"bool_inverted_index":{"enabled":true,"config":{}}}})",
        R"("ea":{"bool":{"bool_inverted_index":{"enabled":true,"config":{}}}})",
        R"("ia":{"int":{"int_inverted_index":{"enabled":true,"config":{}}}})",
        R"("f":{"float":{"float_inverted_index":{"enabled":true,"config":{}}}})"}) {
    EXPECT_NE(encoded.find(part), std::string::npos) << part;
  }
  EXPECT_TRUE(ExtendSchema(schema, Metadata::FromEntries({{"i", "x"}})));
  EXPECT_TRUE(schema.keys["i"].has_int);
  EXPECT_TRUE(schema.keys["i"].string_inverted_index->enabled);
}

TEST(ExtendSchema, LeavesListedTypesAlone) {
  Schema schema = Resolve(R"({"defaults":{},"keys":{"cat":{"string":{"string_inverted_index":
                          {"enabled":false,"config":{}}}}}})");
  EXPECT_FALSE(ExtendSchema(schema, Metadata::FromEntries({{"cat", "x"}})));
  EXPECT_FALSE(schema.IsIndexed("cat", ValueType::kString));
  EXPECT_TRUE(schema.IsIndexed("cat", ValueType::kInt));
  EXPECT_FALSE(schema.IsIndexed("cat", ValueType::kStringArray));
}

TEST(Schema, AnEmptySchemaHasUsableValues) {
  const Schema schema;
  EXPECT_EQ(schema.space(), Space::kL2);
  EXPECT_EQ(schema.hnsw().max_neighbors, 16u);
  EXPECT_EQ(schema.embedding_function(), std::nullopt);
  EXPECT_TRUE(schema.IsIndexed("k", ValueType::kInt));
  EXPECT_TRUE(schema.IsFullTextIndexed());
}

// Where the server fills older records is its own business.
TEST(SchemaJson, FillsAreStoredAndNotShown) {
  Schema schema = DefaultSchema(1);
  const std::string shown = Encode(schema);
  schema.fills = {{"a", 5}, {"b", UINT64_MAX}};
  EXPECT_EQ(Encode(schema), shown);
  std::string stored;
  JsonWriter out(&stored);
  EncodeStoredSchema(out, schema);
  EXPECT_NE(stored, shown);
  JsonReader reader(stored);
  EXPECT_EQ(DecodeStoredSchema(reader), schema);
  reader.Finish();
  EXPECT_TRUE(reader.ok()) << reader.error().message;
  EXPECT_TRUE(Decode(stored).fills.empty());
  EXPECT_EQ(Decode(shown), DefaultSchema(1));
}

}  // namespace
}  // namespace chroma::model
