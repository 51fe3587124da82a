#include "compactor/compaction.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>

#include "compactor/scheduler.h"
#include "compactor/test_support.h"

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
  class NoTrim : public log::Log {
   public:
    explicit NoTrim(log::Log& log) : log_(log) {}
    Result<uint64_t> Append(runtime::Context& ctx, const Uuid& id, Bytes payload,
                            uint32_t count) override {
      return log_.Append(ctx, id, std::move(payload), count);
    }
    Result<std::vector<log::Entry>> Read(runtime::Context& ctx, const Uuid& id, uint64_t from,
                                         size_t bytes_max) override {
      return log_.Read(ctx, id, from, bytes_max);
    }
    Result<uint64_t> End(runtime::Context& ctx, const Uuid& id) override {
      return log_.End(ctx, id);
    }
    Status Trim(runtime::Context&, const Uuid&, uint64_t) override {
      return Status::ResourceExhausted("no space");
    }
    Status Forget(runtime::Context& ctx, const Uuid& id) override { return log_.Forget(ctx, id); }
    std::vector<Backlog> Backlogs() override { return log_.Backlogs(); }
    uint64_t BacklogBytes(const Uuid& id) override { return log_.BacklogBytes(id); }

   private:
    log::Log& log_;
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
  ASSERT_TRUE(
      catalog_->DeleteCollection(ctx_, model::kDefaultTenant, model::kDefaultDatabase, "things")
          .ok());
  EXPECT_EQ(CompactOnce().status().code(), StatusCode::kNotFound);
  EXPECT_EQ(Blobs(), std::vector<std::string>());
}

// ---- the scheduler

class SchedulerTest : public CompactionTest {
 protected:
  SchedulerTest() {
    policy_.idle_ns = 10 * runtime::kMillisecond;
    policy_.settle_ns = 20 * runtime::kMillisecond;
  }
  bool Eventually(const std::function<bool()>& condition) {
    for (int i = 0; i < 2000; ++i) {
      if (condition()) return true;
      env_.clock->SleepNs(2 * runtime::kMillisecond);
    }
    return false;
  }
  Policy policy_;
};

TEST_F(SchedulerTest, AnIdleCollectionIsCompacted) {
  Scheduler scheduler(SeamsHere(), policy_);
  ASSERT_TRUE(scheduler.Start({}).ok());
  for (int round = 0; round < 3; ++round) {
    Write(Operation::kAdd, round * 10, 10);
    scheduler.NotifyWrite(id_);
    EXPECT_TRUE(Eventually([&] { return log_->BacklogBytes(id_) == 0; }));
  }
  EXPECT_TRUE(Eventually([&] { return Blobs().size() == 2; }));
  EXPECT_EQ(Ids(), Numbered(0, 30));
}

TEST_F(SchedulerTest, ALargeTailDoesNotWaitForIdleness) {
  policy_.idle_ns = policy_.settle_ns = 3600 * runtime::kSecond;
  policy_.tail_records_max = 50;
  Scheduler scheduler(SeamsHere(), policy_);
  ASSERT_TRUE(scheduler.Start({}).ok());
  Write(Operation::kAdd, 0, 49);
  scheduler.NotifyWrite(id_);
  env_.clock->SleepNs(300 * runtime::kMillisecond);
  EXPECT_GT(log_->BacklogBytes(id_), 0u);
  Write(Operation::kAdd, 49, 1);
  scheduler.NotifyWrite(id_);
  EXPECT_TRUE(Eventually([&] { return log_->BacklogBytes(id_) == 0; }));
}

TEST_F(SchedulerTest, AnOldTailDoesNotWaitForIdleness) {
  policy_.idle_ns = policy_.settle_ns = 3600 * runtime::kSecond;
  policy_.tail_age_ns = 50 * runtime::kMillisecond;
  Scheduler scheduler(SeamsHere(), policy_);
  ASSERT_TRUE(scheduler.Start({}).ok());
  Write(Operation::kAdd, 0, 1);
  scheduler.NotifyWrite(id_);
  EXPECT_TRUE(Eventually([&] { return log_->BacklogBytes(id_) == 0; }));
}

TEST_F(SchedulerTest, AWriteEndsTheWaitForSettling) {
  policy_.settle_ns = 3600 * runtime::kSecond;
  policy_.tail_records_max = 50;
  Scheduler scheduler(SeamsHere(), policy_);
  ASSERT_TRUE(scheduler.Start({}).ok());
  // A second segment that is not worth a merge: it waits for the settling.
  Write(Operation::kAdd, 0, 49);
  scheduler.NotifyWrite(id_);
  ASSERT_TRUE(Eventually([&] { return log_->BacklogBytes(id_) == 0; }));
  Write(Operation::kUpsert, 0, 1);
  scheduler.NotifyWrite(id_);
  ASSERT_TRUE(Eventually([&] { return log_->BacklogBytes(id_) == 0; }));
  env_.clock->SleepNs(100 * runtime::kMillisecond);
  Write(Operation::kAdd, 49, 60);
  scheduler.NotifyWrite(id_);
  EXPECT_TRUE(Eventually([&] { return log_->BacklogBytes(id_) == 0; }));
}

TEST_F(SchedulerTest, FailedCompactionsAreTriedAgain) {
  FailOn(".manifest", StatusCode::kResourceExhausted);
  Scheduler scheduler(SeamsHere(), policy_);
  ASSERT_TRUE(scheduler.Start({}).ok());
  Write(Operation::kAdd, 0, 10);
  scheduler.NotifyWrite(id_);
  env_.clock->SleepNs(100 * runtime::kMillisecond);
  EXPECT_GT(log_->BacklogBytes(id_), 0u);
  EXPECT_EQ(Ids(), Numbered(0, 10));
  files_.SetFault(nullptr);
  EXPECT_TRUE(Eventually([&] { return log_->BacklogBytes(id_) == 0; }));
  EXPECT_EQ(Ids(), Numbered(0, 10));
}

TEST_F(SchedulerTest, BlobsOfDeletedCollectionsGo) {
  Write(Operation::kAdd, 0, 10);
  ASSERT_TRUE(CompactOnce().ok());
  Scheduler scheduler(SeamsHere(), policy_);
  ASSERT_TRUE(scheduler.Start({}).ok());
  ASSERT_TRUE(
      catalog_->DeleteCollection(ctx_, model::kDefaultTenant, model::kDefaultDatabase, "things")
          .ok());
  scheduler.NotifyDeleted({id_});
  EXPECT_TRUE(Eventually([&] { return Blobs().empty(); }));
}

// A store that lists its blobs once it is told to.
class GatedStore final : public store::BlobStore {
 public:
  explicit GatedStore(store::BlobStore& store) : store_(store) {}
  void OpenGate() {
    runtime::MutexLock lock(mutex_);
    open_ = true;
    opened_.NotifyAll();
  }
  Result<std::shared_ptr<const store::Blob>> Open(runtime::Context& ctx,
                                                  const std::string& name) override {
    return store_.Open(ctx, name);
  }
  Result<std::unique_ptr<store::BlobWriter>> Create(runtime::Context& ctx,
                                                    const std::string& name) override {
    return store_.Create(ctx, name);
  }
  Status Delete(runtime::Context& ctx, const std::string& name) override {
    return store_.Delete(ctx, name);
  }
  Result<std::vector<store::BlobInfo>> List(runtime::Context& ctx,
                                            const std::string& prefix) override {
    auto listed = store_.List(ctx, prefix);
    runtime::MutexLock lock(mutex_);
    while (!open_) opened_.Wait(mutex_);
    return listed;
  }
  Status RemoveUnfinished(runtime::Context& ctx) override { return store_.RemoveUnfinished(ctx); }

 private:
  store::BlobStore& store_;
  runtime::Mutex mutex_;
  runtime::CondVar opened_;
  bool open_ CHROMA_GUARDED_BY(mutex_) = false;
};

// The sweep of the directory keeps nobody waiting but compactions: what they write must not be
// taken for what an earlier process left.
TEST_F(SchedulerTest, TheDirectoryIsSweptInTheBackground) {
  const std::string orphan = id_.ToString() + "/orphan.segment";
  Write(Operation::kAdd, 0, 10);
  ASSERT_TRUE(CompactOnce()->published);
  ASSERT_TRUE(store::WriteBlob(ctx_, *store_, orphan, "left by a crash").ok());
  const auto has_orphan = [&] {
    const auto blobs = Blobs();
    return std::find(blobs.begin(), blobs.end(), orphan) != blobs.end();
  };
  GatedStore gated(*store_);
  Seams seams = SeamsHere();
  seams.store = &gated;
  auto scheduler = std::make_unique<Scheduler>(seams, policy_);
  ASSERT_TRUE(scheduler->Start({id_}).ok()) << "it does not wait for the sweep";
  Write(Operation::kAdd, 10, 10);
  scheduler->NotifyWrite(id_);
  EXPECT_EQ(Ids(), Numbered(0, 20));
  std::atomic<bool> compacted = false;
  const auto task = env_.scheduler->Start("compact", [&] {
    EXPECT_TRUE(scheduler->CompactFully(ctx_, id_).ok());
    compacted = true;
  });
  env_.clock->SleepNs(50 * runtime::kMillisecond);
  EXPECT_FALSE(compacted);
  EXPECT_TRUE(has_orphan());
  gated.OpenGate();
  task->Join();
  EXPECT_FALSE(has_orphan());
  EXPECT_TRUE(Eventually([&] { return Blobs().size() == 2; }));
  scheduler.reset();  // it works on the node
  Reopen();
  EXPECT_EQ(Ids(), Numbered(0, 20));
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

}  // namespace
}  // namespace chroma::compactor
