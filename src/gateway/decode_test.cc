#include "gateway/decode.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>

#include "base/base64.h"

namespace chroma::gateway {
namespace {

using Decoder = std::function<void(JsonReader&)>;
using model::Operation;

Decoder Write(Operation operation) {
  return [operation](JsonReader& r) { static_cast<void>(DecodeWrite(r, operation)); };
}
template <typename F>
Decoder Drop(F decode) {
  return [decode](JsonReader& r) { static_cast<void>(decode(r)); };
}

struct Case {
  const char* body;
  const char* error;  // "400 …" syntax, "422 …" shape
};

void Check(const Decoder& decode, std::initializer_list<Case> cases) {
  for (const Case& c : cases) {
    JsonReader reader(c.body);
    decode(reader);
    if (reader.ok()) {
      EXPECT_STREQ("ok", c.error) << c.body;
      continue;
    }
    const bool syntax = reader.error().kind == JsonError::Kind::kSyntax;
    EXPECT_EQ((syntax ? "400 " : "422 ") + reader.error().message, c.error) << c.body;
  }
}

// The texts below were recorded from the reference server.

TEST(DecodeWriteTest, ErrorsOfAdd) {
  Check(Write(Operation::kAdd),
        {{R"({"ids":["a"],})", "400 trailing comma at line 1 column 14"},
         {R"({'ids':['a']})", "400 key must be a string at line 1 column 2"},
         {R"({"ids":["\ud800"],"embeddings":[[1]]})",
          "400 ids[0]: unexpected end of hex escape at line 1 column 16"},
         {"{\"ids\":[\"a\nb\"],\"embeddings\":[[1]]}",
          "400 ids[0]: control character (\\u0000-\\u001F) found while parsing a string at line 2 "
          "column 0"},
         {R"({"ids":["a"],"embeddings":[[NaN]]})",
          "400 embeddings[0][0]: expected value at line 1 column 29"},
         {R"({"ids":["a"],"embeddings":[[1e400]]})",
          "400 embeddings[0][0]: number out of range at line 1 column 33"},
         {R"({"ids":["a"]})", "422 missing field `embeddings` at line 1 column 13"},
         {R"({"embeddings":[[1]]})", "422 missing field `ids` at line 1 column 20"},
         {R"({"ids":null,"embeddings":[[1]]})",
          "422 ids: invalid type: null, expected a sequence at line 1 column 11"},
         {R"({"ids":[1],"embeddings":[[1]]})",
          "422 ids[0]: invalid type: integer `1`, expected a string at line 1 column 9"},
         {R"({"ids":["a"],"embeddings":null})",
          "422 embeddings: data did not match any variant of untagged enum EmbeddingsPayload at "
          "line 1 column 31"},
         {R"({"ids":["a"],"embeddings":[[1,null]]})",
          "422 embeddings: data did not match any variant of untagged enum EmbeddingsPayload at "
          "line 1 column 37"},
         {R"({"ids":["a"],"embeddings":[null]})",
          "422 embeddings: data did not match any variant of untagged enum EmbeddingsPayload at "
          "line 1 column 33"},
         {R"({"ids":["a"],"embeddings":[["1"]]})",
          "422 embeddings: data did not match any variant of untagged enum EmbeddingsPayload at "
          "line 1 column 34"},
         {R"({"ids":["z","y"],"embeddings":["AACAPwAAAEA=",[1,2]]})",
          "422 embeddings: data did not match any variant of untagged enum EmbeddingsPayload at "
          "line 1 column 53"},
         {R"({"ids":["a"],"embeddings":[[1]],"documents":"x"})",
          "422 documents: invalid type: string \"x\", expected a sequence at line 1 column 47"},
         {R"({"ids":["a"],"embeddings":[[1]],"documents":[5]})",
          "422 documents[0]: invalid type: integer `5`, expected a string at line 1 column 46"},
         {R"({"ids":["a"],"embeddings":[[1]],"metadatas":{}})",
          "422 metadatas: invalid type: map, expected a sequence at line 1 column 44"},
         {R"({"ids":["a"],"embeddings":[[1]],"metadatas":[{"k":null}]})",
          "422 metadatas[0].k: data did not match any variant of untagged enum MetadataValue at "
          "line 1 column 55"},
         {R"({"ids":["a"],"embeddings":[[1]],"metadatas":[{"k":[1,"x"]}]})",
          "422 metadatas[0].k: data did not match any variant of untagged enum MetadataValue at "
          "line 1 column 58"},
         {R"({"ids":["a"],"embeddings":[[1]],"metadatas":[{"k":{"#type":"bogus","indices":[1],)"
          R"("values":[0.5]}}]})",
          "422 metadatas[0].k: data did not match any variant of untagged enum MetadataValue at "
          "line 1 column 97"},
         {R"({"ids":["a"],"embeddings":[[1]],"unknown":{"deep":[1,{"x":null}]}})", "ok"}});
}

TEST(DecodeWriteTest, ErrorsOfUpdateAndUpsert) {
  Check(Write(Operation::kUpdate),
        {{"{}", "422 missing field `ids` at line 1 column 2"},
         {R"({"ids":["a"]})", "ok"},
         {R"({"ids":["a"],"embeddings":null,"documents":null,"uris":null,"metadatas":null})", "ok"},
         {R"({"ids":["a"],"metadatas":[{"x":{"y":1}}]})",
          "422 metadatas[0].x: data did not match any variant of untagged enum "
          "UpdateMetadataValue at line 1 column 39"}});
  Check(
      Write(Operation::kUpsert),
      {{R"({"ids":["a"],"documents":["x"]})", "422 missing field `embeddings` at line 1 column 31"},
       {R"({"ids":["a"],"embeddings":[null]})",
        "422 embeddings: data did not match any variant of untagged enum EmbeddingsPayload at "
        "line 1 column 33"},
       {R"({"ids":["a"],"embeddings":[[1]],"metadatas":[{"x":null}]})", "ok"}});
}

TEST(DecodeReadTest, ErrorsOfGet) {
  Check(Drop(DecodeGet),
        {{"", "400 EOF while parsing a value at line 1 column 0"},
         {"{", "400 EOF while parsing an object at line 1 column 1"},
         {R"({"ids":})", "400 ids: expected value at line 1 column 8"},
         {"{} x", "400 trailing characters at line 1 column 4"},
         {"{\"ids\":[\"\xff\"]}", "400 ids[0]: invalid unicode code point at line 1 column 11"},
         {"null", "422 invalid type: null, expected struct GetRequestPayload at line 1 column 4"},
         {"[]", "422 invalid type: sequence, expected struct GetRequestPayload at line 1 column 0"},
         {R"("s")",
          "422 invalid type: string \"s\", expected struct GetRequestPayload at line 1 column 3"},
         {R"({"ids":["a"],"ids":["b"]})", "422 duplicate field `ids` at line 1 column 18"},
         {R"({"include":null})",
          "422 include: invalid type: null, expected a sequence at line 1 column 15"},
         {R"({"include":["data"]})",
          "422 include[0]: unknown variant `data`, expected one of `distances`, `documents`, "
          "`embeddings`, `metadatas`, `uris` at line 1 column 18"},
         {R"({"include":[1]})", "400 include[0]: expected value at line 1 column 13"},
         {R"({"limit":-1})",
          "422 limit: invalid value: integer `-1`, expected u32 at line 1 column 11"},
         {R"({"limit":1.5})",
          "422 limit: invalid type: floating point `1.5`, expected u32 at line 1 column 12"},
         {R"({"limit":4294967296})",
          "422 limit: invalid value: integer `4294967296`, expected u32 at line 1 column 19"},
         {R"({"limit":null,"offset":null,"ids":null,"where":null})", "ok"}});
}

TEST(DecodeReadTest, ErrorsOfQueryDeleteAndSearch) {
  Check(Drop(DecodeQuery),
        {{R"({"query_embeddings":null})",
          "422 query_embeddings: invalid type: null, expected a sequence at line 1 column 24"},
         {R"({"n_results":3})", "422 missing field `query_embeddings` at line 1 column 15"},
         {R"({"query_embeddings":["AACAPw=="]})",
          "422 query_embeddings[0]: invalid type: string \"AACAPw==\", expected a sequence at "
          "line 1 column 31"},
         {R"({"query_embeddings":[[1,null]]})",
          "422 query_embeddings[0][1]: invalid type: null, expected f32 at line 1 column 28"}});
  Check(Drop(DecodeDelete),
        {{R"({"ids":[5]})",
          "422 ids[0]: invalid type: integer `5`, expected a string at line 1 column 9"},
         {"{}", "ok"}});
  Check(Drop(DecodeSearch),
        {{"{}", "422 missing field `searches` at line 1 column 2"},
         {R"({"searches":[{}],"read_level":"bogus"})",
          "422 read_level: unknown variant `bogus`, expected one of `index_and_wal`, "
          "`index_only`, `index_and_bounded_wal` at line 1 column 37"},
         {R"({"searches":[{"filter":{}},{"filter":null}]})", "ok"}});
}

TEST(DecodeAdminTest, Errors) {
  Check(
      Drop([](JsonReader& r) { return DecodeName(r, "CreateTenantPayload"); }),
      {{"{}", "422 missing field `name` at line 1 column 2"},
       {R"({"name":null})", "422 name: invalid type: null, expected a string at line 1 column 12"},
       {R"(["t"])", "ok"}});
  Check(Drop(DecodeUpdateTenant), {{"{}", "422 missing field `resource_name` at line 1 column 2"}});
  Check(Drop(DecodeFork), {{"{}", "422 missing field `new_name` at line 1 column 2"}});
  Check(CheckAttachFunction,
        {{R"({"name":"fn"})", "422 missing field `function_id` at line 1 column 13"}});
  Check(Drop(DecodeCreateCollection),
        {{"{}", "422 missing field `name` at line 1 column 2"},
         {R"({"name":1})",
          "422 name: invalid type: integer `1`, expected a string at line 1 "
          "column 9"},
         {R"({"name":"abc","get_or_create":null})",
          "422 get_or_create: invalid type: null, expected a boolean at line 1 column 34"},
         {R"({"name":"abc","metadata":[]})",
          "422 metadata: invalid type: sequence, expected a map at line 1 column 25"},
         {R"({"name":"abc","configuration":null,"schema":null,"metadata":null})", "ok"},
         {R"(["abc",null,null,null,true])", "ok"}});
}

TEST(DecodeWriteTest, ColumnsAndShape) {
  JsonReader reader(R"({"ids":["a","b"],"embeddings":[[1,2],[3,4]],"documents":["x",null],
      "uris":[null,""],"metadatas":[{"k":1},null]})");
  const WriteBody body = DecodeWrite(reader, Operation::kAdd);
  ASSERT_TRUE(reader.ok()) << reader.error().message;
  const model::RecordBatch& batch = body.request.batch;
  EXPECT_EQ(batch.operation, Operation::kAdd);
  EXPECT_EQ(batch.ids, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(batch.vectors.dimension, 2u);
  EXPECT_EQ(batch.vectors.values, (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(batch.documents[0], "x");
  EXPECT_EQ(batch.documents[1], std::nullopt);
  EXPECT_EQ(batch.uris[1], "");
  ASSERT_EQ(batch.metadatas.size(), 2u);
  EXPECT_FALSE(batch.metadatas[1]);
  const model::BatchShape& shape = body.request.shape;
  EXPECT_EQ(shape.embeddings, 2u);
  EXPECT_EQ(shape.vector_lengths, (std::vector<uint32_t>{2, 2}));
  EXPECT_EQ(shape.documents, 2u);
  EXPECT_EQ(shape.uris, 2u);
  EXPECT_EQ(shape.metadatas, 2u);
  EXPECT_FALSE(body.base64);
}

TEST(DecodeWriteTest, AbsentColumnsAreAbsentInTheShape) {
  JsonReader reader(R"({"ids":["a"],"embeddings":null,"documents":[]})");
  const WriteBody body = DecodeWrite(reader, Operation::kUpdate);
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ(body.request.shape.embeddings, std::nullopt);
  EXPECT_EQ(body.request.shape.documents, 0u);
  EXPECT_EQ(body.request.shape.uris, std::nullopt);
}

TEST(DecodeWriteTest, PositionalBody) {
  JsonReader reader(R"([["a"],[[1]],["d"],null,[{"k":true}]])");
  const WriteBody body = DecodeWrite(reader, Operation::kAdd);
  ASSERT_TRUE(reader.ok()) << reader.error().message;
  EXPECT_EQ(body.request.batch.documents[0], "d");
  EXPECT_TRUE(body.request.batch.metadatas[0]);
  Check(Write(Operation::kAdd),
        {{R"([["a"],[[1]],null,null])",
          "422 invalid length 4, expected struct AddCollectionRecordsPayload with 5 elements at "
          "line 1 column 23"}});
}

TEST(DecodeWriteTest, UpdateLeavesOutNullVectors) {
  JsonReader reader(R"({"ids":["a","b","c"],"embeddings":[null,[1,2],null]})");
  const WriteBody body = DecodeWrite(reader, Operation::kUpdate);
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ(body.request.shape.embeddings, 3u);
  EXPECT_EQ(body.request.shape.vector_lengths, (std::vector<uint32_t>{2}));
  EXPECT_EQ(body.request.batch.has_vector, (std::vector<uint8_t>{0, 1, 0}));
  EXPECT_EQ(body.request.batch.vectors.values, (std::vector<float>{1, 2}));
}

WriteBody Base64Body(const std::string& texts, Operation operation = Operation::kUpdate) {
  const std::string json = R"({"ids":["a"],"embeddings":[)" + texts + "]}";
  JsonReader reader(json);
  WriteBody body = DecodeWrite(reader, operation);
  EXPECT_TRUE(reader.ok()) << reader.error().message;
  return body;
}

TEST(Base64VectorTest, Decodes) {
  const Result<engine::WriteRequest> request =
      ToWriteRequest(Base64Body(R"(null,"AACAPwAAAEA=",null,"AABAQAAAgEA=")"));
  ASSERT_TRUE(request.ok()) << request.status().ToString();
  EXPECT_EQ(request->batch.vectors.dimension, 2u);
  EXPECT_EQ(request->batch.vectors.values, (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(request->batch.has_vector, (std::vector<uint8_t>{0, 1, 0, 1}));
  EXPECT_EQ(request->shape.embeddings, 4u);
  EXPECT_EQ(request->shape.vector_lengths, (std::vector<uint32_t>{2, 2}));
}

TEST(Base64VectorTest, Empty) {
  const Result<engine::WriteRequest> request = ToWriteRequest(Base64Body(R"("")"));
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->shape.vector_lengths, (std::vector<uint32_t>{0}));
}

TEST(Base64VectorTest, Errors) {
  const auto encoded = [](float value) {
    return "\"" + Base64Encode(std::string_view(reinterpret_cast<const char*>(&value), 4)) + "\"";
  };
  const float infinity = std::numeric_limits<float>::infinity();
  const std::pair<std::string, const char*> cases[] = {
      {R"("!!!")", "Invalid base64 string: Invalid symbol 33, offset 0."},
      {R"("AAA")", "Invalid base64 string: Invalid padding"},
      {R"("A")", "Invalid base64 string: Invalid input length: 1"},
      {R"("AAAAAB==")", "Invalid base64 string: Invalid last symbol 66, offset 5."},
      {R"("AAAA")",
       "Invalid byte length: 3 bytes cannot be converted to f32 values (must be divisible by 4)"},
      {encoded(std::numeric_limits<float>::quiet_NaN()),
       "Non-finite float value at embedding index 0: NaN"},
      {encoded(infinity), "Non-finite float value at embedding index 0: inf"},
      {encoded(-infinity), "Non-finite float value at embedding index 0: -inf"},
  };
  for (const auto& [text, error] : cases) {
    const Result<engine::WriteRequest> request = ToWriteRequest(Base64Body(text));
    ASSERT_FALSE(request.ok()) << text;
    EXPECT_EQ(request.status().code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(request.status().message(), error) << text;
  }
}

// Nulls before and between strings, in every place: the two forms must describe the same rows.
TEST(Base64VectorTest, MixesWithNullsOnlyInUpdates) {
  Check(Write(Operation::kUpdate), {{R"({"ids":["a"],"embeddings":[null,null]})", "ok"},
                                    {R"({"ids":["a"],"embeddings":["AACAPw==",null]})", "ok"}});
  Check(Write(Operation::kAdd),
        {{R"({"ids":["a"],"embeddings":["AACAPw==",null]})",
          "422 embeddings: data did not match any variant of untagged enum EmbeddingsPayload at "
          "line 1 column 44"}});
}

TEST(DecodeGetTest, FieldsAndDefaults) {
  JsonReader empty("{}");
  Result<engine::GetRequest> request = ToGetRequest(DecodeGet(empty));
  ASSERT_TRUE(request.ok());
  EXPECT_FALSE(request->ids || request->where || request->where_document || request->limit);
  EXPECT_EQ(request->include, model::kIncludeDocuments | model::kIncludeMetadatas);

  JsonReader full(R"({"ids":["a"],"where":{"k":1},"where_document":{"$contains":"x"},"limit":5,
      "offset":6,"include":["uris","distances","uris"]})");
  GetBody body = DecodeGet(full);
  ASSERT_TRUE(full.ok()) << full.error().message;
  EXPECT_EQ(body.include, (std::vector<model::Include>{
                              model::kIncludeUris, model::kIncludeDistances, model::kIncludeUris}));
  request = ToGetRequest(std::move(body));
  ASSERT_TRUE(request.ok()) << request.status().ToString();
  EXPECT_EQ(request->ids, (std::vector<std::string>{"a"}));
  EXPECT_TRUE(request->where && request->where_document);
  EXPECT_EQ(request->limit, 5u);
  EXPECT_EQ(request->offset, 6u);
  EXPECT_EQ(request->include, model::kIncludeUris | model::kIncludeDistances);
}

TEST(DecodeGetTest, BadFilters) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"where":{}})", "Invalid where clause"},
      {R"({"where":[]})", "Invalid where clause"},
      {R"({"where_document":{}})", "Invalid where document clause"},
      {R"({"where_document":{},"where":{}})", "Invalid where clause"},
  };
  for (const auto& [text, error] : cases) {
    JsonReader reader(text);
    const Result<engine::GetRequest> request = ToGetRequest(DecodeGet(reader));
    ASSERT_TRUE(reader.ok()) << text;
    ASSERT_FALSE(request.ok()) << text;
    EXPECT_EQ(request.status().message(), error) << text;
  }
}

TEST(DecodeGetTest, RefusesATreeOfTooManyValues) {
  std::string text = R"({"where":{"k":{"$in":[0)";
  for (size_t i = 0; i < model::kJsonTreeValuesMax; ++i) text += ",0";
  text += "]}}}";
  JsonReader reader(text);
  DecodeGet(reader);
  ASSERT_FALSE(reader.ok());
  EXPECT_EQ(reader.error().kind, JsonError::Kind::kShape);
  EXPECT_NE(reader.error().message.find("more than 1000000 values"), std::string::npos)
      << reader.error().message;
}

TEST(DecodeQueryTest, VectorsAndDefaults) {
  JsonReader reader(R"({"query_embeddings":[[1,2],[3,4]],"n_results":null})");
  const Result<engine::QueryRequest> request = ToQueryRequest(DecodeQuery(reader));
  ASSERT_TRUE(reader.ok() && request.ok());
  EXPECT_EQ(request->queries.dimension, 2u);
  EXPECT_EQ(request->queries.values, (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(request->query_lengths, (std::vector<uint32_t>{2, 2}));
  EXPECT_EQ(request->n_results, model::kDefaultResults);
  EXPECT_EQ(request->include,
            model::kIncludeDocuments | model::kIncludeMetadatas | model::kIncludeDistances);
}

}  // namespace
}  // namespace chroma::gateway
