#include "service/wiring.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "service/data_directory.h"
#include "service/test_support.h"
#include "testing/fault_file_system.h"

namespace chroma::service {
namespace {

using engine::CollectionRef;

class WiringTest : public ::testing::Test {
 protected:
  WiringTest() { env_.files = files_.get(); }

  Result<std::unique_ptr<LocalService>> Open(LocalOptions options = {}) {
    options.path = "/db";
    return LocalService::Open(env_, options);
  }
  void Write(const std::string& path, std::string_view text) {
    ASSERT_TRUE(files_->CreateDirectory("/db").ok());
    auto file = files_->Open(path, runtime::OpenMode::kCreate);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE((*file)->WriteAt(0, text).ok());
  }
  uint64_t StoredBytes(const std::string& directory) {
    uint64_t bytes = 0;
    for (const auto& entry : *files_->List(directory)) {
      bytes += entry.is_directory ? StoredBytes(runtime::JoinPath(directory, entry.name))
                                  : entry.size_bytes;
    }
    return bytes;
  }

  CollectionRef Create(LocalService& service, const std::string& name) {
    auto created = GetOrCreate(service, name);
    EXPECT_TRUE(created.ok()) << created.status().ToString();
    return *created;
  }
  void Add(LocalService& service, const CollectionRef& collection, int first, int n) {
    const Status written = AddRows(service, collection, first, n);
    ASSERT_TRUE(written.ok()) << written.ToString();
  }

  std::unique_ptr<runtime::FileSystem> files_ = runtime::FileSystem::InMemory();
  runtime::Env env_;
  runtime::Context ctx_;
};

TEST_F(WiringTest, RefusesADirectoryOfANewerVersion) {
  Write("/db/FORMAT", "chroma-cpp 2\n");
  const Status status = Open().status();
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(status.message().find("newer version"), std::string_view::npos);
}

TEST_F(WiringTest, RefusesADirectoryOfUpstream) {
  Write("/db/chroma.sqlite3", "SQLite format 3");
  const Status status = Open().status();
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(status.message().find("chroma.sqlite3"), std::string_view::npos);
}

// What cannot be compacted stays in the log: deletes wait for room there as other writes do.
TEST_F(WiringTest, WritesAndDeletesWaitForTheCompactor) {
  testing::FaultFileSystem files(1);
  env_.files = &files;
  LocalOptions options;
  options.engine.backlog.bytes_max = 4 << 10;
  options.engine.backlog.wait_ns = 100 * runtime::kMillisecond;
  auto service = Open(options);
  ASSERT_TRUE(service.ok()) << service.status().ToString();
  files.SetFault([](testing::FaultFileSystem::Call, const std::string& path) {
    return path.find(".segment") == path.npos ? Status::Ok()
                                              : Status::ResourceExhausted("made to fail");
  });
  const CollectionRef things = Create(**service, "things");
  Add(**service, things, 0, 100);
  engine::DeleteRequest by_id;
  by_id.ids = std::vector<std::string>{"id0"};
  engine::DeleteRequest by_filter;
  by_filter.where_document =
      model::Filter{model::DocumentPredicate{model::DocumentOperator::kContains, "x"}};
  EXPECT_EQ(AddRows(**service, things, 100, 1).code(), StatusCode::kUnavailable);
  for (const engine::DeleteRequest& request : {by_id, by_filter}) {
    EXPECT_EQ((*service)->engine().Delete(ctx_, things, request).status().code(),
              StatusCode::kUnavailable);
  }
  files.SetFault(nullptr);
  ASSERT_TRUE((*service)->Compact(ctx_, things->id).ok());
  EXPECT_TRUE((*service)->engine().Delete(ctx_, things, by_id).ok());
  service->reset();
}

// Many collections, none of which has much: together they are not to fill the memory.
TEST_F(WiringTest, CompactsTheLargestTailWhenAllTogetherAreTooLarge) {
  LocalOptions options;
  options.compaction.idle_ns = 3600 * runtime::kSecond;
  options.compaction.all_tails_bytes_max = 64 << 10;
  auto service = Open(options);
  ASSERT_TRUE(service.ok());
  std::vector<CollectionRef> collections;
  for (int i = 0; i < 3; ++i) {
    collections.push_back(Create(**service, "things-" + std::to_string(i)));
    Add(**service, collections.back(), 0, i == 1 ? 200 : 100);  // 256 bytes and more each
  }
  uint64_t unindexed = 1;
  for (int step = 0; step < 500 && unindexed > 0; ++step) {
    unindexed = (*service)->engine().GetIndexingStatus(ctx_, collections[1])->unindexed_operations;
    env_.clock->SleepNs(10 * runtime::kMillisecond);
  }
  EXPECT_EQ(unindexed, 0u);
  EXPECT_EQ((*service)->engine().GetIndexingStatus(ctx_, collections[0])->unindexed_operations,
            100u);
}

TEST_F(WiringTest, NoticesThatTheCatalogOfAUsedDirectoryIsGone) {
  for (bool removed : {true, false}) {
    files_ = runtime::FileSystem::InMemory();
    env_.files = files_.get();
    {
      auto service = Open();
      ASSERT_TRUE(service.ok());
      Add(**service, Create(**service, "things"), 0, 1);
    }
    ASSERT_TRUE(files_->Remove("/db/catalog.sqlite3").ok());
    if (!removed) Write("/db/catalog.sqlite3", "");
    const Status status = Open().status();
    EXPECT_EQ(status.code(), StatusCode::kDataLoss) << status.ToString();
    EXPECT_NE(status.message().find("catalog.sqlite3"), std::string_view::npos);
  }
}

TEST_F(WiringTest, NamesADamagedFormatFile) {
  Write("/db/FORMAT", "garbage");
  EXPECT_EQ(Open().status().code(), StatusCode::kDataLoss);
}

TEST_F(WiringTest, RefusesADirectoryThatIsOpen) {
  auto one = Open();
  ASSERT_TRUE(one.ok()) << one.status().ToString();
  EXPECT_EQ(Open().status().code(), StatusCode::kUnavailable);
  one->reset();
  EXPECT_TRUE(Open().ok());
}

TEST_F(WiringTest, KeepsRecordsOverRestartsWithAndWithoutCompaction) {
  for (int round = 0; round < 3; ++round) {
    auto service = Open();
    ASSERT_TRUE(service.ok()) << service.status().ToString();
    CollectionRef collection = Create(**service, "things");
    EXPECT_EQ(*(*service)->engine().Count(ctx_, collection), round * 100u);
    Add(**service, collection, round * 100, 100);
    if (round == 1) {
      ASSERT_TRUE((*service)->Compact(ctx_, collection->id).ok());
    }
    EXPECT_EQ(*(*service)->engine().Count(ctx_, collection), round * 100u + 100u);
  }
}

TEST_F(WiringTest, SpaceOfDeletedRecordsAndCollectionsComesBack) {
  auto service = Open();
  ASSERT_TRUE(service.ok());
  CollectionRef collection = Create(**service, "things");
  Add(**service, collection, 0, 4000);
  ASSERT_TRUE((*service)->Compact(ctx_, collection->id).ok());
  const uint64_t full = StoredBytes("/db/blobs");
  EXPECT_GT(full, 4000u * 64 * 4);

  engine::DeleteRequest request;
  request.ids.emplace();
  for (int i = 0; i < 3900; ++i) request.ids->push_back("id" + std::to_string(i));
  ASSERT_TRUE((*service)->engine().Delete(ctx_, collection, request).ok());
  ASSERT_TRUE((*service)->Compact(ctx_, collection->id).ok());
  EXPECT_LT(StoredBytes("/db/blobs"), full / 10);
  EXPECT_EQ(*(*service)->engine().Count(ctx_, collection), 100u);

  ASSERT_TRUE((*service)
                  ->engine()
                  .DeleteCollection(ctx_, model::kDefaultTenant, model::kDefaultDatabase, "things")
                  .ok());
  service->reset();
  service = Open();
  ASSERT_TRUE(service.ok());
  // Swept in the background, and before a compaction.
  collection = Create(**service, "things");
  ASSERT_TRUE((*service)->Compact(ctx_, collection->id).ok());
  EXPECT_EQ(StoredBytes("/db/blobs"), 0u);
}

TEST_F(WiringTest, RefusesADirectoryWhoseLogIsGone) {
  {
    auto service = Open();
    ASSERT_TRUE(service.ok());
    const CollectionRef collection = Create(**service, "things");
    Add(**service, collection, 0, 10);
    ASSERT_TRUE((*service)->Compact(ctx_, collection->id).ok());
  }
  const std::string log = "/db/log";
  for (const auto& entry : *files_->List(log)) {
    ASSERT_TRUE(files_->Remove(runtime::JoinPath(log, entry.name)).ok());
  }
  const Status status = Open().status();
  EXPECT_EQ(status.code(), StatusCode::kDataLoss) << status.ToString();
}

TEST_F(WiringTest, AReaderWithAnOldCollectionSeesNewWrites) {
  auto service = Open();
  ASSERT_TRUE(service.ok());
  CollectionRef old = Create(**service, "things");
  for (int round = 1; round <= 3; ++round) {
    Add(**service, old, round * 10, 10);
    ASSERT_TRUE((*service)->Compact(ctx_, old->id).ok());
    // Closed and swept: only the catalog knows where the records are now.
    (*service)->CloseIdleCollections();
    auto count = (*service)->engine().Count(ctx_, old);
    ASSERT_TRUE(count.ok()) << count.status().ToString();
    EXPECT_EQ(*count, round * 10u);
  }
}

TEST_F(WiringTest, RefusesAQueryWhoseAnswerWouldBeTooLarge) {
  LocalOptions options;
  options.engine.query_rows_max = 200;
  options.engine.query_answer_bytes_max = 40 * 64 * sizeof(float);
  auto service = Open(options);
  ASSERT_TRUE(service.ok());
  CollectionRef collection = Create(**service, "things");
  Add(**service, collection, 0, 100);
  collection = Create(**service, "things");  // with its dimension
  const auto query = [&](size_t queries, uint32_t n_results, model::IncludeSet include) {
    engine::QueryRequest request;
    request.queries.dimension = 64;
    request.queries.values.resize(queries * 64);
    request.query_lengths.assign(queries, 64);
    request.n_results = n_results;
    request.include = include;
    return (*service)->engine().Query(ctx_, collection, request).status();
  };
  EXPECT_TRUE(query(2, UINT32_MAX, 0).ok());
  EXPECT_EQ(query(3, UINT32_MAX, 0).message(),
            "The answer would have more than 200 records; lower n_results or send fewer query "
            "vectors");
  EXPECT_TRUE(query(3, 10, model::kIncludeEmbeddings).ok());
  EXPECT_EQ(query(4, 10, model::kIncludeEmbeddings).code(), StatusCode::kInvalidArgument);
}

// Bytes of segments that are mapped and in memory.
uint64_t MappedBytes() {
  std::ifstream maps("/proc/self/smaps");
  uint64_t kilobytes = 0;
  bool of_segment = false;
  for (std::string line; std::getline(maps, line);) {
    constexpr std::string_view kResident = "Rss:";
    // A mapping begins with its addresses, as 7f00-7fff, all else with a name and a colon.
    if (line.find('-') < line.find(' ')) of_segment = line.ends_with(".segment");
    if (of_segment && line.starts_with(kResident)) {
      kilobytes += std::stoull(line.substr(kResident.size()));
    }
  }
  return kilobytes << 10;
}

// A directory on a disk, since nothing else is mapped, with rows that were compacted.
class MappedMemoryTest : public WiringTest {
 protected:
  // Large rows: a file is mapped by 2 MiB at once, but an index of many would take long to build.
  static constexpr uint32_t kDimension = 2048;
  static constexpr int kRows = 2500;
  static constexpr uint64_t kVectorBytes = uint64_t{kRows} * kDimension * sizeof(float);

  ~MappedMemoryTest() override {
    service_.reset();
    std::filesystem::remove_all(path_);
  }
  void OpenCompacted(uint32_t index_rows_min) {
    LocalOptions options;
    options.path = path_;
    options.compaction.index.rows_min = index_rows_min;
    options.compaction.settle_ns = 0;
    auto service = LocalService::Open(disk_, options);
    ASSERT_TRUE(service.ok()) << service.status().ToString();
    service_ = std::move(*service);
    const CollectionRef written = Create(*service_, "things");
    ASSERT_NO_FATAL_FAILURE(WriteRows(written));
    ASSERT_TRUE(service_->Compact(ctx_, written->id).ok());
    service_->CloseIdleCollections();
    collection_ = Create(*service_, "things");  // with its new version
  }
  // For a minute at most.
  void WaitUntilIndexed() {
    uint64_t unindexed = UINT64_MAX;
    for (int i = 0; i < 6000 && unindexed > 0; ++i) {
      Rest();
      const auto status = service_->engine().GetIndexingStatus(ctx_, collection_);
      ASSERT_TRUE(status.ok()) << status.status().ToString();
      unindexed = status->unindexed_operations;
    }
    ASSERT_EQ(unindexed, 0U);
    collection_ = Create(*service_, "things");
  }
  void Query(size_t queries) {
    engine::QueryRequest request;
    request.queries = {kDimension, Values(queries)};
    request.query_lengths.assign(queries, kDimension);
    request.n_results = 10;
    const auto found = service_->engine().Query(ctx_, collection_, request);
    ASSERT_TRUE(found.ok()) << found.status().ToString();
  }
  void Rest() { disk_.clock->SleepNs(10 * runtime::kMillisecond); }
  // Whether many more vectors are mapped than at `bytes`: beginnings and ends of a file always are.
  static bool IsFarAbove(uint64_t bytes) { return MappedBytes() > bytes + kVectorBytes / 4; }
  // Waits for that to end, for ten seconds.
  bool GoesBackTo(
      uint64_t bytes, const std::function<void()>& meanwhile = [] {}) {
    for (int i = 0; i < 1000 && IsFarAbove(bytes); ++i) {
      Rest();
      meanwhile();
    }
    return !IsFarAbove(bytes);
  }

  std::unique_ptr<LocalService> service_;
  CollectionRef collection_;

 private:
  // In few dimensions, so that not all are about as far from each other.
  std::vector<float> Values(size_t rows) {
    constexpr uint32_t kFilled = 8;
    std::vector<float> values(rows * kDimension);
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] = i % kDimension < kFilled ? uniform_(random_) : values[i - kFilled];
    }
    return values;
  }
  void WriteRows(const CollectionRef& collection) {
    engine::WriteRequest request;
    for (int i = 0; i < kRows; ++i) request.batch.ids.push_back("id" + std::to_string(i));
    request.batch.vectors = {kDimension, Values(kRows)};
    request.batch.has_vector.assign(kRows, 1);
    request.shape = model::ShapeOf(request.batch);
    const Status written = service_->engine().Write(ctx_, collection, std::move(request));
    ASSERT_TRUE(written.ok()) << written.ToString();
  }

  std::mt19937 random_{1};
  std::uniform_real_distribution<float> uniform_;
  const std::string path_ = ::testing::TempDir() + "chroma-pages-" + std::to_string(getpid());
  runtime::Env disk_;
};

TEST_F(MappedMemoryTest, IsGivenBackAfterTheLastRead) {
  ASSERT_NO_FATAL_FAILURE(OpenCompacted(UINT32_MAX));  // a walk would touch a few pages only
  ASSERT_TRUE(GoesBackTo(0)) << "what compaction has mapped";
  const uint64_t before_bytes = MappedBytes();
  Query(1);
  EXPECT_TRUE(IsFarAbove(before_bytes));
  EXPECT_TRUE(GoesBackTo(before_bytes));
}

TEST_F(MappedMemoryTest, OfABatchIsGivenBackWhileOthersRead) {
  ASSERT_NO_FATAL_FAILURE(OpenCompacted(2000));
  ASSERT_NO_FATAL_FAILURE(WaitUntilIndexed());
  ASSERT_TRUE(GoesBackTo(0)) << "what the build has mapped";
  Query(1);
  const uint64_t before_bytes = MappedBytes();
  std::atomic<bool> stops = false;
  std::thread batches([&] {
    while (!stops) Query(1000);
  });
  bool is_far_above = false;
  for (int i = 0; i < 1000 && !is_far_above; ++i) {
    Rest();
    is_far_above = IsFarAbove(before_bytes);
  }
  stops = true;
  batches.join();
  EXPECT_TRUE(is_far_above);
  EXPECT_TRUE(GoesBackTo(before_bytes, [&] { Query(1); }));
}

}  // namespace
}  // namespace chroma::service
