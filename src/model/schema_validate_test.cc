#include <gtest/gtest.h>

#include "base/json_reader.h"
#include "model/schema.h"

namespace chroma::model {
namespace {

struct Case {
  std::string_view schema;
  std::string_view problem;  // nothing: valid
};

class SchemaProblems : public testing::TestWithParam<Case> {};

TEST_P(SchemaProblems, HaveTheirText) {
  JsonReader reader(GetParam().schema);
  const Schema schema = DecodeSchema(reader);
  ASSERT_TRUE(reader.ok()) << reader.error().message;
  EXPECT_EQ(ValidateSchema(schema).message(), GetParam().problem);
}

INSTANTIATE_TEST_SUITE_P(
    Table, SchemaProblems,
    testing::Values(
        Case{R"({"defaults":{},"keys":{"$a":{},"b":{"string":{}},"c":{"float_list":{
             "vector_index":{"enabled":false,"config":{}}}}}})",
             ""},
        Case{
            R"({"defaults":{"float_list":{"vector_index":{"enabled":true,"config":{}}}},
             "keys":{}})",
            "Vector index cannot be enabled by default. It can only be enabled on #embedding "
            "field."},
        Case{R"({"defaults":{"float_list":{"vector_index":{"enabled":false,"config":{"hnsw":{},
             "spann":{}}}}},"keys":{}})",
             "Both spann and hnsw config cannot be present at the same time."},
        Case{R"({"defaults":{"sparse_vector":{"sparse_vector_index":{"enabled":true,"config":{}}}},
             "keys":{}})",
             "Sparse vector index cannot be enabled by default. Please enable sparse vector index "
             "on specific keys. At most one sparse vector index is allowed for the collection."},
        Case{R"({"defaults":{"string":{"fts_index":{"enabled":true,"config":{}}}},"keys":{}})",
             "Full text search / regular expression index cannot be enabled by default. It can "
             "only be enabled on #document field."},
        Case{R"({"defaults":{},"keys":{"#x":{}}})",
             "key cannot begin with '#'. Keys starting with '#' are reserved for system use: #x"},
        Case{R"({"defaults":{},"keys":{"#document":{"int":{}}}})",
             "Document field cannot have any value types other than string: #document"},
        Case{R"({"defaults":{},"keys":{"#embedding":{"string":{}}}})",
             "Embedding field cannot have any value types other than float_list: #embedding"},
        Case{R"({"defaults":{},"keys":{"x":{"float_list":{"vector_index":{"enabled":true,
             "config":{}}}}}})",
             "Vector index can only be enabled on #embedding field: x"},
        Case{R"({"defaults":{},"keys":{"#embedding":{"float_list":{"vector_index":{"enabled":true,
             "config":{"source_key":"x"}}}}}})",
             "Vector index can only source from #document"},
        Case{R"({"defaults":{},"keys":{"x":{"sparse_vector":{"sparse_vector_index":{"enabled":true,
             "config":{"source_key":"a"}}}}}})",
             "If source_key is provided then embedding_function must also be provided since there "
             "is no default embedding function."},
        Case{R"({"defaults":{},"keys":{"x":{"sparse_vector":{"sparse_vector_index":{"enabled":true,
             "config":{"source_key":"#a"}}}}}})",
             "source_key cannot begin with '#'. The only valid key starting with '#' is "
             "Key.DOCUMENT or '#document'."},
        Case{
            R"({"defaults":{},"keys":{"x":{"string":{"fts_index":{"enabled":true,"config":{}}}}}})",
            "Full text search / regular expression index can only be enabled on #document field: "
            "x"},
        Case{R"({"defaults":{},"keys":{"#document":{"string":{"string_inverted_index":
             {"enabled":true,"config":{}}}}}})",
             "String inverted index can not be enabled on #document key: #document"},
        Case{R"({"defaults":{},"keys":{},"cmek":{"gcp":"bad"}})",
             R"(CMEK does not match expected pattern: Gcp("bad"))"},
        Case{
            R"({"defaults":{},"keys":{},"cmek":
             {"gcp":"projects//locations/l/keyRings/r/cryptoKeys/k"}})",
            R"(CMEK does not match expected pattern: )"
            R"(Gcp("projects//locations/l/keyRings/r/cryptoKeys/k"))"},
        Case{
            R"({"defaults":{},"keys":{},"cmek":
             {"gcp":"projects/p/locations/l/keyRings/r/cryptoKeys/"}})",
            R"(CMEK does not match expected pattern: )"
            R"(Gcp("projects/p/locations/l/keyRings/r/cryptoKeys/"))"},
        Case{
            R"({"defaults":{},"keys":{},"cmek":
             {"gcp":"projects/p/locations/l/keyRings/r/cryptoKeys/k"}})",
            ""}));

}  // namespace
}  // namespace chroma::model
