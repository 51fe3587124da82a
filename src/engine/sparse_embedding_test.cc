#include "engine/sparse_embedding.h"

#include <gtest/gtest.h>

#include <string>

#include "base/json_reader.h"
#include "index/text/bm25.h"

namespace chroma::engine {
namespace {

using model::SparseVector;

model::Schema SchemaOf(const std::string& config, bool enabled = true) {
  const std::string json =
      R"({"defaults":{},"keys":{"sp":{"sparse_vector":{"sparse_vector_index":{"enabled":)" +
      std::string(enabled ? "true" : "false") + R"(,"config":)" + config + "}}}}}";
  JsonReader reader(json);
  model::Schema schema = model::DecodeSchema(reader);
  reader.Finish();
  EXPECT_TRUE(reader.ok()) << json;
  return schema;
}

constexpr const char* kOfDocument =
    R"({"source_key":"#document","embedding_function":{"type":"known","name":"chroma_bm25","config":{}}})";
constexpr const char* kOfTitle =
    R"({"source_key":"title","embedding_function":{"type":"known","name":"chroma_bm25","config":{"k":1}}})";

const SparseVector* VectorOf(const model::RecordBatch& batch, size_t i) {
  if (batch.metadatas.empty() || !batch.metadatas[i]) return nullptr;
  const model::MetadataValue* value = batch.metadatas[i]->Find("sp");
  return value == nullptr ? nullptr : std::get_if<SparseVector>(value);
}

TEST(SparseEmbeddingTest, OfDocuments) {
  model::RecordBatch batch;
  batch.ids = {"a", "b", "c", "d"};
  batch.documents = {"running dogs", std::nullopt, "cats", "the"};
  EmbedSparseKeys(SchemaOf(kOfDocument), batch);
  ASSERT_EQ(batch.metadatas.size(), 4U);
  const index::Bm25 bm25;
  ASSERT_NE(VectorOf(batch, 0), nullptr);
  EXPECT_EQ(*VectorOf(batch, 0), bm25.Embed("running dogs"));
  EXPECT_FALSE(batch.metadatas[1].has_value());
  EXPECT_EQ(*VectorOf(batch, 2), bm25.Embed("cats"));
  EXPECT_EQ(*VectorOf(batch, 3), SparseVector());  // as clients do
}

// Of one token, tf + k (1 - b + b / avg_doc_length) is 0.
TEST(SparseEmbeddingTest, ConfigurationsThatDivideByZeroMakeNoVector) {
  model::RecordBatch batch;
  batch.ids = {"a", "b"};
  batch.documents = {"dogs", "dogs cats"};
  EmbedSparseKeys(SchemaOf(R"({"source_key":"#document","embedding_function":{"type":"known",
                               "name":"chroma_bm25","config":{"k":2,"b":2,"avg_doc_length":4}}})"),
                  batch);
  EXPECT_EQ(VectorOf(batch, 0), nullptr);
  EXPECT_NE(VectorOf(batch, 1), nullptr);
}

// A record that is updated ends as one that is added: the vector of its earlier text does not stay.
TEST(SparseEmbeddingTest, WhereNoVectorIsMadeAnEarlierOneGoes) {
  const model::Schema schema = SchemaOf(
      R"({"source_key":"#document","embedding_function":{"type":"known","name":"chroma_bm25",
          "config":{"k":2,"b":2,"avg_doc_length":4}}})");
  for (const auto operation : {model::Operation::kUpdate, model::Operation::kUpsert}) {
    model::RecordBatch batch;
    batch.operation = operation;
    batch.ids = {"a", "b", "c"};
    batch.documents = {"dogs", "dogs cats", std::nullopt};
    EmbedSparseKeys(schema, batch);
    ASSERT_TRUE(batch.metadatas.size() == 3 && batch.metadatas[0].has_value());
    const model::MetadataValue* removed = batch.metadatas[0]->Find("sp");
    EXPECT_TRUE(removed != nullptr && model::TypeOf(*removed) == model::ValueType::kNull);
    EXPECT_NE(VectorOf(batch, 1), nullptr);
    EXPECT_FALSE(batch.metadatas[2].has_value());
  }
}

TEST(SparseEmbeddingTest, WhatIsSwitchedOnFillsOlderRecords) {
  const model::Schema off = SchemaOf(kOfDocument, false);
  using Fills = decltype(off.fills);
  const auto fills_of = [](const model::Schema& before, model::Schema after, uint64_t offset) {
    NoteFills(before, offset, &after);
    return after.fills;
  };
  EXPECT_EQ(fills_of(off, SchemaOf(kOfDocument), 5), (Fills{{"sp", 5}}));
  EXPECT_EQ(fills_of(model::Schema(), SchemaOf(kOfDocument), 5), (Fills{{"sp", 5}}));
  EXPECT_EQ(fills_of(off, SchemaOf(kOfDocument), 0), Fills()) << "nothing was ever written";
  model::Schema on = SchemaOf(kOfDocument);
  EXPECT_EQ(fills_of(on, SchemaOf(kOfDocument), 7), Fills()) << "on since it was made";
  on.fills = {{"sp", 5}};
  EXPECT_EQ(fills_of(on, SchemaOf(kOfDocument), 7), (Fills{{"sp", 5}}));
  EXPECT_EQ(fills_of(on, SchemaOf(kOfTitle), 7), (Fills{{"sp", 7}}));
  EXPECT_EQ(fills_of(on, off, 7), Fills());
  EXPECT_EQ(fills_of(off, SchemaOf(R"({"source_key":"#document"})"), 5), Fills());
  EXPECT_EQ(fills_of(off, SchemaOf(R"({"source_key":"#document","embedding_function":
                 {"type":"known","name":"chroma_bm25","config":{"k":"?"}}})"),
                     5),
            Fills());
}

TEST(SparseEmbeddingTest, WhatIsThereStays) {
  model::RecordBatch batch;
  batch.operation = model::Operation::kUpdate;
  batch.ids = {"a", "b", "c"};
  batch.documents = {"dogs", "dogs", "dogs"};
  batch.metadatas.resize(3);
  const SparseVector own{{1}, {2}, {}};
  batch.metadatas[0].emplace().Set("sp", own);
  batch.metadatas[1].emplace().Set("sp", std::monostate());  // to be removed
  batch.metadatas[2].emplace().Set("other", int64_t{1});
  EmbedSparseKeys(SchemaOf(kOfDocument), batch);
  EXPECT_EQ(*VectorOf(batch, 0), own);
  EXPECT_EQ(VectorOf(batch, 1), nullptr);
  EXPECT_NE(VectorOf(batch, 2), nullptr);
  EXPECT_NE(batch.metadatas[2]->Find("other"), nullptr);
}

TEST(SparseEmbeddingTest, OfMetadata) {
  model::RecordBatch batch;
  batch.ids = {"a", "b"};
  batch.documents = {"cats", "cats"};
  batch.metadatas.resize(2);
  batch.metadatas[0].emplace().Set("title", std::string("dogs"));
  batch.metadatas[1].emplace().Set("title", int64_t{1});
  EmbedSparseKeys(SchemaOf(kOfTitle), batch);
  index::Bm25Config config;
  config.k = 1;
  ASSERT_NE(VectorOf(batch, 0), nullptr);
  EXPECT_EQ(*VectorOf(batch, 0), index::Bm25(config).Embed("dogs"));
  EXPECT_EQ(VectorOf(batch, 1), nullptr);
}

TEST(SparseEmbeddingTest, NothingElseIsTouched) {
  for (const model::Schema& schema :
       {SchemaOf(kOfDocument, false), SchemaOf(R"({"source_key":"#document"})"), SchemaOf("{}"),
        SchemaOf(R"({"embedding_function":{"type":"known","name":"chroma_bm25","config":{}}})"),
        SchemaOf(R"({"source_key":"#document","embedding_function":
                 {"type":"known","name":"splade","config":{}}})"),
        SchemaOf(R"({"source_key":"#document","embedding_function":
                 {"type":"known","name":"chroma_bm25","config":{"k":"?"}}})")}) {
    model::RecordBatch batch;
    batch.ids = {"a"};
    batch.documents = {"dogs"};
    EmbedSparseKeys(schema, batch);
    EXPECT_TRUE(batch.metadatas.empty());
  }
}

std::vector<model::Search> TextSearch(const std::string& key, const std::string& text) {
  std::vector<model::Search> searches(2);
  searches[1].rank.emplace();
  model::Knn knn;
  knn.query = std::vector<float>{1};
  searches[1].rank->AddKnn(knn);
  knn.query = text;
  knn.key = key;
  searches[1].rank->AddKnn(knn);
  return searches;
}

TEST(SparseEmbeddingTest, TextsAsQueries) {
  const model::Schema schema = SchemaOf(kOfTitle);
  std::string key;
  for (const auto& [name, types] : schema.keys) {
    if (types.sparse_vector_index) key = name;
  }
  const auto embedded = EmbedQueries(schema, TextSearch(key, "the dogs"));
  ASSERT_TRUE(embedded.ok() && *embedded) << embedded.status().ToString();
  index::Bm25Config config;
  config.k = 1;
  const std::vector<model::Knn>& knns = (**embedded)[1].rank->knns;
  EXPECT_EQ(knns[0].query, TextSearch(key, "")[1].rank->knns[0].query);
  ASSERT_NE(knns[1].sparse(), nullptr);
  EXPECT_EQ(*knns[1].sparse(), index::Bm25(config).Embed("the dogs"));
  const auto nothing = EmbedQueries(schema, TextSearch(key, "the"));
  EXPECT_EQ((**nothing)[1].rank->knns[1].sparse()->indices.size(), 0U);

  EXPECT_FALSE(*EmbedQueries(schema, {model::Search()})) << "nothing was to be done";
  const Status unknown = EmbedQueries(schema, TextSearch("other", "dogs")).status();
  EXPECT_EQ(unknown.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(unknown.message(),
            "Validation error: searches[1].rank: $knn: the query is a text, and key 'other' has no "
            "embedding function that runs here: send a vector in its place");
}

}  // namespace
}  // namespace chroma::engine
