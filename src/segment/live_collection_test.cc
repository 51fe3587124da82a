#include "segment/live_collection.h"

#include <gtest/gtest.h>

#include <functional>

#include "log/file_log.h"
#include "store/dir_store.h"
#include "testing/forwarding_log.h"

namespace chroma::segment {
namespace {

class LiveCollectionTest : public ::testing::Test {
 protected:
  LiveCollectionTest() {
    env_.files = files_.get();
    EXPECT_TRUE(files_->CreateDirectory("/db").ok());
    log_ = *log::FileLog::Open(env_, "/db");
    store_ = *store::OpenDirStore(env_, "/db/blobs");
  }

  void Append(model::Operation operation, const std::string& id,
              const log::Log::Prepare& prepare = {}) {
    model::RecordBatch batch;
    batch.operation = operation;
    batch.ids = {id};
    if (operation != model::Operation::kDelete) {
      batch.vectors = {2, {1, 2}};
      batch.has_vector = {1};
    }
    ASSERT_TRUE(log_->Append(ctx_, id_, log::EncodeBatch(batch), 1, prepare).ok());
  }

  std::unique_ptr<runtime::FileSystem> files_ = runtime::FileSystem::InMemory();
  runtime::Env env_;
  runtime::Context ctx_;
  std::unique_ptr<log::Log> log_;
  std::unique_ptr<store::BlobStore> store_;
  const Uuid id_ = Uuid::FromRandom(1, 2);
};

TEST_F(LiveCollectionTest, SnapshotsStayAsTheyWere) {
  auto live = LiveCollection::Open(ctx_, *log_, *store_, nullptr, {id_, 0, "", 0});
  ASSERT_TRUE(live.ok()) << live.status().ToString();
  Append(model::Operation::kAdd, "a");
  auto one = (*live)->Read(ctx_);
  ASSERT_TRUE(one.ok());
  Append(model::Operation::kAdd, "b");
  Append(model::Operation::kDelete, "a");
  auto two = (*live)->Read(ctx_);
  ASSERT_TRUE(two.ok());
  EXPECT_EQ((*one)->live, 1u);
  EXPECT_EQ((*two)->live, 1u);
  const SnapshotPart& then = (*one)->parts[0];
  const SnapshotPart& now = (*two)->parts[0];
  EXPECT_EQ(then.part->rows(), 1u);
  EXPECT_TRUE(then.dead->Empty());
  EXPECT_FALSE(then.part->FindId("b")->has_value());
  EXPECT_TRUE(now.part->FindId("b")->has_value());
  EXPECT_TRUE(now.dead->Contains(**now.part->FindId("a")));
}

TEST_F(LiveCollectionTest, AnOutdatedVersionOverATrimmedLogIsRefused) {
  Append(model::Operation::kAdd, "a");
  auto end = log_->End(ctx_, id_);
  ASSERT_TRUE(end.ok());
  ASSERT_TRUE(log_->Trim(ctx_, id_, *end).ok());
  auto live = LiveCollection::Open(ctx_, *log_, *store_, nullptr, {id_, 0, "", 0});
  EXPECT_EQ(live.status().code(), StatusCode::kOutOfRange);
}

TEST_F(LiveCollectionTest, DamageInTheLogIsReportedAndNotSkipped) {
  ASSERT_TRUE(log_->Append(ctx_, id_, "no batch", 1).ok());
  auto live = LiveCollection::Open(ctx_, *log_, *store_, nullptr, {id_, 0, "", 0});
  EXPECT_EQ(live.status().code(), StatusCode::kDataLoss);
}

TEST_F(LiveCollectionTest, ReadsAtOnceWhatNobodyHasWrittenSince) {
  Append(model::Operation::kAdd, "a");
  const VersionRef version{id_, 0, "", 0};
  auto live = LiveCollection::Open(ctx_, *log_, *store_, nullptr, version);
  ASSERT_TRUE(live.ok());
  EXPECT_EQ((*live)->ReadAtOnce(ctx_, version).status().code(), StatusCode::kUnavailable);
  const auto read = (*live)->Read(ctx_);
  ASSERT_TRUE(read.ok());
  auto again = (*live)->ReadAtOnce(ctx_, version);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(*again, *read);

  Append(model::Operation::kAdd, "b");
  EXPECT_EQ((*live)->ReadAtOnce(ctx_, version).status().code(), StatusCode::kUnavailable);
  ASSERT_TRUE((*live)->Read(ctx_).ok());
  again = (*live)->ReadAtOnce(ctx_, version);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ((*again)->live, 2u);
  // Of a version that was published meanwhile.
  EXPECT_EQ((*live)->ReadAtOnce(ctx_, {id_, 1, "manifest", 2}).status().code(),
            StatusCode::kUnavailable);
}

// Calls what it is given whenever the log is read: a collection does that under its lock.
class WatchedLog final : public testing::ForwardingLog {
 public:
  using ForwardingLog::ForwardingLog;
  Result<std::vector<log::Entry>> Read(runtime::Context& ctx, const Uuid& collection, uint64_t from,
                                       size_t bytes_max) override {
    if (on_read) on_read();
    return ForwardingLog::Read(ctx, collection, from, bytes_max);
  }

  std::function<void()> on_read;
};

TEST_F(LiveCollectionTest, WhoReadsNeedsNoLockThatTheLogIsReadUnder) {
  WatchedLog log(*log_);
  Append(model::Operation::kAdd, "a");
  const VersionRef version{id_, 0, "", 0};
  auto live = LiveCollection::Open(ctx_, log, *store_, nullptr, version);
  ASSERT_TRUE(live.ok());
  const auto before = (*live)->Read(ctx_);
  ASSERT_TRUE(before.ok());
  int reads = 0;
  log.on_read = [&] {
    ++reads;
    const auto at_once = (*live)->ReadAtOnce(ctx_, version);
    ASSERT_TRUE(at_once.ok()) << at_once.status().ToString();
    EXPECT_EQ(*at_once, *before);
    EXPECT_EQ(*(*live)->Read(ctx_), *before);
    EXPECT_EQ((*live)->version()->manifest.version, 0u);
  };
  Append(model::Operation::kAdd, "b",
         [&](uint64_t end) { ASSERT_TRUE((*live)->Prepare(ctx_, end, model::Space::kL2).ok()); });
  EXPECT_GT(reads, 0);
  log.on_read = nullptr;
  EXPECT_EQ((*(*live)->Read(ctx_))->live, 2u);
}

// What is durable and hidden still makes a log long, and a compaction of it worth while.
TEST_F(LiveCollectionTest, CompactionsReadWhatTheLogDoesNotTellOfYet) {
  Append(model::Operation::kAdd, "a");
  auto live = LiveCollection::Open(ctx_, *log_, *store_, nullptr, {id_, 0, "", 0});
  ASSERT_TRUE(live.ok());
  ASSERT_TRUE((*live)->Read(ctx_).ok());
  Append(model::Operation::kAdd, "b", [&](uint64_t) {
    EXPECT_EQ((*(*live)->Read(ctx_))->live, 1u);
    EXPECT_EQ((*(*live)->ReadDurable(ctx_))->live, 2u);
  });
}

TEST_F(LiveCollectionTest, WhoReadsNeedNotWaitForWhatAWriterPrepares) {
  Append(model::Operation::kAdd, "a");
  const VersionRef version{id_, 0, "", 0};
  auto live = LiveCollection::Open(ctx_, *log_, *store_, nullptr, version);
  ASSERT_TRUE(live.ok());
  const auto before = (*live)->Read(ctx_);
  ASSERT_TRUE(before.ok());

  Append(model::Operation::kAdd, "b", [&](uint64_t end) {
    auto meanwhile = (*live)->ReadAtOnce(ctx_, version);
    ASSERT_TRUE(meanwhile.ok()) << meanwhile.status().ToString();
    EXPECT_EQ(*meanwhile, *before);
    meanwhile = (*live)->Read(ctx_);
    ASSERT_TRUE(meanwhile.ok());
    EXPECT_EQ(*meanwhile, *before);
    ASSERT_TRUE((*live)->Prepare(ctx_, end, model::Space::kL2).ok());
  });
  const auto after = (*live)->ReadAtOnce(ctx_, version);
  ASSERT_TRUE(after.ok()) << after.status().ToString();
  EXPECT_EQ((*after)->live, 2u);
  EXPECT_EQ((*before)->live, 1u);
}

}  // namespace
}  // namespace chroma::segment
