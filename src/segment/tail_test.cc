#include "segment/tail.h"

#include <gtest/gtest.h>

#include "segment/segment_reader.h"
#include "segment/segment_writer.h"
#include "segment/sparse_fill.h"
#include "segment/tail_rows.h"
#include "testing/memory_blobs.h"

namespace chroma::segment {
namespace {

using model::Operation;
using Strings = std::vector<std::string>;

constexpr uint32_t kDimension = 2;

struct Given {
  std::string id;
  std::optional<float> vector;  // of all components
  std::optional<std::string> document;
  std::optional<model::Metadata> metadata;
};

model::Metadata Keys(std::initializer_list<std::pair<const char*, model::MetadataValue>> entries) {
  model::Metadata metadata;
  for (const auto& [key, value] : entries) metadata.Set(key, value);
  return metadata;
}

class TailTest : public ::testing::Test {
 protected:
  log::Entry EntryOf(Operation operation, const std::vector<Given>& records) {
    model::RecordBatch batch;
    batch.operation = operation;
    for (const Given& given : records) {
      batch.ids.push_back(given.id);
      if (operation == Operation::kDelete) continue;
      batch.has_vector.push_back(given.vector ? 1 : 0);
      if (given.vector) {
        batch.vectors.dimension = kDimension;
        batch.vectors.values.insert(batch.vectors.values.end(), kDimension, *given.vector);
      }
      batch.documents.push_back(given.document);
      batch.uris.push_back(std::nullopt);
      batch.metadatas.push_back(given.metadata);
    }
    const log::Entry entry{next_offset_, static_cast<uint32_t>(records.size()),
                           std::make_shared<const Bytes>(log::EncodeBatch(batch))};
    next_offset_ = entry.end_offset();
    return entry;
  }

  void Apply(Operation operation, const std::vector<Given>& records) {
    const Status applied = tail_->Apply(EntryOf(operation, records));
    ASSERT_TRUE(applied.ok()) << applied.ToString();
  }

  // Puts the tail over one segment with these records.
  void StartOver(const std::vector<Given>& records) {
    auto writer = *SegmentWriter::Create(ctx_, blobs_, "base", kDimension);
    for (const Given& given : records) {
      const std::vector<float> vector(kDimension, *given.vector);
      RowView row{given.id, next_offset_++, vector.data(), {}, {}, nullptr};
      if (given.document) row.document = *given.document;
      if (given.metadata) row.metadata = &*given.metadata;
      ASSERT_TRUE(writer->Add(row).ok());
    }
    ASSERT_TRUE(writer->Finish(ctx_).ok());
    auto segment = *SegmentReader::Open(ctx_, *blobs_.Open(ctx_, "base"));
    tail_.emplace(std::vector<SnapshotPart>{{segment, std::make_shared<Bitmap>()}});
  }

  // Every live record as "id@insertion: vector document metadata".
  static Strings Show(const std::vector<SnapshotPart>& parts) {
    Strings shown;
    for (const SnapshotPart& part : parts) {
      for (uint32_t row = 0; row < part.part->rows(); ++row) {
        if (part.dead->Contains(row)) continue;
        const uint32_t rows[] = {row};
        std::vector<std::optional<std::string>> documents;
        std::vector<model::Metadata> metadata;
        EXPECT_TRUE(part.part->ReadDocuments(rows, &documents).ok());
        EXPECT_TRUE(part.part->ReadMetadata(rows, &metadata).ok());
        const VectorRun run = *part.part->Vectors(row);
        EXPECT_EQ(run.values[0], run.values[kDimension - 1]);
        std::string text = std::string(*part.part->Id(row)) + "@" +
                           std::to_string(*part.part->InsertionOffset(row)) + ": " +
                           std::to_string(static_cast<int>(run.values[0])) + " " +
                           documents[0].value_or("-");
        for (const auto& [key, value] : metadata[0]) {
          text += " " + key + "=" + std::to_string(std::get<int64_t>(value));
        }
        shown.push_back(text);
      }
    }
    return shown;
  }
  Strings Show() { return Show(tail_->Parts()); }

  // Whether the live record's vector is to be made, where the key was switched on at that offset.
  bool AwaitsFill(const std::string& id, const std::string& key, uint64_t log_offset) {
    const SnapshotPart tail = tail_->Parts().back();
    const SparseFill fill{key, std::string(model::kDocumentKey), log_offset, key};
    return tail.part->AwaitsFill(**tail.part->FindId(id), fill);
  }
  // What all rows of the tail keep of keys that were removed.
  size_t RemovedKeysKept() {
    const auto view = std::dynamic_pointer_cast<const TailView>(tail_->Parts().back().part);
    size_t kept = 0;
    for (uint32_t row = 0; row < view->rows(); ++row) {
      if (view->At(row).removed != nullptr) kept += view->At(row).removed->size();
    }
    return kept;
  }

  runtime::Context ctx_;
  testing::MemoryBlobStore blobs_;
  uint64_t next_offset_ = 1;
  std::optional<Tail> tail_ = std::optional<Tail>(std::in_place, std::vector<SnapshotPart>());
};

TEST_F(TailTest, AddKeepsTheFirst) {
  Apply(Operation::kAdd, {{"a", 1, "one", {}}, {"a", 2, "two", {}}});
  Apply(Operation::kAdd, {{"a", 3, "three", {}}, {"b", 4, {}, {}}});
  EXPECT_EQ(Show(), (Strings{"a@1: 1 one", "b@4: 4 -"}));
}

TEST_F(TailTest, UpdateOfAMissingRecordDoesNothing) {
  Apply(Operation::kUpdate, {{"a", 1, "one", {}}});
  EXPECT_EQ(Show(), Strings());
  EXPECT_EQ(tail_->operations(), 1u);
}

TEST_F(TailTest, UpdateMergesAndKeepsThePlace) {
  Apply(Operation::kAdd,
        {{"a", 1, "one", Keys({{"k", int64_t{1}}, {"l", int64_t{2}}})}, {"b", 2, {}, {}}});
  Apply(Operation::kUpdate, {{"a", {}, {}, {}}});
  EXPECT_EQ(Show(), (Strings{"a@1: 1 one k=1 l=2", "b@2: 2 -"}));
  Apply(Operation::kUpdate, {{"a", 5, {}, Keys({{"k", std::monostate()}, {"m", int64_t{3}}})},
                             {"a", {}, "", Keys({{"l", int64_t{9}}})}});
  EXPECT_EQ(Show(), (Strings{"b@2: 2 -", "a@1: 5  l=9 m=3"}));
}

TEST_F(TailTest, LongDocumentsOfSegmentsStayWithTheirRecords) {
  const std::string document(100'000, 'x');
  const std::string other(2'000, 'y');
  StartOver({{"a", 1, document, Keys({{"n", int64_t{1}}})}, {"b", 2, "short", {}}});
  Apply(Operation::kUpdate, {{"a", {}, {}, Keys({{"n", int64_t{2}}})}, {"b", 3, {}, {}}});
  EXPECT_EQ(Show(), (Strings{"a@1: 1 " + document + " n=2", "b@2: 3 short"}));
  Apply(Operation::kUpdate, {{"a", 5, {}, {}}});
  EXPECT_EQ(Show(), (Strings{"b@2: 3 short", "a@1: 5 " + document + " n=2"}));
  const std::vector<SnapshotPart> parts = tail_->Parts();
  const Part& tail = *parts[1].part;
  const auto has_x = tail.MatchDocuments(
      ctx_, nullptr, [](std::string_view text) { return text.find("xx") != text.npos; });
  ASSERT_TRUE(has_x.ok());
  EXPECT_EQ(has_x->ToVector(), (std::vector<uint32_t>{0, 2})) << "row 0 is dead";
  Apply(Operation::kUpdate, {{"a", {}, other, {}}});
  EXPECT_EQ(Show(), (Strings{"b@2: 3 short", "a@1: 5 " + other + " n=2"}));
}

TEST_F(TailTest, WhatNobodySawIsChangedInPlace) {
  Apply(Operation::kAdd, {{"a", 1, "one", {}}});
  for (int64_t i = 0; i < 1000; ++i) {
    Apply(Operation::kUpdate, {{"a", {}, {}, Keys({{"n", i}})}, {"a", 2, {}, {}}});
  }
  EXPECT_EQ(tail_->rows(), 1U);
  EXPECT_EQ(tail_->operations(), 2001U);
  EXPECT_EQ(Show(), Strings{"a@1: 2 one n=999"});
  const std::vector<SnapshotPart> before = tail_->Parts();
  Apply(Operation::kUpdate, {{"a", 3, {}, {}}});
  EXPECT_EQ(tail_->rows(), 2U);
  EXPECT_EQ(Show(before), Strings{"a@1: 2 one n=999"});
  EXPECT_EQ(Show(), Strings{"a@1: 3 one n=999"});
}

TEST_F(TailTest, RemovedKeysAreKeptOnceEach) {
  StartOver({{"a", 1, {}, {}}});
  constexpr size_t kUpdates = 2000;
  for (size_t i = 0; i < kUpdates; ++i) {
    const std::string key = "k" + std::to_string(i);
    Apply(Operation::kUpdate, {{"a", {}, {}, Keys({{key.c_str(), std::monostate()}})}});
    tail_->Parts();  // the next update makes another row
  }
  EXPECT_EQ(tail_->rows(), kUpdates);
  EXPECT_EQ(RemovedKeysKept(), kUpdates);
  for (int i = 0; i < 100; ++i) {
    Apply(Operation::kUpdate, {{"a", {}, {}, Keys({{"k", std::monostate()}})}});
  }
  EXPECT_EQ(RemovedKeysKept(), kUpdates + 1) << "of the same row";
}

TEST_F(TailTest, TheLatestRemovalOfAKeyDecides) {
  StartOver({{"a", 1, "one", {}}, {"b", 2, "two", {}}});
  const auto remove = [&](const char* key) {
    Apply(Operation::kUpdate, {{"a", {}, {}, Keys({{key, std::monostate()}})},
                               {"b", {}, {}, Keys({{"n", int64_t{1}}})}});
    tail_->Parts();
    return next_offset_ - 2;
  };
  const uint64_t first = remove("sp");
  EXPECT_FALSE(AwaitsFill("a", "sp", first));
  EXPECT_TRUE(AwaitsFill("a", "sp", first + 1)) << "it was switched on afterwards";
  EXPECT_TRUE(AwaitsFill("a", "other", 0));
  EXPECT_TRUE(AwaitsFill("b", "sp", 0));
  remove("other");
  remove("other");
  EXPECT_FALSE(AwaitsFill("a", "sp", first)) << "an older row of the record says so";
  EXPECT_TRUE(AwaitsFill("a", "sp", first + 1));
  const uint64_t last = remove("sp");
  EXPECT_FALSE(AwaitsFill("a", "sp", last));
  EXPECT_TRUE(AwaitsFill("a", "sp", last + 1));
  Apply(Operation::kDelete, {{"a", {}, {}, {}}});
  Apply(Operation::kAdd, {{"a", 3, "three", {}}});
  EXPECT_TRUE(AwaitsFill("a", "sp", last)) << "it is another record";
  const uint64_t another = remove("sp");
  EXPECT_FALSE(AwaitsFill("a", "sp", another));
  EXPECT_TRUE(AwaitsFill("a", "sp", another + 1));
}

TEST_F(TailTest, UpsertInsertsOrMerges) {
  Apply(Operation::kUpsert, {{"a", 1, "one", Keys({{"k", std::monostate()}})}});
  Apply(Operation::kUpsert, {{"a", 2, {}, Keys({{"k", int64_t{7}}})}});
  EXPECT_EQ(Show(), (Strings{"a@1: 2 one k=7"}));
}

TEST_F(TailTest, DeletedRecordsComeBackAtTheEndWithoutTheirPast) {
  Apply(Operation::kAdd, {{"a", 1, "one", Keys({{"k", int64_t{1}}})}, {"b", 2, {}, {}}});
  Apply(Operation::kDelete, {{"a", {}, {}, {}}, {"a", {}, {}, {}}, {"c", {}, {}, {}}});
  EXPECT_EQ(Show(), (Strings{"b@2: 2 -"}));
  Apply(Operation::kUpdate, {{"a", 8, {}, {}}});
  Apply(Operation::kAdd, {{"a", 9, {}, {}}});
  EXPECT_EQ(Show(), (Strings{"b@2: 2 -", "a@7: 9 -"}));
}

TEST_F(TailTest, OperationsReachRecordsOfSegments) {
  StartOver({{"a", 1, "one", Keys({{"k", int64_t{1}}})}, {"b", 2, {}, {}}, {"c", 3, {}, {}}});
  Apply(Operation::kAdd, {{"a", 9, {}, {}}});
  Apply(Operation::kUpdate, {{"a", {}, {}, Keys({{"l", int64_t{2}}})}});
  Apply(Operation::kDelete, {{"b", {}, {}, {}}});
  Apply(Operation::kUpsert, {{"c", 4, "three", {}}});
  EXPECT_EQ(Show(), (Strings{"a@1: 1 one k=1 l=2", "c@3: 4 three"}));
  EXPECT_FALSE(tail_->Parts().back().part->InInsertionOrder() &&
               tail_->Parts().back().part->rows() > 2);
}

TEST_F(TailTest, SnapshotsStayWhileTheTailGrows) {
  StartOver({{"a", 1, {}, {}}, {"b", 2, {}, {}}});
  std::vector<std::vector<SnapshotPart>> snapshots;
  std::vector<Strings> shown;
  for (int step = 0; step < 600; ++step) {  // more than a block of rows
    const std::string id = "x" + std::to_string(step % 50);
    switch (step % 4) {
      case 0:
        Apply(Operation::kUpsert, {{id, static_cast<float>(step), "d", {}}});
        break;
      case 1:
        Apply(Operation::kDelete, {{"x" + std::to_string((step * 7) % 50), {}, {}, {}}});
        break;
      case 2:
        Apply(Operation::kUpsert, {{"a", static_cast<float>(step), {}, {}}});
        break;
      default:
        Apply(Operation::kAdd, {{id, static_cast<float>(step), {}, {}}});
    }
    if (step % 20 != 0) continue;
    snapshots.push_back(tail_->Parts());
    shown.push_back(Show(snapshots.back()));
  }
  for (size_t i = 0; i < snapshots.size(); ++i) EXPECT_EQ(Show(snapshots[i]), shown[i]) << i;
}

TEST_F(TailTest, ASnapshotOutlivesItsTail) {
  Apply(Operation::kAdd, {{"a", 1, "one", {}}});
  const std::vector<SnapshotPart> parts = tail_->Parts();
  tail_.reset();
  EXPECT_EQ(Show(parts), (Strings{"a@1: 1 one"}));
  EXPECT_EQ(**parts[0].part->FindId("a"), 0u);
}

TEST_F(TailTest, EntriesThatCannotBeAreRefused) {
  log::Entry miscounted = EntryOf(Operation::kAdd, {{"a", 1, {}, {}}});
  ++miscounted.count;
  EXPECT_EQ(tail_->Apply(miscounted).code(), StatusCode::kDataLoss);
  const log::Entry no_vector = EntryOf(Operation::kUpsert, {{"a", {}, {}, {}}});
  EXPECT_EQ(tail_->Apply(no_vector).code(), StatusCode::kDataLoss);
}

// An update of a record whose text cannot be read any more is an error of that record alone.
TEST_F(TailTest, DamageOfOneRecordLeavesTheOthers) {
  StartOver({{"a", 1, "document of a", Keys({{"k", int64_t{1}}})},
             {"b", 2, "document of b", Keys({{"k", int64_t{2}}})}});
  Bytes bytes = blobs_.Content("base");
  const size_t at = bytes.find("document of a");
  ASSERT_NE(at, Bytes::npos);
  bytes[at] = static_cast<char>(bytes[at] ^ 1);
  auto segment = *SegmentReader::Open(ctx_, std::make_shared<testing::MemoryBlob>("base", bytes));
  tail_.emplace(std::vector<SnapshotPart>{{segment, std::make_shared<Bitmap>()}});
  Apply(Operation::kUpdate, {{"a", {}, {}, Keys({{"k", int64_t{5}}})}});
  Apply(Operation::kUpdate, {{"b", {}, "a new one", {}}});
  Apply(Operation::kUpsert, {{"c", 3, "document of c", {}}});
  const std::vector<SnapshotPart> parts = tail_->Parts();
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[0].live(), 0u);
  const Part& tail = *parts[1].part;
  std::vector<std::optional<std::string>> documents;
  const uint32_t damaged[] = {0};
  const Status status = tail.ReadDocuments(damaged, &documents);
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_NE(status.message().find("record \"a\""), std::string_view::npos) << status.ToString();
  EXPECT_EQ(tail.Vectors(0)->values[0], 1);
  const uint32_t whole[] = {1, 2};
  ASSERT_TRUE(tail.ReadDocuments(whole, &documents).ok());
  EXPECT_EQ(documents[0], "a new one");
  EXPECT_EQ(documents[1], "document of c");
  std::vector<model::Metadata> metadata;
  EXPECT_TRUE(tail.ReadMetadata(whole, &metadata).ok());
  EXPECT_EQ(tail.MatchDocuments(ctx_, nullptr, [](auto) { return true; }).status().code(),
            StatusCode::kDataLoss);
  // Written anew, it is whole again.
  Apply(Operation::kDelete, {{"a", {}, {}, {}}});
  Apply(Operation::kAdd, {{"a", 7, "document of a", {}}});
  EXPECT_TRUE(
      tail_->Parts()[1].part->MatchDocuments(ctx_, nullptr, [](auto) { return true; }).ok());
}

}  // namespace
}  // namespace chroma::segment
