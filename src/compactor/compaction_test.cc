#include "compactor/compaction.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "compactor/test_support.h"
#include "testing/forwarding_log.h"

namespace chroma::compactor {
namespace {

using model::Operation;
using testing::FaultFileSystem;

using CompactionTest = CompactorTest;

TEST_F(CompactionTest, MovesTheTailIntoASegment) {
  Write(Operation::kAdd, 0, 10);
  Write(Operation::kDelete, 3, 2);
  const auto before = Ids();
  auto outcome = CompactOnce();
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  EXPECT_TRUE(outcome->published);
  EXPECT_TRUE(outcome->settled);
  EXPECT_EQ(Ids(), before);
  EXPECT_EQ(log_->BacklogBytes(id_), 0u);
  EXPECT_EQ(Blobs().size(), 2u);  // a segment and a manifest
  Reopen();
  EXPECT_EQ(Ids(), before);
  outcome = CompactOnce();
  ASSERT_TRUE(outcome.ok());
  EXPECT_FALSE(outcome->published);
}

TEST_F(CompactionTest, MergesKeepTheOrderOfInsertion) {
  for (int round = 0; round < 6; ++round) {
    Write(Operation::kAdd, round * 10, 10);
    Write(Operation::kUpsert, round * 5, 7);  // records of older segments move to the new one
    ASSERT_TRUE(CompactOnce(Activity::kBusy).ok());
    EXPECT_EQ(Ids(), Numbered(0, round * 10 + 10));
  }
  ASSERT_TRUE(CompactOnce(Activity::kSettled).ok());
  EXPECT_EQ(Ids(), Numbered(0, 60));
  EXPECT_EQ(Blobs().size(), 2u);
}

TEST_F(CompactionTest, NothingLiveLeavesNoSegment) {
  Write(Operation::kAdd, 0, 5);
  ASSERT_TRUE(CompactOnce().ok());
  Write(Operation::kDelete, 0, 5);
  ASSERT_TRUE(CompactOnce().ok());
  EXPECT_TRUE(Ids().empty());
  EXPECT_EQ(Blobs().size(), 1u);
}

TEST_F(CompactionTest, AttemptsThatFailDoNotFillTheDisk) {
  Write(Operation::kAdd, 0, 100);
  for (const char* part : {".manifest", ".segment"}) {
    FailOn(part, StatusCode::kResourceExhausted);
    for (int attempt = 0; attempt < 3; ++attempt) {
      EXPECT_EQ(CompactOnce().status().code(), StatusCode::kResourceExhausted);
    }
    EXPECT_EQ(Blobs(), std::vector<std::string>()) << part;
    EXPECT_EQ(Ids(), Numbered(0, 100));
  }
  files_.SetFault(nullptr);
  ASSERT_TRUE(CompactOnce().ok());
  EXPECT_EQ(Ids(), Numbered(0, 100));
}

TEST_F(CompactionTest, SpaceComesBackThoughTheLogCannotBeTrimmed) {
  Write(Operation::kAdd, 0, 10);
  ASSERT_TRUE(CompactOnce().ok());
  Write(Operation::kAdd, 10, 10);
  class NoTrim final : public testing::ForwardingLog {
   public:
    using ForwardingLog::ForwardingLog;
    Status Trim(runtime::Context&, const Uuid&, uint64_t) override {
      return Status::ResourceExhausted("no space");
    }
  };
  NoTrim no_trim(*log_);
  Seams seams = SeamsHere();
  seams.log = &no_trim;
  EXPECT_EQ(Compact(ctx_, seams, Policy(), id_, Activity::kSettled).status().code(),
            StatusCode::kResourceExhausted);
  EXPECT_EQ(Blobs().size(), 2u);
  EXPECT_EQ(Ids(), Numbered(0, 20));
  EXPECT_GT(log_->BacklogBytes(id_), 0u);
  // The next attempt finds nothing to merge, and trims.
  ASSERT_TRUE(CompactOnce().ok());
  EXPECT_EQ(log_->BacklogBytes(id_), 0u);
  EXPECT_EQ(Ids(), Numbered(0, 20));
}

TEST_F(CompactionTest, TaggedWritesAreKnownAfterTheirLogIsGone) {
  const auto find = [this](uint64_t id) {
    const int64_t now_ns = env_.clock->MonotonicNs();
    return node_->FindRequest(ctx_, Published(), {id, now_ns, true});
  };
  Write(Operation::kAdd, 0, 10, 77);
  Write(Operation::kAdd, 10, 3);
  EXPECT_EQ(*find(77), 10u);
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(CompactOnce().ok());
    EXPECT_EQ(log_->BacklogBytes(id_), 0u);
    if (round == 1) Reopen();
    EXPECT_EQ(*find(77), 10u) << round;
    EXPECT_EQ(*find(78), std::nullopt);
    Write(Operation::kUpsert, 5, 1);  // so that the next round has something to do
  }
}

TEST_F(CompactionTest, AMissingSegmentIsDamageAndNotADeletedCollection) {
  Write(Operation::kAdd, 0, 10);
  ASSERT_TRUE(CompactOnce().ok());
  for (const std::string& name : Blobs()) {
    if (!name.ends_with(".segment")) continue;
    ASSERT_TRUE(store_->Delete(ctx_, name).ok());
  }
  Reopen();
  EXPECT_EQ(CompactOnce().status().code(), StatusCode::kDataLoss);
}

TEST_F(CompactionTest, ADeletedCollectionIsNotFound) {
  Write(Operation::kAdd, 0, 10);
  DeleteCollection("things");
  EXPECT_EQ(CompactOnce().status().code(), StatusCode::kNotFound);
  EXPECT_EQ(Blobs(), std::vector<std::string>());
}

TEST_F(CompactionTest, AMergeThatDoesNotFitDoesNotKeepTheLogFromBeingDrained) {
  dimension_ = 64;
  Write(Operation::kAdd, 0, 1000);
  ASSERT_TRUE(CompactOnce()->published);
  Write(Operation::kAdd, 1000, 5);
  const uint64_t room = *files_.FreeBytes("/db");
  files_.SetCapacity(UINT64_MAX - room + 100'000);  // the segment has 256,000 bytes of vectors
  const auto outcome = CompactOnce();
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  EXPECT_TRUE(outcome->published);
  EXPECT_FALSE(outcome->settled);
  EXPECT_EQ(log_->BacklogBytes(id_), 0u);
  EXPECT_EQ(Ids(), Numbered(0, 1005));
  // Alone, what does not fit waits for room.
  EXPECT_EQ(CompactOnce().status().code(), StatusCode::kResourceExhausted);
  files_.SetCapacity(UINT64_MAX);
  EXPECT_TRUE(CompactOnce()->settled);
  EXPECT_EQ(Ids(), Numbered(0, 1005));
}

TEST_F(CompactionTest, ADamagedSegmentDoesNotKeepTheLogFromBeingDrained) {
  Write(Operation::kAdd, 0, 10);
  ASSERT_TRUE(CompactOnce()->published);
  std::string path;
  for (const std::string& blob : Blobs()) {
    if (blob.ends_with(".segment")) path = "/db/blobs/" + blob;
  }
  // The first vectors.
  Bytes bytes = files_.Content(path);
  bytes[4096] = static_cast<char>(bytes[4096] ^ 1);
  files_.SetContent(path, bytes);
  Reopen();
  Write(Operation::kAdd, 10, 5);
  const auto outcome = CompactOnce();
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  EXPECT_TRUE(outcome->published);
  EXPECT_FALSE(outcome->settled);
  EXPECT_EQ(log_->BacklogBytes(id_), 0u);
  EXPECT_EQ(Ids(), Numbered(0, 15));
  // With nothing in the log, there is nothing to be done but to say it.
  EXPECT_EQ(CompactOnce().status().code(), StatusCode::kDataLoss);
}

// ---- a collection that has more than a segment may hold

TEST_F(CompactionTest, ALargeCollectionSettlesInSeveralSegments) {
  merging_.segment_rows_max = 25;
  merging_.index.rows_min = UINT32_MAX;
  for (int round = 0; round < 10; ++round) {
    Write(Operation::kAdd, round * 10, 10);
    ASSERT_TRUE(CompactOnce(round % 2 == 0 ? Activity::kBusy : Activity::kIdle).ok());
  }
  Write(Operation::kDelete, 0, 1);
  const auto settle = [&] {
    for (int round = 0; round < 20; ++round) {
      const auto outcome = CompactOnce();
      ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
      EXPECT_EQ(catalog_->ListHeads(ctx_)->at(0).settled, outcome->settled);
      if (!outcome->published) {
        EXPECT_TRUE(outcome->settled);
        return;
      }
    }
    FAIL() << "it merges for ever";
  };
  settle();
  EXPECT_EQ(Ids(), Numbered(1, 99));
  const auto live = *node_->Open(ctx_, Published());
  const auto manifest = live->version()->manifest;
  EXPECT_GE(manifest.segments.size(), 4u);
  EXPECT_LE(manifest.segments.size(), 6u);
  for (const format::ManifestSegment& segment : manifest.segments) {
    EXPECT_LE(segment.rows, 25u);
    EXPECT_TRUE(segment.deleted.Empty());
  }
  // With more room fewer are left.
  merging_.segment_rows_max = 1000;
  settle();
  EXPECT_EQ(Blobs().size(), 2u);
  EXPECT_EQ(Ids(), Numbered(1, 99));
}

TEST_F(CompactionTest, ALargeMergeIsLeftOutWhereItMayNotBe) {
  Policy policy;
  policy.smallest_tier_bytes = 1;
  policy.fan_in = 2;
  dimension_ = 64;
  Write(Operation::kAdd, 0, 1000);
  ASSERT_TRUE(CompactOnce()->published);
  Limits limits;
  limits.merge_bytes_max = 100'000;
  // What is small is merged all the same: the tails and what became of them.
  for (int round = 0; round < 6; ++round) {
    Write(Operation::kAdd, 1000 + round * 10, 10);
    Write(Operation::kUpsert, round, 1);
    const auto outcome = Compact(ctx_, SeamsHere(), policy, id_, Activity::kSettled, limits);
    ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
    EXPECT_TRUE(outcome->published);
    EXPECT_TRUE(outcome->left_large);
    EXPECT_FALSE(outcome->settled);
    EXPECT_EQ(log_->BacklogBytes(id_), 0u);
    EXPECT_LE(Blobs().size(), 5u) << "a manifest, the large segment, and few small ones";
  }
  EXPECT_EQ(Ids(), Numbered(0, 1060));
  auto outcome = Compact(ctx_, SeamsHere(), policy, id_, Activity::kSettled, limits);
  ASSERT_TRUE(outcome.ok());
  EXPECT_TRUE(outcome->left_large);
  outcome = Compact(ctx_, SeamsHere(), policy, id_, Activity::kSettled);
  ASSERT_TRUE(outcome.ok());
  EXPECT_TRUE(outcome->settled);
  EXPECT_FALSE(outcome->left_large);
  EXPECT_EQ(Ids(), Numbered(0, 1060));
}

}  // namespace
}  // namespace chroma::compactor
