#include "compactor/indexer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "base/json_value.h"
#include "compactor/test_support.h"
#include "index/text/bm25.h"
#include "segment/missing_indexes.h"

namespace chroma::compactor {
namespace {

using model::Operation;

constexpr uint32_t kDimension = 24;
constexpr uint32_t kNeighbors = 10;

class IndexerTest : public CompactorTest {
 protected:
  IndexerTest() {
    dimension_ = kDimension;
    policy_.rows_min = 200;
    merging_.index = policy_;
    ReopenWithPolicy();
  }

  // The same for the same record and round.
  std::vector<float> VectorOf(int record) override {
    std::mt19937_64 random(static_cast<uint64_t>(record) * 1000 + static_cast<uint64_t>(round_));
    std::normal_distribution<float> normal;
    std::vector<float> vector(kDimension);
    for (float& value : vector) value = normal(random);
    return vector;
  }
  void ReopenWithPolicy() {
    node_ = std::make_unique<executor::LocalNode>(env_, *log_, *store_, pool_,
                                                  executor::LocalNodeOptions{.index = policy_});
  }
  Status IndexAll(runtime::Context& ctx) {
    Policy policy;
    policy.index = policy_;
    Indexer indexer(SeamsHere(), policy, locks_, nullptr);
    return indexer.IndexFully(ctx, id_);
  }
  void Index() {
    const Status indexed = IndexAll(ctx_);
    ASSERT_TRUE(indexed.ok()) << indexed.ToString();
  }
  void CompactAll() {
    const auto outcome = CompactOnce();
    ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  }
  const segment::PartIndexes* IndexesOf(size_t part) {
    version_ = (*node_->Open(ctx_, Published()))->version();
    return version_->parts.at(part).indexes.get();
  }
  std::vector<index::CalibrationPoint> CalibrationPoints() {
    return IndexesOf(0)->list.at(0).reader->index().calibration().points;
  }
  std::string IndexBlob() { return IndexesOf(0)->list.at(0).reader->blob(); }

  executor::QueryResult Query(const std::vector<float>& vector, uint32_t n_results) {
    planner::QueryPlan plan;
    plan.queries = {kDimension, vector};
    plan.n_results = n_results;
    auto result = node_->Query(ctx_, Published(), plan);
    EXPECT_TRUE(result.ok()) << result.status().ToString();
    return result.ok() ? *result : executor::QueryResult{{{}}, {{}}};
  }
  // The share of the truly nearest records that queries find. Distances must be exact, nearest
  // first, and of living records.
  double Recall(const std::vector<std::string>& living) {
    size_t hits = 0;
    for (int query = 0; query < 20; ++query) {
      const std::vector<float> vector = VectorOf(1'000'000 + query);
      std::vector<std::pair<float, std::string>> truth;
      for (const std::string& id : living) truth.emplace_back(DistanceTo(id, vector), id);
      std::sort(truth.begin(), truth.end());
      const executor::QueryResult found = Query(vector, kNeighbors);
      EXPECT_EQ(found.records[0].ids.size(), std::min<size_t>(kNeighbors, living.size()));
      for (size_t i = 0; i < found.records[0].ids.size(); ++i) {
        const std::string& id = found.records[0].ids[i];
        EXPECT_TRUE(std::find(living.begin(), living.end(), id) != living.end()) << id;
        EXPECT_FLOAT_EQ(found.distances[0][i], DistanceTo(id, vector));
        hits += found.distances[0][i] <= truth[kNeighbors - 1].first * 1.00001F ? 1 : 0;
      }
    }
    return static_cast<double>(hits) / (20 * kNeighbors);
  }
  float DistanceTo(const std::string& id, const std::vector<float>& vector) {
    const int record = std::stoi(id.substr(2));
    const int round = std::exchange(round_, replaced_.contains(record) ? 1 : 0);
    const std::vector<float> row = VectorOf(record);
    round_ = round;
    float sum = 0;
    for (uint32_t i = 0; i < kDimension; ++i) sum += (row[i] - vector[i]) * (row[i] - vector[i]);
    return sum;
  }
  void Replace(int first, int n) {
    round_ = 1;
    Write(Operation::kUpdate, first, n);
    round_ = 0;
    for (int i = first; i < first + n; ++i) replaced_.insert(i);
  }

  segment::IndexPolicy policy_;
  CollectionLocks locks_;
  int round_ = 0;
  std::set<int> replaced_;
  std::shared_ptr<const segment::Version> version_;
};

TEST_F(IndexerTest, IndexesASegmentOnce) {
  Write(Operation::kAdd, 0, 1000);
  CompactAll();
  EXPECT_EQ(IndexesOf(0), nullptr);
  EXPECT_EQ((*node_->Describe(ctx_, Published(), model::Schema())).indexed_operations, 0U);
  Index();
  ASSERT_NE(IndexesOf(0), nullptr);
  EXPECT_EQ(IndexesOf(0)->list.size(), 1U);
  EXPECT_TRUE(IndexesOf(0)->unindexed.Empty());
  EXPECT_EQ((*node_->Describe(ctx_, Published(), model::Schema())).indexed_operations, 1000U);
  EXPECT_GE(Recall(Numbered(0, 1000)), .95);
  const std::string blob = IndexBlob();
  Index();
  EXPECT_EQ(IndexBlob(), blob) << "nothing was to be done";
  ReopenWithPolicy();
  EXPECT_GE(Recall(Numbered(0, 1000)), .95);
  EXPECT_EQ(Blobs().size(), 3U);  // segment, index, manifest
}

// By the node, since the segments of a collection that is searched have changed.
TEST_F(IndexerTest, WhatIsNewIsReadBeforeSearchesCome) {
  constexpr int kRecords = 4000;
  Write(Operation::kAdd, 0, kRecords);
  CompactAll();
  const auto part = [&] { return (*node_->Open(ctx_, Published()))->version()->parts.at(0).part; };
  const auto verified = [&] { return static_cast<int>(part()->Vectors(0)->rows); };
  ASSERT_LT(verified(), kRecords) << "nobody has searched";
  Query(VectorOf(1), kNeighbors);
  Write(Operation::kAdd, kRecords, 1);
  CompactAll();
  for (int tries = 0; verified() <= kRecords && tries < 5000; ++tries) {
    env_.clock->SleepNs(runtime::kMillisecond);
  }
  EXPECT_EQ(verified(), kRecords + 1);
  EXPECT_TRUE(part()->IsLoaded(0));
}

TEST_F(IndexerTest, RecallIsMeasured) {
  Write(Operation::kAdd, 0, 4000);
  CompactAll();
  planner::RecallPlan plan;
  plan.queries = 4000;        // all records, so that chance has no say
  plan.tuning.effort = 4000;  // all codes are compared, and the nearest exactly
  EXPECT_EQ(node_->MeasureRecall(ctx_, Published(), plan)->recall, 1) << "without an index";
  Index();
  const auto whole = node_->MeasureRecall(ctx_, Published(), plan);
  ASSERT_TRUE(whole.ok());
  // Of 40,000 nearest rows two may be further by their codes than the error of codes allows for.
  EXPECT_GE(whole->recall, .99995);
  EXPECT_EQ(whole->records, 4000U);
  EXPECT_EQ(whole->queries, 4000U);
  EXPECT_GT(whole->exact_ns, 0);
  plan.tuning.effort = 1;
  const auto little = node_->MeasureRecall(ctx_, Published(), plan);
  ASSERT_TRUE(little.ok());
  EXPECT_LT(little->recall, 1);
  // In place of the effort, where the index was calibrated.
  ASSERT_FALSE(IndexesOf(0)->list[0].reader->index().calibration().points.empty());
  plan.tuning.target_recall = 1;
  EXPECT_GT(node_->MeasureRecall(ctx_, Published(), plan)->recall, little->recall);
  // Or more effort than was asked for, but not less.
  plan.tuning = {.effort = 1, .least_recall = 1};
  EXPECT_GT(node_->MeasureRecall(ctx_, Published(), plan)->recall, little->recall);
  plan.tuning = {.effort = 4000, .least_recall = .5F};
  EXPECT_GE(node_->MeasureRecall(ctx_, Published(), plan)->recall, .99995);
}

// ---- indexes inside segments, of a schema that changes

class ChangedSchemaTest : public IndexerTest {
 protected:
  ChangedSchemaTest() { SwitchText(false); }

  void SwitchText(bool on) {
    schema_ = model::DefaultSchema(1);
    schema_.keys["#document"].fts_index->enabled = on;
    catalog::Catalog::CollectionUpdate update;
    update.schema = schema_;
    EXPECT_TRUE(catalog_->UpdateCollection(ctx_, id_, update).ok());
  }
  // Vectors of words are made of documents from now on; of those before, too.
  void SwitchWordsOn() {
    schema_ = model::DefaultSchema(1);
    model::ValueTypes& words = schema_.keys["words"];
    words.has_sparse_vector = true;
    words.sparse_vector_index.emplace().enabled = true;
    model::SparseIndexConfig& config = words.sparse_vector_index->config;
    config.source_key = "#document";
    config.embedding_function = {model::EmbeddingFunction::Type::kKnown, "chroma_bm25",
                                 JsonValue(JsonObject())};
    schema_.fills["words"] = *log_->End(ctx_, id_);
    catalog::Catalog::CollectionUpdate update;
    update.schema = schema_;
    EXPECT_TRUE(catalog_->UpdateCollection(ctx_, id_, update).ok());
  }
  // The ids of records with a vector of words, which is that of their document.
  std::vector<std::string> WithWords() {
    planner::GetPlan plan;
    plan.include = model::kIncludeDocuments | model::kIncludeMetadatas;
    const auto records = node_->Get(ctx_, Published(), plan);
    EXPECT_TRUE(records.ok()) << records.status().ToString();
    std::vector<std::string> ids;
    for (size_t i = 0; records.ok() && i < records->ids.size(); ++i) {
      if (!records->metadatas[i]) continue;
      const model::MetadataValue* words = records->metadatas[i]->Find("words");
      if (words == nullptr) continue;
      ids.push_back(records->ids[i]);
      EXPECT_EQ(*words, model::MetadataValue(index::Bm25().Embed(*records->documents[i])));
    }
    return ids;
  }
  void WriteTexts(int first, int n) {
    model::RecordBatch batch;
    batch.operation = Operation::kAdd;
    batch.vectors.dimension = kDimension;
    for (int i = first; i < first + n; ++i) {
      batch.ids.push_back("id" + std::to_string(i));
      batch.documents.emplace_back((i % 10 == 0 ? "a river " : "a lake ") + std::to_string(i));
      const std::vector<float> vector = VectorOf(i);
      batch.vectors.values.insert(batch.vectors.values.end(), vector.begin(), vector.end());
    }
    ASSERT_TRUE(log_->Append(ctx_, id_, log::EncodeBatch(batch), static_cast<uint32_t>(n)).ok());
  }
  std::vector<std::string> Rivers() {
    planner::GetPlan plan;
    plan.predicate = planner::Predicate{planner::DocumentContains{"river"}};
    auto records = node_->Get(ctx_, Published(), plan);
    EXPECT_TRUE(records.ok()) << records.status().ToString();
    return records.ok() ? records->ids : std::vector<std::string>();
  }
  // Whether part 0 has one.
  bool HasTextIndex() {
    version_ = (*node_->Open(ctx_, Published()))->version();
    const auto found = version_->parts.at(0).part->FindText(index::TextQuery::Substring("river"));
    EXPECT_TRUE(found.ok());
    return found->has_value();
  }
  uint64_t Indexed() { return node_->Describe(ctx_, Published(), schema_)->indexed_operations; }
  bool Settled() { return catalog_->ListHeads(ctx_)->at(0).settled; }

  model::Schema schema_;
};

TEST_F(ChangedSchemaTest, SwitchedOnIsBuilt) {
  WriteTexts(0, 1000);
  CompactAll();
  Index();
  Write(Operation::kDelete, 0, 10);
  std::vector<std::string> rivers;
  for (int i = 10; i < 1000; i += 10) rivers.push_back("id" + std::to_string(i));
  EXPECT_FALSE(HasTextIndex());
  EXPECT_EQ(Indexed(), 1000U);
  EXPECT_TRUE(Settled());
  const std::string index = IndexBlob();

  SwitchText(true);
  EXPECT_FALSE(Settled()) << "another process would know that something is to be done";
  EXPECT_EQ(Indexed(), 0U);
  EXPECT_EQ(Rivers(), rivers) << "by reading documents";
  Index();
  EXPECT_TRUE(HasTextIndex());
  EXPECT_EQ(Rivers(), rivers);
  EXPECT_EQ(Indexed(), 1000U);
  EXPECT_TRUE(Settled());
  EXPECT_EQ(IndexBlob(), index) << "the vector index was kept";
  EXPECT_EQ(IndexesOf(0)->list[0].moved, nullptr);
  EXPECT_TRUE(IndexesOf(0)->unindexed.Empty());
  EXPECT_EQ(Blobs().size(), 3U);  // segment, index, manifest
  const uint64_t version = Published().version;
  Index();
  EXPECT_EQ(Published().version, version) << "nothing was to be done";

  ReopenWithPolicy();
  EXPECT_EQ(Rivers(), rivers);
  std::vector<std::string> living = Numbered(10, 990);
  EXPECT_GE(Recall(living), .95);
  CompactAll();
  EXPECT_EQ(Rivers(), rivers);
  EXPECT_GE(Recall(living), .95) << "by the index that a merge took along";
}

TEST_F(ChangedSchemaTest, SparseVectorsOfOlderRecordsAreMade) {
  WriteTexts(0, 1000);
  CompactAll();
  Index();
  Write(Operation::kDelete, 0, 10);
  const std::string index = IndexBlob();
  SwitchWordsOn();
  EXPECT_FALSE(Settled());
  EXPECT_EQ(Indexed(), 0U);
  EXPECT_TRUE(WithWords().empty());
  Index();
  EXPECT_EQ(WithWords(), Numbered(10, 990));
  EXPECT_EQ(Indexed(), 1000U);
  EXPECT_TRUE(Settled());
  EXPECT_EQ(IndexBlob(), index) << "the vector index was kept";
  EXPECT_TRUE(IndexesOf(0)->unindexed.Empty());
  EXPECT_EQ(version_->parts[0].part->rows(), 1000U) << "dead rows are where they were";
  EXPECT_EQ(Blobs().size(), 3U);  // segment, index, manifest
  const uint64_t version = Published().version;
  Index();
  EXPECT_EQ(Published().version, version) << "nothing was to be done";
  ReopenWithPolicy();
  EXPECT_EQ(WithWords(), Numbered(10, 990));
  const std::vector<std::string> living = Numbered(10, 990);
  EXPECT_GE(Recall(living), .95);
  CompactAll();
  EXPECT_EQ(WithWords(), living);
  EXPECT_GE(Recall(living), .95) << "by the index that a merge took along";
}

// What a merge writes has them, and is not written again for them.
TEST_F(ChangedSchemaTest, AMergeMakesSparseVectors) {
  WriteTexts(0, 300);
  ASSERT_TRUE(CompactOnce(Activity::kBusy).ok());
  WriteTexts(300, 100);
  SwitchWordsOn();
  CompactAll();
  EXPECT_EQ(WithWords(), Numbered(0, 400));
  version_ = (*node_->Open(ctx_, Published()))->version();
  ASSERT_EQ(version_->parts.size(), 1U);
  EXPECT_FALSE(segment::MissesIndexes(*version_->parts[0].part, schema_));
}

TEST_F(ChangedSchemaTest, AFillThatFailsLeavesNothingBehind) {
  WriteTexts(0, 300);
  CompactAll();
  Index();
  SwitchWordsOn();
  const std::vector<std::string> before = Blobs();
  for (const char* file : {".segment", ".manifest"}) {
    FailOn(file, StatusCode::kResourceExhausted);
    EXPECT_EQ(IndexAll(ctx_).code(), StatusCode::kResourceExhausted);
  }
  files_.SetFault(nullptr);
  EXPECT_EQ(Blobs(), before);
  EXPECT_TRUE(WithWords().empty());
  EXPECT_FALSE(Settled());
  Index();
  EXPECT_EQ(WithWords().size(), 300U);
}

TEST_F(ChangedSchemaTest, SwitchedOffGoesWithTheNextMerge) {
  SwitchText(true);
  WriteTexts(0, 300);
  CompactAll();
  EXPECT_TRUE(HasTextIndex());
  SwitchText(false);
  Index();
  EXPECT_TRUE(HasTextIndex()) << "it does no harm";
  WriteTexts(300, 100);
  CompactAll();
  EXPECT_FALSE(HasTextIndex());
}

TEST_F(ChangedSchemaTest, OneSegmentAfterAnother) {
  for (int i = 0; i < 3; ++i) {
    WriteTexts(i * 300, 300);
    ASSERT_TRUE(CompactOnce(Activity::kBusy).ok());
  }
  SwitchText(true);
  ASSERT_EQ((*node_->Open(ctx_, Published()))->version()->parts.size(), 3U);
  Index();
  EXPECT_EQ(Rivers().size(), 90U);
  for (const segment::SnapshotPart& part : (*node_->Open(ctx_, Published()))->version()->parts) {
    EXPECT_FALSE(segment::MissesIndexes(*part.part, schema_));
  }
}

TEST_F(ChangedSchemaTest, WhatFailsLeavesNothingBehind) {
  WriteTexts(0, 300);
  CompactAll();
  Index();
  SwitchText(true);
  const std::vector<std::string> before = Blobs();
  FailOn(".segment", StatusCode::kResourceExhausted);
  EXPECT_EQ(IndexAll(ctx_).code(), StatusCode::kResourceExhausted);
  FailOn(".manifest", StatusCode::kResourceExhausted);
  EXPECT_EQ(IndexAll(ctx_).code(), StatusCode::kResourceExhausted);
  files_.SetFault(nullptr);
  EXPECT_EQ(Blobs(), before);
  EXPECT_EQ(Rivers().size(), 30U);
  Index();
  EXPECT_TRUE(HasTextIndex());
}

// The larger of two segments, which would be first, can be neither read nor written again.
TEST_F(ChangedSchemaTest, OneThatIsDamagedDoesNotKeepOthersWaiting) {
  WriteTexts(0, 1000);
  ASSERT_TRUE(CompactOnce(Activity::kBusy).ok());
  version_ = (*node_->Open(ctx_, Published()))->version();
  const std::string large = version_->manifest.segments.at(0).blob;
  WriteTexts(1000, 300);
  ASSERT_TRUE(CompactOnce(Activity::kBusy).ok());
  auto file = *files_.Open("/db/blobs/" + large, runtime::OpenMode::kReadWrite);
  const uint64_t vectors_end = uint64_t{1000} * kDimension * sizeof(float);
  for (uint64_t at = 512; at < vectors_end; at += 512) ASSERT_TRUE(file->WriteAt(at, "?").ok());
  ReopenWithPolicy();
  SwitchText(true);

  EXPECT_EQ(IndexAll(ctx_).code(), StatusCode::kDataLoss) << "the first failure is returned";
  version_ = (*node_->Open(ctx_, Published()))->version();
  ASSERT_EQ(version_->parts.size(), 2U);
  EXPECT_EQ(version_->manifest.segments[0].blob, large);
  EXPECT_EQ(version_->parts[0].indexes, nullptr);
  EXPECT_FALSE(segment::MissesIndexes(*version_->parts[1].part, schema_));
  ASSERT_NE(version_->parts[1].indexes, nullptr);
  EXPECT_TRUE(version_->parts[1].indexes->unindexed.Empty());
}

TEST_F(IndexerTest, LeavesSmallSegmentsAlone) {
  Write(Operation::kAdd, 0, 199);
  CompactAll();
  Index();
  EXPECT_EQ(IndexesOf(0), nullptr);
  EXPECT_EQ((*node_->Describe(ctx_, Published(), model::Schema())).indexed_operations, 199U);
}

TEST_F(IndexerTest, AMergeTakesIndexesAlong) {
  Write(Operation::kAdd, 0, 1000);
  CompactAll();
  Index();
  const std::string first = IndexBlob();
  const size_t points = CalibrationPoints().size();
  EXPECT_GT(points, 0U);
  Write(Operation::kAdd, 1000, 300);
  Write(Operation::kDelete, 100, 100);
  Replace(500, 50);
  std::vector<std::string> living = Numbered(0, 100);
  for (const std::string& id : Numbered(200, 1100)) living.push_back(id);
  EXPECT_GE(Recall(living), .95) << "in the tail";
  CompactAll();
  ASSERT_NE(IndexesOf(0), nullptr);
  EXPECT_EQ(IndexBlob(), first);
  EXPECT_EQ(IndexesOf(0)->list[0].gone, 150U);
  EXPECT_EQ(IndexesOf(0)->unindexed.Count(), 350U);
  EXPECT_EQ((*node_->Describe(ctx_, Published(), model::Schema())).indexed_operations,
            1450U - 350U);
  EXPECT_GE(Recall(living), .95) << "by the index of before";
  ReopenWithPolicy();
  EXPECT_GE(Recall(living), .95) << "by the index of before, opened again";
  Index();
  EXPECT_NE(IndexBlob(), first);
  EXPECT_TRUE(IndexesOf(0)->unindexed.Empty());
  EXPECT_EQ(Blobs().size(), 3U) << "the index of before is gone";
  EXPECT_GE(Recall(living), .95) << "by the extended index";
  EXPECT_EQ(CalibrationPoints().size(), points);
}

TEST_F(IndexerTest, AMergeIntoASmallSegmentTakesNoIndexAlong) {
  Write(Operation::kAdd, 0, 250);
  CompactAll();
  Index();
  ASSERT_NE(IndexesOf(0), nullptr);
  Write(Operation::kDelete, 0, 100);
  CompactAll();
  EXPECT_EQ(IndexesOf(0), nullptr);
  EXPECT_EQ(Blobs().size(), 2U) << "of the index nothing is left";
  EXPECT_EQ(Recall(Numbered(100, 150)), 1);
}

TEST_F(IndexerTest, RecallStaysWhenEveryRowIsReplaced) {
  Write(Operation::kAdd, 0, 1500);
  CompactAll();
  Index();
  for (int i = 0; i < 5; ++i) {
    Replace(i * 300, 300);
    CompactAll();
    Index();
  }
  const double extended = Recall(Numbered(0, 1500));
  EXPECT_GE(extended, .95);
}

TEST_F(IndexerTest, SegmentsThatAreBeingIndexedAreNotMerged) {
  Write(Operation::kAdd, 0, 300);
  CompactAll();
  IndexesOf(0);
  const std::string segment = version_->manifest.segments[0].blob;
  Write(Operation::kAdd, 300, 10);
  Limits limits;
  limits.untouched = {segment};
  ASSERT_TRUE(Compact(ctx_, SeamsHere(), Policy(), id_, Activity::kSettled, limits).ok());
  const auto again = Compact(ctx_, SeamsHere(), Policy(), id_, Activity::kSettled, limits);
  ASSERT_TRUE(again.ok());
  EXPECT_FALSE(again->published) << "what is left alone does not make its neighbours be rewritten";
  IndexesOf(0);
  ASSERT_EQ(version_->manifest.segments.size(), 2U);
  EXPECT_EQ(version_->manifest.segments[0].blob, segment);
}

TEST_F(IndexerTest, ACancelledBuildLeavesNothing) {
  Write(Operation::kAdd, 0, 1000);
  CompactAll();
  const auto before = Blobs();
  runtime::Context cancelled;
  cancelled.Cancel();
  EXPECT_EQ(IndexAll(cancelled).code(), StatusCode::kCancelled);
  EXPECT_EQ(Blobs(), before);
  Index();
  EXPECT_GE(Recall(Numbered(0, 1000)), .95);
}

TEST_F(IndexerTest, AFullDiskLeavesNothing) {
  Write(Operation::kAdd, 0, 1000);
  CompactAll();
  const auto before = Blobs();
  FailOn("/blobs/", StatusCode::kResourceExhausted);
  EXPECT_EQ(IndexAll(ctx_).code(), StatusCode::kResourceExhausted);
  files_.SetFault(nullptr);
  EXPECT_EQ(Blobs(), before);
  EXPECT_EQ(Recall(Numbered(0, 1000)), 1);
  Index();
  EXPECT_NE(IndexesOf(0), nullptr);
}

// A bit of its codes, which are looked at only when a search comes to them.
TEST_F(IndexerTest, ADamagedIndexIsDoneWithoutAndBuiltAgain) {
  Write(Operation::kAdd, 0, 1000);
  CompactAll();
  Index();
  const std::string blob = IndexBlob();
  auto file = *files_.Open("/db/blobs/" + blob, runtime::OpenMode::kReadWrite);
  for (uint64_t at = 4096; at < 4096 + 64'000; at += 512) ASSERT_TRUE(file->WriteAt(at, "?").ok());
  ReopenWithPolicy();
  EXPECT_EQ(Recall(Numbered(0, 1000)), 1) << "exact, without the index";
  EXPECT_LT((*node_->Describe(ctx_, Published(), model::Schema())).indexed_operations, 1000U);
  Index();
  EXPECT_NE(IndexBlob(), blob);
  EXPECT_GE(Recall(Numbered(0, 1000)), .95);
  EXPECT_EQ((*node_->Describe(ctx_, Published(), model::Schema())).indexed_operations, 1000U);
}

}  // namespace
}  // namespace chroma::compactor
