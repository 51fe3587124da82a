#include "model/validate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/json_reader.h"
#include "base/json_value.h"
#include "model/limits.h"

namespace chroma::model {
namespace {

Metadata One(std::string_view key, MetadataValue value) {
  Metadata metadata;
  metadata.Set(key, std::move(value));
  return metadata;
}

TEST(ValidateMetadata, ChecksKeysAndSparseVectors) {
  EXPECT_TRUE(ValidateMetadata(One("chroma:x", int64_t{1})).ok());
  EXPECT_TRUE(ValidateMetadata(One("é", SparseVector{{1, 2}, {1, 2}, {"a", "b"}})).ok());
  EXPECT_EQ(ValidateMetadata(One("", int64_t{1})).message(), "Metadata key cannot be empty");
  EXPECT_EQ(ValidateMetadata(One("#a", int64_t{1})).message(),
            "Metadata key cannot start with '#' or '$': #a");
  EXPECT_EQ(ValidateMetadata(One("$a", int64_t{1})).message(),
            "Metadata key cannot start with '#' or '$': $a");
  EXPECT_EQ(ValidateMetadata(One("k", SparseVector{{2, 2}, {1, 2}, {}})).message(),
            "Invalid sparse vector: Sparse vector indices must be sorted in strictly ascending "
            "order (no duplicates)");
  for (const SparseVector& vector :
       {SparseVector{{1, 2}, {1}, {}}, SparseVector{{1, 2}, {1, 2}, {"t"}}}) {
    EXPECT_EQ(ValidateMetadata(One("k", vector)).message(),
              "Invalid sparse vector: Sparse vector indices, values, and tokens (when present) "
              "must have the same length");
  }
  for (const float value : {INFINITY, -INFINITY, NAN}) {
    EXPECT_EQ(
        ValidateMetadata(One("k", SparseVector{{1, 2}, {1, value}, {}})).message(),
        "Invalid sparse vector: Sparse vector values must not contain NaN or Infinity values");
  }
}

TEST(ValidateCreateCollection, JoinsFailingFields) {
  EXPECT_TRUE(ValidateCreateCollection("abc", std::nullopt, std::nullopt).ok());
  EXPECT_TRUE(
      ValidateCreateCollection("abc", One("k", std::vector<int64_t>{1}), std::nullopt).ok());
  EXPECT_EQ(ValidateCreateCollection("abc", Metadata(), std::nullopt).message(),
            "Validation error: metadata: Metadata cannot be empty");
  Schema schema;
  schema.keys["#x"];
  EXPECT_EQ(ValidateCreateCollection("a..b", One("", true), schema).message(),
            "Validation error: name: Expected a name that does not contains two consecutive "
            "periods (..). Got a..b\nmetadata: Metadata key cannot be empty\nschema: key cannot "
            "begin with '#'. Keys starting with '#' are reserved for system use: #x");
}

TEST(ValidateModifyCollection, NamesTheNewFields) {
  EXPECT_TRUE(ValidateModifyCollection(std::nullopt, std::nullopt).ok());
  EXPECT_TRUE(ValidateModifyCollection("abc", One("a", std::monostate())).ok());
  EXPECT_EQ(ValidateModifyCollection("a..b", Metadata()).message(),
            "Validation error: new_name: Expected a name that does not contains two consecutive "
            "periods (..). Got a..b\nnew_metadata: Metadata cannot be empty");
}

RecordBatch Batch(std::vector<std::string> ids, uint32_t dimension, std::vector<float> values) {
  RecordBatch batch;
  batch.ids = std::move(ids);
  batch.vectors = {dimension, std::move(values)};
  return batch;
}

TEST(ValidateRecordPayload, ReportsTheFirstProblem) {
  RecordBatch batch = Batch({"a"}, 1, {1});
  EXPECT_TRUE(ValidateRecordPayload(batch, {1}).ok());
  EXPECT_EQ(ValidateRecordPayload(batch, {1, 0}).message(),
            "Validation error: embeddings: Each embedding must have at least 1 dimension");
  batch.vectors.values[0] = std::numeric_limits<float>::infinity();
  EXPECT_EQ(ValidateRecordPayload(batch, {1}).message(),
            "Validation error: embeddings: Embeddings must not contain NaN or Infinity values");
  batch.vectors.values[0] = 1;
  const Metadata bad[] = {One("#k", true),
                          One("$k", true),
                          One("", true),
                          One("s", SparseVector{{2, 1}, {1, 1}, {}}),
                          One("chroma:document", std::monostate()),
                          One("chroma:uri", int64_t{5}),
                          One("chroma:document", BoolArray())};
  for (const Metadata& metadata : bad) {
    batch.metadatas = {std::nullopt, One("k", true), metadata};
    EXPECT_EQ(ValidateRecordPayload(batch, {1}).message(),
              "Validation error: metadatas: Invalid metadata at index 2");
  }
  batch.metadatas = {One("chroma:document", "text")};
  EXPECT_TRUE(ValidateRecordPayload(batch, {1}).ok());
}

TEST(ValidateDimensions, ComparesLengths) {
  EXPECT_TRUE(ValidateDimensions({}, std::nullopt).ok());
  EXPECT_TRUE(ValidateDimensions({}, 3).ok());
  EXPECT_TRUE(ValidateDimensions({3, 3}, 3).ok());
  EXPECT_TRUE(ValidateDimensions({3, 3}, std::nullopt).ok());
  EXPECT_EQ(ValidateDimensions({2, 1}, 3).message(),
            "Inconsistent dimensions in provided embeddings");
  EXPECT_EQ(ValidateDimensions({3}, 2).message(),
            "Collection expecting embedding with dimension of 2, got 3");
  EXPECT_EQ(ValidateDimensions({0}, 2).message(),
            "Collection expecting embedding with dimension of 2, got 0");
  EXPECT_TRUE(ValidateDimensions({kDimensionMax}, std::nullopt).ok());
  EXPECT_FALSE(ValidateDimensions({kDimensionMax + 1}, std::nullopt).ok());
}

constexpr std::string_view kLengths =
    "Inconsistent number of IDs, embeddings, documents, URIs and metadatas";

TEST(ValidateRecords, ComparesColumnLengths) {
  const RecordBatch batch = Batch({"a"}, 1, {1});
  EXPECT_TRUE(ValidateRecords(batch).ok());
  BatchShape good;
  good.embeddings = 1;
  good.documents = 1;
  EXPECT_TRUE(ValidateRecords(batch, good).ok());
  BatchShape shape = good;
  shape.documents = 0;
  EXPECT_EQ(ValidateRecords(batch, shape).message(), kLengths);
  shape = good;
  shape.uris = 0;
  EXPECT_EQ(ValidateRecords(batch, shape).message(), kLengths);
  shape = good;
  shape.metadatas = 2;
  EXPECT_EQ(ValidateRecords(batch, shape).message(), kLengths);
  EXPECT_EQ(ValidateRecords(Batch({"a", "b"}, 1, {1})).message(), kLengths);
  EXPECT_EQ(ValidateRecords(Batch({"a"}, 0, {})).message(), kLengths);
  RecordBatch update;
  update.operation = Operation::kUpdate;
  update.ids = {"a"};
  EXPECT_TRUE(ValidateRecords(update).ok());
}

TEST(ValidateRecords, RefusesEmptyIds) {
  EXPECT_EQ(ValidateRecords(Batch({"a", ""}, 1, {1, 2})).message(),
            "Empty ID, ID must have at least one character");
  RecordBatch batch = Batch({"a"}, 1, {1});
  batch.metadatas = {One("k", SparseVector{{1}, {0.5f}, {}})};
  EXPECT_TRUE(ValidateRecords(batch).ok());
}

TEST(ValidateDelete, NeedsSomethingToSelectBy) {
  using Ids = std::optional<std::vector<std::string>>;
  const Ids none;
  const Ids empty = std::vector<std::string>();
  const Ids some = std::vector<std::string>{"a"};
  EXPECT_TRUE(ValidateDelete(none, false, false, false).ok());
  EXPECT_TRUE(ValidateDelete(some, false, false, false).ok());
  EXPECT_TRUE(ValidateDelete(empty, true, false, true).ok());
  EXPECT_TRUE(ValidateDelete(none, false, true, true).ok());
  EXPECT_EQ(ValidateDelete(empty, false, false, false).message(),
            "Validation error: ids, where: Either ids or where must be specified");
  for (const Ids& ids : {none, some}) {
    EXPECT_EQ(ValidateDelete(ids, false, false, true).message(),
              "Validation error: limit, where: limit can only be specified when a where clause is "
              "provided");
  }
}

Status Check(std::string_view where, std::string_view schema_text) {
  JsonReader reader(schema_text);
  const auto schema = ResolveSchema(DecodeSchema(reader), std::nullopt, std::nullopt, 1);
  const auto filter = ParseWhere(*ParseJson(where), Dialect::kExtended);
  EXPECT_TRUE(schema.ok() && filter.ok()) << where;
  return ValidateFilterAgainstSchema(*filter, *schema);
}

TEST(ValidateFilterAgainstSchema, RefusesDisabledIndexes) {
  constexpr std::string_view kPlain = R"({"defaults":{},"keys":{}})";
  constexpr std::string_view kDisabled =
      R"({"defaults":{"int":{"int_inverted_index":{"enabled":false,"config":{}}}},
          "keys":{"cat":{"string":{"string_inverted_index":{"enabled":false,"config":{}}}},
          "#document":{"string":{"fts_index":{"enabled":false,"config":{}}}}}})";
  EXPECT_TRUE(Check(R"({"$or":[{"a":1},{"#document":{"$contains":"x"}}]})", kPlain).ok());
  EXPECT_EQ(Check(R"({"#document":"x"})", kPlain).message(),
            "Cannot filter using metadata key '#document' with type 'Str' because indexing is "
            "disabled");
  EXPECT_EQ(Check(R"({"$and":[{"a":1.5},{"cat":{"$contains":"x"}}]})", kDisabled).message(),
            "Cannot filter using metadata key 'cat' with type 'Str' because indexing is disabled");
  EXPECT_EQ(Check(R"({"$or":[{"dog":{"$phrase":"x"}},{"cat":{"$not_phrase":"x"}}]})", kDisabled)
                .message(),
            "Cannot filter using metadata key 'cat' with type 'Str' because indexing is disabled");
  EXPECT_EQ(Check(R"({"n":{"$nin":[1]}})", kDisabled).message(),
            "Cannot filter using metadata key 'n' with type 'Int' because indexing is disabled");
  EXPECT_TRUE(Check(R"({"cat":1.0})", kDisabled).ok());
  EXPECT_EQ(Check(R"({"#document":{"$regex":"x"}})", kDisabled).message(),
            "Cannot filter using full-text search because FTS indexing is disabled");
}

}  // namespace
}  // namespace chroma::model
