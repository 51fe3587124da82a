// Many tasks on one engine at once: writers, readers, deletes by filter, compactions, evictions,
// collections that come and go. What each may see is known, so every answer is checked; run
// under the thread sanitizer it also finds data races.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <random>

#include "service/wiring.h"

namespace chroma {
namespace {

using engine::CollectionRef;
using model::Operation;

constexpr uint32_t kDimension = 4;

class EngineTest : public ::testing::Test {
 protected:
  EngineTest() {
    env_.files = files_.get();
    Open();
  }

  void Open() {
    service_.reset();
    service::LocalOptions options;
    options.path = "/db";
    options.search_threads = 2;
    options.engine.allow_reset = true;
    options.compaction.tail_records_max = 64;
    options.compaction.idle_ns = 3 * runtime::kMillisecond;
    options.compaction.settle_ns = 20 * runtime::kMillisecond;
    auto opened = service::LocalService::Open(env_, options);
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    service_ = *std::move(opened);
  }
  engine::Engine& engine() { return service_->engine(); }

  CollectionRef Create(const std::string& name) {
    runtime::Context ctx;
    engine::CreateCollectionRequest request;
    request.name = name;
    request.get_or_create = true;
    auto created =
        engine().CreateCollection(ctx, model::kDefaultTenant, model::kDefaultDatabase, request);
    EXPECT_TRUE(created.ok()) << created.status().ToString();
    return *created;
  }
  Result<CollectionRef> Find(const Uuid& id) {
    runtime::Context ctx;
    return engine().FindCollection(ctx, model::kDefaultTenant, model::kDefaultDatabase, id);
  }

  // All components of all vectors are `value`.
  Status Upsert(const CollectionRef& collection, const std::vector<std::string>& ids, float value,
                const char* key = nullptr, uint32_t dimension = kDimension) {
    runtime::Context ctx;
    engine::WriteRequest request;
    request.batch.operation = Operation::kUpsert;
    request.batch.ids = ids;
    request.batch.vectors = {dimension, std::vector<float>(ids.size() * dimension, value)};
    if (key != nullptr) {
      request.batch.metadatas.resize(ids.size());
      for (auto& metadata : request.batch.metadatas) metadata.emplace().Set(key, int64_t{1});
    }
    request.shape = model::ShapeOf(request.batch);
    return engine().Write(ctx, collection, std::move(request));
  }
  Result<executor::Records> Get(const CollectionRef& collection,
                                std::optional<std::vector<std::string>> ids) {
    runtime::Context ctx;
    engine::GetRequest request;
    request.ids = std::move(ids);
    request.include = model::kIncludeEmbeddings;
    return engine().Get(ctx, collection, request);
  }

  std::unique_ptr<runtime::FileSystem> files_ = runtime::FileSystem::InMemory();
  runtime::Env env_;
  std::unique_ptr<service::LocalService> service_;
};

// ---- races that can be played step by step

TEST_F(EngineTest, TheLoserOfTwoFirstWritesIsRefused) {
  const CollectionRef seen_by_both = Create("things");
  ASSERT_TRUE(Upsert(seen_by_both, {"a"}, 1, nullptr, 3).ok());
  const Status second = Upsert(seen_by_both, {"b"}, 1, nullptr, 4);
  EXPECT_EQ(second.code(), StatusCode::kInvalidArgument) << second.ToString();
  EXPECT_EQ(Get(*Find(seen_by_both->id), std::nullopt)->ids, std::vector<std::string>{"a"});
}

TEST_F(EngineTest, NothingIsWrittenToADeletedCollection) {
  runtime::Context ctx;
  const CollectionRef old = Create("things");
  ASSERT_TRUE(Upsert(old, {"a"}, 1, "key").ok());
  ASSERT_TRUE(service_->Compact(ctx, old->id).ok());
  const CollectionRef compacted = *Find(old->id);
  ASSERT_TRUE(engine()
                  .DeleteCollection(ctx, model::kDefaultTenant, model::kDefaultDatabase, "things")
                  .ok());
  for (const CollectionRef& known : {old, compacted}) {
    EXPECT_EQ(Upsert(known, {"b"}, 1).code(), StatusCode::kNotFound);
    engine::DeleteRequest by_id, by_filter;
    by_id.ids = {"a"};
    by_filter.where =
        model::Filter{model::MetadataPredicate{"key", model::CompareOperator::kEqual, int64_t{1}}};
    EXPECT_EQ(engine().Delete(ctx, known, by_id).status().code(), StatusCode::kNotFound);
    EXPECT_EQ(engine().Delete(ctx, known, by_filter).status().code(), StatusCode::kNotFound);
  }
}

TEST_F(EngineTest, AnOldCollectionDoesNotTakeKeysFromTheSchema) {
  runtime::Context ctx;
  const CollectionRef old = Create("things");
  ASSERT_TRUE(Upsert(old, {"a"}, 1, "key").ok());
  engine::ModifyCollectionRequest request;
  request.new_configuration.emplace();
  ASSERT_TRUE(engine().ModifyCollection(ctx, old, request).ok());
  EXPECT_TRUE((*Find(old->id))->schema.keys.contains("key"));
}

TEST_F(EngineTest, AReaderThatGivesUpCostsOthersNothing) {
  const CollectionRef collection = Create("things");
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(Upsert(collection, {std::to_string(i)}, 1).ok());
  runtime::Context gone;
  gone.Cancel();
  EXPECT_EQ(engine().Count(gone, collection).status().code(), StatusCode::kCancelled);
  runtime::Context ctx;
  EXPECT_EQ(*engine().Count(ctx, collection), 20u);
}

// ---- everything at once

class Storm : public EngineTest {
 protected:
  static constexpr int kWriters = 3;
  static constexpr int kIds = 8;  // that one writer sets together
  static constexpr int64_t kDurationNs = 1500 * runtime::kMillisecond;

  bool Going() const { return env_.clock->MonotonicNs() < until_ns_ && !HasFailure(); }
  static std::vector<std::string> IdsOf(int writer) {
    std::vector<std::string> ids;
    for (int i = 0; i < kIds; ++i) {
      ids.push_back(std::to_string(writer) + "-" + std::to_string(i));
    }
    return ids;
  }

  // The value that all records of a writer have; a read sees one write, whole.
  int ValueOf(int writer) {
    auto records = Get(*Find(id_), IdsOf(writer));
    EXPECT_TRUE(records.ok()) << records.status().ToString();
    if (!records.ok() || records->ids.empty()) return 0;
    EXPECT_EQ(records->ids, IdsOf(writer));
    const auto& values = records->embeddings.values;
    for (float value : values) EXPECT_EQ(value, values[0]);
    return static_cast<int>(values[0]);
  }

  void WriteOften(int writer) {
    for (int value = 1; Going(); ++value) {
      const Status written = Upsert(*Find(id_), IdsOf(writer), static_cast<float>(value));
      ASSERT_TRUE(written.ok()) << written.ToString();
      acknowledged_[writer] = value;
      if (value % 4 == 0) {
        EXPECT_EQ(ValueOf(writer), value);
      }
      // Records that only the delete by filter takes away, each once.
      const std::string name = "x" + std::to_string(writer) + "-" + std::to_string(value);
      ASSERT_TRUE(Upsert(*Find(id_), {name}, -1, "doomed").ok());
      ++doomed_;
    }
  }

  void ReadOften(uint64_t seed) {
    runtime::Context ctx;
    std::mt19937_64 random(seed);
    std::array<int, kWriters> seen{};
    while (Going()) {
      const int writer = static_cast<int>(random() % kWriters);
      const int acknowledged = acknowledged_[writer];
      const int value = ValueOf(writer);
      EXPECT_GE(value, acknowledged);
      EXPECT_GE(value, seen[writer]);
      seen[writer] = value;
      engine::QueryRequest request;
      request.queries = {kDimension, std::vector<float>(2 * kDimension, 1)};
      request.query_lengths = {kDimension, kDimension};
      request.n_results = 5;
      auto found = engine().Query(ctx, *Find(id_), request);
      ASSERT_TRUE(found.ok()) << found.status().ToString();
      if (acknowledged > 0) {
        EXPECT_EQ(found->records[0].ids.size(), 5u);
      }
    }
  }

  uint64_t DeleteDoomed() {
    runtime::Context ctx;
    engine::DeleteRequest request;
    request.where = model::Filter{
        model::MetadataPredicate{"doomed", model::CompareOperator::kEqual, int64_t{1}}};
    auto deleted = engine().Delete(ctx, *Find(id_), request);
    EXPECT_TRUE(deleted.ok()) << deleted.status().ToString();
    return deleted.ok() ? *deleted : 0;
  }
  void DeleteOften() {
    while (Going()) {
      deleted_ += DeleteDoomed();
      env_.clock->SleepNs(runtime::kMillisecond);
    }
  }

  void DisturbOften() {
    runtime::Context ctx;
    while (Going()) {
      const Status compacted = service_->Compact(ctx, id_);
      ASSERT_TRUE(compacted.ok()) << compacted.ToString();
      service_->CloseIdleCollections();
      env_.clock->SleepNs(2 * runtime::kMillisecond);
    }
  }

  // A collection lives for some writes; another task writes to it until it is gone.
  void CreateAndDelete() {
    runtime::Context ctx;
    for (int round = 0; Going(); ++round) {
      const CollectionRef collection = Create("guest");
      auto other = env_.scheduler->Start("guest", [&] {
        Status status;
        for (int i = 0; status.ok(); ++i) status = Upsert(collection, {std::to_string(i)}, 1);
        EXPECT_EQ(status.code(), StatusCode::kNotFound) << status.ToString();
      });
      ASSERT_TRUE(Upsert(collection, {"a", "b", "c"}, 1).ok());
      auto found = Get(collection, std::vector<std::string>{"a", "b", "c"});
      EXPECT_TRUE(found.ok() && found->ids.size() == 3) << found.status().ToString();
      const Status deleted =
          engine().DeleteCollection(ctx, model::kDefaultTenant, model::kDefaultDatabase, "guest");
      EXPECT_TRUE(deleted.ok()) << deleted.ToString();
      EXPECT_EQ(Find(collection->id).status().code(), StatusCode::kNotFound);
      other->Join();
    }
  }

  void CheckEnd() {
    for (int writer = 0; writer < kWriters; ++writer) {
      EXPECT_EQ(ValueOf(writer), acknowledged_[writer]);
    }
    auto all = Get(*Find(id_), std::nullopt);
    ASSERT_TRUE(all.ok()) << all.status().ToString();
    EXPECT_EQ(all->ids.size(), static_cast<size_t>(kWriters * kIds));
  }

  Uuid id_;
  int64_t until_ns_ = 0;
  std::array<std::atomic<int>, kWriters> acknowledged_{};
  std::atomic<uint64_t> doomed_{0};
  std::atomic<uint64_t> deleted_{0};
};

TEST_F(Storm, EveryReadSeesWhatWasAcknowledged) {
  id_ = Create("things")->id;
  until_ns_ = env_.clock->MonotonicNs() + kDurationNs;
  std::vector<std::unique_ptr<runtime::Task>> tasks;
  const auto start = [&](std::function<void()> body) {
    tasks.push_back(env_.scheduler->Start("storm", std::move(body)));
  };
  for (int writer = 0; writer < kWriters; ++writer) start([this, writer] { WriteOften(writer); });
  for (uint64_t seed : {1, 2}) start([this, seed] { ReadOften(seed); });
  start([this] { DeleteOften(); });
  start([this] { DisturbOften(); });
  start([this] { CreateAndDelete(); });
  for (auto& task : tasks) task->Join();
  ASSERT_FALSE(HasFailure());

  deleted_ += DeleteDoomed();
  EXPECT_EQ(deleted_, doomed_);  // each was there, and was deleted once
  EXPECT_GT(deleted_, 0u);
  CheckEnd();
  Open();
  CheckEnd();
}

}  // namespace
}  // namespace chroma
