#include "compactor/scheduler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <set>

#include "compactor/test_support.h"

namespace chroma::compactor {
namespace {

using model::Operation;

class SchedulerTest : public CompactorTest {
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
  size_t IndexBlobs() {
    const std::vector<std::string> blobs = Blobs();
    return static_cast<size_t>(std::count_if(
        blobs.begin(), blobs.end(), [](const auto& name) { return name.ends_with(".index"); }));
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

// It leaves nothing to be merged, and no write comes after it.
TEST_F(SchedulerTest, ALargeTailIsIndexedOnceItsCollectionIsIdle) {
  dimension_ = 4;
  policy_.tail_records_max = 50;
  policy_.idle_ns = runtime::kSecond;
  policy_.settle_ns = 3600 * runtime::kSecond;
  policy_.index.rows_min = 20;
  Scheduler scheduler(SeamsHere(), policy_);
  ASSERT_TRUE(scheduler.Start({}).ok());
  Write(Operation::kAdd, 0, 60);
  scheduler.NotifyWrite(id_);
  EXPECT_TRUE(Eventually([&] { return Blobs().size() == 3; })) << "segment, index, manifest";
}

// A load would have each of its segments indexed, which are merged when it is over.
TEST_F(SchedulerTest, ABusyCollectionIsIndexedOnlyAfterAWhile) {
  dimension_ = 4;
  policy_.tail_records_max = 50;
  policy_.idle_ns = policy_.settle_ns = 3600 * runtime::kSecond;
  policy_.index.rows_min = policy_.index.busy_rows_min = 20;
  policy_.busy_index_ns = runtime::kSecond;
  Scheduler scheduler(SeamsHere(), policy_);
  ASSERT_TRUE(scheduler.Start({}).ok());
  const int64_t begin_ns = env_.clock->MonotonicNs();
  int written = 0;
  const auto write = [&] {
    Write(Operation::kAdd, written, 60);
    written += 60;
    scheduler.NotifyWrite(id_);
    return Eventually([&] { return log_->BacklogBytes(id_) == 0; });
  };
  ASSERT_TRUE(write());
  env_.clock->SleepNs(100 * runtime::kMillisecond);
  const size_t indexes = IndexBlobs();
  const bool is_early = env_.clock->MonotonicNs() - begin_ns < policy_.busy_index_ns;
  EXPECT_TRUE(indexes == 0 || !is_early) << indexes;
  EXPECT_TRUE(Eventually([&] { return write() && IndexBlobs() > 0; }));
  EXPECT_GE(env_.clock->MonotonicNs() - begin_ns, policy_.busy_index_ns);
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
  DeleteCollection("things");
  scheduler.NotifyDeleted({id_});
  EXPECT_TRUE(Eventually([&] { return Blobs().empty(); }));
}

// A store whose calls wait until they are let through.
class GatedStore final : public store::BlobStore {
 public:
  explicit GatedStore(store::BlobStore& store) : store_(store) {}
  // From now on lists, or else blobs whose names begin so, wait.
  void Close(const std::string& prefix) {
    runtime::MutexLock lock(mutex_);
    closed_.insert(prefix);
  }
  void Open(const std::string& prefix) {
    runtime::MutexLock lock(mutex_);
    closed_.erase(prefix);
    opened_.NotifyAll();
  }
  bool IsWaiting(const std::string& prefix) {
    runtime::MutexLock lock(mutex_);
    return waiting_[prefix] > 0;
  }
  static constexpr const char* kLists = "lists";

  Result<std::shared_ptr<const store::Blob>> Open(runtime::Context& ctx,
                                                  const std::string& name) override {
    return store_.Open(ctx, name);
  }
  Result<std::unique_ptr<store::BlobWriter>> Create(runtime::Context& ctx,
                                                    const std::string& name) override {
    Pass(name);
    return store_.Create(ctx, name);
  }
  Status Delete(runtime::Context& ctx, const std::string& name) override {
    return store_.Delete(ctx, name);
  }
  Result<std::vector<store::BlobInfo>> List(runtime::Context& ctx,
                                            const std::string& prefix) override {
    auto listed = store_.List(ctx, prefix);
    Pass(kLists);
    return listed;
  }
  Status RemoveUnfinished(runtime::Context& ctx) override { return store_.RemoveUnfinished(ctx); }

 private:
  void Pass(const std::string& name) {
    runtime::MutexLock lock(mutex_);
    const auto closed = std::find_if(closed_.begin(), closed_.end(),
                                     [&](const auto& prefix) { return name.starts_with(prefix); });
    if (closed == closed_.end()) return;
    const std::string prefix = *closed;
    ++waiting_[prefix];
    while (closed_.contains(prefix)) opened_.Wait(mutex_);
    --waiting_[prefix];
  }

  store::BlobStore& store_;
  runtime::Mutex mutex_;
  runtime::CondVar opened_;
  std::set<std::string> closed_ CHROMA_GUARDED_BY(mutex_);
  std::map<std::string, int> waiting_ CHROMA_GUARDED_BY(mutex_);
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
  gated.Close(GatedStore::kLists);
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
  gated.Open(GatedStore::kLists);
  task->Join();
  EXPECT_FALSE(has_orphan());
  EXPECT_TRUE(Eventually([&] { return Blobs().size() == 2; }));
  scheduler.reset();  // it works on the node
  Reopen();
  EXPECT_EQ(Ids(), Numbered(0, 20));
}

// Several collections, whose blobs can be kept from being written.
class SideBySideTest : public SchedulerTest {
 protected:
  SideBySideTest() {
    CreateCollection(second_, "second");
    CreateCollection(third_, "third");
  }
  // Not in the destructor: the tasks call OnPublished.
  void TearDown() override {
    for (const Uuid& id : {id_, second_, third_}) gated_.Open(id.ToString());
    scheduler_.reset();
  }
  void Start() {
    Seams seams = SeamsHere();
    seams.store = &gated_;
    scheduler_ = std::make_unique<Scheduler>(seams, policy_);
    ASSERT_TRUE(scheduler_->Start({}).ok());
  }
  void OnPublished(const Uuid& id) override {
    const Uuid* const last = close_after_;
    if (last != nullptr && id == *last) gated_.Close(id.ToString());
  }
  void WriteSome(const Uuid& id, int n) {
    WriteTo(id, Operation::kAdd, written_, n);
    written_ += n;
    scheduler_->NotifyWrite(id);
  }
  bool IsDrained(const Uuid& id) {
    return Eventually([&] { return log_->BacklogBytes(id) == 0; });
  }
  // The compaction that comes next of the collection does not end.
  void KeepBusy(const Uuid& id, int n) {
    gated_.Close(id.ToString());
    WriteSome(id, n);
    ASSERT_TRUE(Eventually([&] { return gated_.IsWaiting(id.ToString()); }));
  }

  const Uuid second_ = Uuid::FromRandom(3, 4);
  const Uuid third_ = Uuid::FromRandom(5, 6);
  GatedStore gated_{*store_};
  std::atomic<const Uuid*> close_after_ = nullptr;  // its next version is the last for a while
  std::unique_ptr<Scheduler> scheduler_;
  int written_ = 0;
};

TEST_F(SideBySideTest, OneCollectionKeepsNoOtherWaiting) {
  Start();
  KeepBusy(id_, 10);
  for (int round = 0; round < 3; ++round) {
    WriteSome(second_, 10);
    EXPECT_TRUE(IsDrained(second_));
    // Also for who does it without the background.
    WriteSome(third_, 10);
    runtime::Context ctx;
    EXPECT_TRUE(scheduler_->CompactFully(ctx, third_).ok());
  }
  EXPECT_GT(log_->BacklogBytes(id_), 0u);
  EXPECT_EQ(IdsOf(second_).size(), 30u);
  EXPECT_EQ(IdsOf(third_).size(), 30u);
  gated_.Open(id_.ToString());
  EXPECT_TRUE(IsDrained(id_));
  EXPECT_EQ(Ids(), Numbered(0, 10));
}

TEST_F(SideBySideTest, WhoeverWaitsForACompactionGivesUpWhenToldTo) {
  Start();
  KeepBusy(id_, 10);
  runtime::Context cancelled;
  std::atomic<bool> ended = false;
  const auto task = env_.scheduler->Start("compact", [&] {
    EXPECT_EQ(scheduler_->CompactFully(cancelled, id_).code(), StatusCode::kCancelled);
    ended = true;
  });
  env_.clock->SleepNs(20 * runtime::kMillisecond);
  EXPECT_FALSE(ended);
  cancelled.Cancel();
  task->Join();
}

// Two collections want merges that are not quick: one of them waits, but its log is drained, and
// so is that of a third.
TEST_F(SideBySideTest, ATaskIsLeftForWhatIsQuick) {
  policy_.quick_merge_bytes_max = 2'000;
  policy_.smallest_tier_bytes = 1;
  policy_.fan_in = 2;
  Start();
  for (const Uuid& id : {id_, second_}) {
    WriteSome(id, 1000);
    ASSERT_TRUE(IsDrained(id));
  }
  // A small segment beside a large one: drained at once, and merged with it afterwards.
  close_after_ = &id_;
  WriteSome(id_, 10);
  ASSERT_TRUE(IsDrained(id_));
  ASSERT_TRUE(Eventually([&] { return gated_.IsWaiting(id_.ToString()); }));
  for (int round = 0; round < 5; ++round) {
    for (const Uuid& id : {second_, third_}) {
      WriteSome(id, 10);
      EXPECT_TRUE(IsDrained(id)) << "round " << round;
    }
  }
  const auto segments = [&](const Uuid& id) {
    const auto live = node_->Open(ctx_, PublishedOf(id));
    return (*live)->version()->manifest.segments.size();
  };
  EXPECT_GT(segments(second_), 1u) << "its large merge waits";
  EXPECT_TRUE(gated_.IsWaiting(id_.ToString()));
  gated_.Open(id_.ToString());
  EXPECT_TRUE(Eventually([&] { return segments(id_) == 1 && segments(second_) == 1; }));
  EXPECT_EQ(IdsOf(id_).size(), 1010u);
  EXPECT_EQ(IdsOf(second_).size(), 1050u);
}

TEST_F(SideBySideTest, ADeletedCollectionIsNotMergedAnyFurther) {
  Start();
  WriteSome(second_, 10);
  ASSERT_TRUE(IsDrained(second_));
  KeepBusy(id_, 5'000);
  DeleteCollection("things");
  DeleteCollection("second");
  scheduler_->NotifyDeleted({id_, second_});
  const auto has_blobs = [&](const Uuid& id) {
    for (const std::string& blob : Blobs()) {
      if (blob.starts_with(id.ToString())) return true;
    }
    return false;
  };
  EXPECT_TRUE(Eventually([&] { return !has_blobs(second_); })) << "it does not wait for the other";
  WriteSome(third_, 10);
  EXPECT_TRUE(IsDrained(third_));
  gated_.Open(id_.ToString());
  EXPECT_TRUE(Eventually([&] { return !has_blobs(id_); }));
  EXPECT_EQ(Blobs().size(), 2u);
}

}  // namespace
}  // namespace chroma::compactor
