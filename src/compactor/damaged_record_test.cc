// Updates of records that are damaged: the log is drained all the same, nothing that can be read is
// lost, and what cannot be is said until it is mended.
#include <gtest/gtest.h>

#include "compactor/compaction.h"
#include "compactor/test_support.h"
#include "testing/seeded_random.h"

namespace chroma::compactor {
namespace {

using model::Operation;

constexpr int kRecords = 10;

class DamagedRecordTest : public CompactorTest {
 protected:
  // Records id0 … id9, settled; then the document of id3 is damaged.
  DamagedRecordTest() {
    model::RecordBatch batch;
    batch.vectors.dimension = 1;
    for (int i = 0; i < kRecords; ++i) {
      batch.ids.push_back("id" + std::to_string(i));
      batch.vectors.values.push_back(static_cast<float>(i));
      batch.documents.push_back(DocumentOf(i));
      batch.metadatas.push_back(Keys({{"n", int64_t{i}}, {"old", int64_t{i}}}));
    }
    Append(batch);
    EXPECT_TRUE(CompactOnce()->settled);
    for (const std::string& blob : Blobs()) {
      if (blob.ends_with(".segment")) path_ = "/db/blobs/" + blob;
    }
    whole_ = files_.Content(path_);
    const size_t at = whole_.find(DocumentOf(3));
    EXPECT_NE(at, Bytes::npos);
    Bytes damaged = whole_;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    files_.SetContent(path_, damaged);
    Reopen();
  }

  // Does not compress, and fills a block.
  static std::string DocumentOf(int i) {
    testing::SeededRandom random(static_cast<uint64_t>(i));
    std::string text;
    while (text.size() < 5000) text.push_back(static_cast<char>(random.Below(256)));
    return text;
  }
  static model::Metadata Keys(std::vector<model::Metadata::Entry> entries) {
    return model::Metadata::FromEntries(std::move(entries));
  }
  void Append(const model::RecordBatch& batch) {
    const auto offset =
        log_->Append(ctx_, id_, log::EncodeBatch(batch), static_cast<uint32_t>(batch.size()));
    ASSERT_TRUE(offset.ok()) << offset.status().ToString();
  }
  void Update(const std::string& id, std::optional<float> vector,
              std::optional<std::string> document, std::optional<model::Metadata> metadata) {
    model::RecordBatch batch;
    batch.operation = Operation::kUpdate;
    batch.ids = {id};
    if (vector) batch.vectors = {1, {*vector}};
    if (document) batch.documents = {document};
    if (metadata) batch.metadatas = {metadata};
    Append(batch);
  }
  Result<executor::Records> Get(const std::string& id, model::IncludeSet include) {
    planner::GetPlan plan;
    plan.predicate = planner::Predicate{planner::IdIn{{id}}};
    plan.include = include;
    return node_->Get(ctx_, Published(), plan);
  }
  // The log is empty, and so it stays when there is nothing else to be done.
  void CompactAll() {
    auto outcome = CompactOnce();
    ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
    EXPECT_TRUE(outcome->published);
    EXPECT_EQ(log_->BacklogBytes(id_), 0u);
    outcome = CompactOnce();
    ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
    EXPECT_FALSE(outcome->published);
  }
  void ExpectDamaged(const std::string& id) {
    const auto read = Get(id, model::kIncludeDocuments);
    EXPECT_EQ(read.status().code(), StatusCode::kDataLoss);
    EXPECT_NE(read.status().message().find("record \"" + id + "\""), std::string_view::npos)
        << read.status().ToString();
  }
  // What Update gave it and what it had, but for its document.
  void ExpectUpdated(const std::string& id, float vector, const model::Metadata& metadata) {
    const auto read = Get(id, model::kIncludeMetadatas | model::kIncludeEmbeddings);
    ASSERT_TRUE(read.ok()) << read.status().ToString();
    ASSERT_EQ(read->ids, std::vector<std::string>{id});
    EXPECT_EQ(read->embeddings.values, std::vector<float>{vector});
    EXPECT_EQ(*read->metadatas[0], metadata);
  }
  void ExpectWhole(const std::string& id, const std::string& document) {
    const auto read = Get(id, model::kIncludeDocuments);
    ASSERT_TRUE(read.ok()) << read.status().ToString();
    EXPECT_EQ(read->documents[0], document);
  }
  bool IsSettledNow() { return catalog_->ListHeads(ctx_)->at(0).settled; }

  std::string path_;
  Bytes whole_;
};

TEST_F(DamagedRecordTest, ItsUpdateDoesNotKeepTheLogFromBeingDrained) {
  Update("id3", std::nullopt, std::nullopt, Keys({{"n", int64_t{30}}, {"old", std::monostate()}}));
  Update("id4", 40, std::nullopt, std::nullopt);
  Write(Operation::kAdd, 10, 5);
  const model::Metadata updated = Keys({{"n", int64_t{30}}});
  ExpectUpdated("id3", 3, updated);
  ExpectDamaged("id3");
  CompactAll();
  EXPECT_FALSE(IsSettledNow());
  for (const bool reopened : {false, true}) {
    SCOPED_TRACE(reopened);
    if (reopened) Reopen();
    EXPECT_EQ(Ids(), Numbered(0, 15));
    ExpectUpdated("id3", 3, updated);
    ExpectDamaged("id3");
    ExpectUpdated("id4", 40, Keys({{"n", int64_t{4}}, {"old", int64_t{4}}}));
    ExpectWhole("id4", DocumentOf(4));
  }
  // It goes on being updated: what is carried is one update for each record.
  for (int i = 0; i < 3; ++i) {
    Update("id3", static_cast<float>(100 + i), std::nullopt, Keys({{"more", int64_t{i}}}));
    Write(Operation::kAdd, 15 + i, 1);
    CompactAll();
    ExpectUpdated("id3", static_cast<float>(100 + i),
                  Keys({{"n", int64_t{30}}, {"more", int64_t{i}}}));
    ExpectDamaged("id3");
  }
  EXPECT_EQ(Ids(), Numbered(0, 18));
  const auto live = *node_->Open(ctx_, Published());
  EXPECT_EQ(log::DecodeBatch(live->version()->manifest.carried)->rows.size(), 1u);
}

TEST_F(DamagedRecordTest, OnceTheSegmentIsMendedItIsMerged) {
  Update("id3", 33, std::nullopt, Keys({{"n", int64_t{30}}}));
  CompactAll();
  files_.SetContent(path_, whole_);
  Reopen();
  ExpectUpdated("id3", 33, Keys({{"n", int64_t{30}}, {"old", int64_t{3}}}));
  ExpectWhole("id3", DocumentOf(3));
  CompactAll();
  EXPECT_TRUE(IsSettledNow());
  EXPECT_EQ(Blobs().size(), 2u);
  Reopen();
  EXPECT_EQ(Ids(), Numbered(0, kRecords));
  ExpectUpdated("id3", 33, Keys({{"n", int64_t{30}}, {"old", int64_t{3}}}));
  ExpectWhole("id3", DocumentOf(3));
}

TEST_F(DamagedRecordTest, OnceTheLostColumnIsGivenItIsWhole) {
  Update("id3", 33, std::nullopt, Keys({{"n", int64_t{30}}}));
  CompactAll();
  Reopen();
  Update("id3", std::nullopt, "a new document", std::nullopt);
  CompactAll();
  EXPECT_TRUE(IsSettledNow());
  ExpectWhole("id3", "a new document");
  ExpectUpdated("id3", 33, Keys({{"n", int64_t{30}}, {"old", int64_t{3}}}));
  EXPECT_EQ(Ids(), Numbered(0, kRecords));
}

TEST_F(DamagedRecordTest, OnceItIsDeletedItIsGone) {
  Update("id3", 33, std::nullopt, std::nullopt);
  CompactAll();
  Write(Operation::kDelete, 3, 1);
  CompactAll();
  EXPECT_TRUE(IsSettledNow());
  Reopen();
  std::vector<std::string> left = Numbered(0, kRecords);
  left.erase(left.begin() + 3);
  EXPECT_EQ(Ids(), left);
  EXPECT_EQ(Blobs().size(), 2u);
}

// A doctor may have dropped the record from its segment.
TEST_F(DamagedRecordTest, OnceItsRowIsGoneNothingIsCarried) {
  Update("id3", 33, std::nullopt, std::nullopt);
  CompactAll();
  auto collection = *catalog_->GetCollectionById(ctx_, id_);
  format::Manifest manifest = (*node_->Open(ctx_, Published()))->version()->manifest;
  ++manifest.version;
  manifest.segments[0].deleted.Add(3);
  ASSERT_TRUE(Publish(ctx_, SeamsHere(), collection, manifest, false, {}).ok());
  Reopen();
  CompactAll();
  EXPECT_TRUE(IsSettledNow());
  EXPECT_EQ(Ids().size(), size_t{kRecords - 1});
}

TEST_F(DamagedRecordTest, NoMoreIsCarriedThanMemoryHasRoomFor) {
  merging_.tail_bytes_max = 100;
  Update("id3", std::nullopt, std::nullopt, Keys({{"n", std::string(200, 'x')}}));
  EXPECT_EQ(CompactOnce().status().code(), StatusCode::kDataLoss);
  EXPECT_GT(log_->BacklogBytes(id_), 0u);
  EXPECT_EQ(Ids(), Numbered(0, kRecords));
}

}  // namespace
}  // namespace chroma::compactor
