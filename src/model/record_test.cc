#include "model/record.h"

#include <gtest/gtest.h>

namespace chroma::model {
namespace {

TEST(ExtractReservedKeys, OverridesDocumentAndUri) {
  RecordBatch batch;
  batch.ids = {"a", "b", "c"};
  batch.documents = {"old", "kept", std::nullopt};
  batch.metadatas = {
      Metadata::FromEntries(
          {{"chroma:document", "new"}, {"chroma:uri", "u"}, {"chroma:x", int64_t{1}}}),
      std::nullopt, Metadata::FromEntries({{"k", int64_t{2}}})};
  ExtractReservedKeys(batch);
  EXPECT_EQ(batch.documents, (std::vector<std::optional<std::string>>{"new", "kept", {}}));
  EXPECT_EQ(batch.uris, (std::vector<std::optional<std::string>>{"u", {}, {}}));
  EXPECT_EQ(*batch.metadatas[0], Metadata::FromEntries({{"chroma:x", int64_t{1}}}));
  EXPECT_EQ(*batch.metadatas[2], Metadata::FromEntries({{"k", int64_t{2}}}));
}

TEST(ExtractReservedKeys, LeavesOtherBatchesAlone) {
  RecordBatch batch;
  batch.ids = {"a"};
  batch.metadatas = {Metadata::FromEntries({{"k", int64_t{2}}})};
  ExtractReservedKeys(batch);
  EXPECT_TRUE(batch.documents.empty());
  EXPECT_TRUE(batch.uris.empty());
}

TEST(ShapeOf, AnAddAlwaysHasVectors) {
  RecordBatch batch;
  batch.ids = {"a"};
  EXPECT_EQ(ShapeOf(batch).embeddings, 0u);
  batch.operation = Operation::kUpdate;
  EXPECT_EQ(ShapeOf(batch).embeddings, std::nullopt);
  batch.has_vector = {0};
  EXPECT_EQ(ShapeOf(batch).embeddings, 1u);
  EXPECT_TRUE(ShapeOf(batch).vector_lengths.empty());
  batch.vectors = {2, {1, 2}};
  batch.has_vector = {1};
  EXPECT_EQ(ShapeOf(batch).vector_lengths, std::vector<uint32_t>{2});
}

}  // namespace
}  // namespace chroma::model
