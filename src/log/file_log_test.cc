#include "log/file_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <new>
#include <set>

#include "log/test_support.h"
#include "runtime/scheduler.h"

namespace chroma::log {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(FileLogTest, GivesBackWhatWasAppended) {
  Fixture f(1);
  ASSERT_TRUE(f.Open().ok());
  EXPECT_EQ(*f.log->End(f.ctx, CollectionId(1)), 0u);
  EXPECT_EQ(*f.Append(1, "one", 3), 1u);
  EXPECT_EQ(*f.Append(2, "", 1), 4u);
  EXPECT_EQ(*f.Append(1, "three", 2), 5u);
  EXPECT_THAT(f.Read(1), ElementsAre(Held{1, 3, "one"}, Held{5, 2, "three"}));
  EXPECT_THAT(f.Read(2), ElementsAre(Held{4, 1, ""}));
  EXPECT_THAT(f.Read(1, 2), ElementsAre(Held{5, 2, "three"}));
  EXPECT_THAT(f.Read(1, 0, 1), ElementsAre(Held{1, 3, "one"}));
  EXPECT_THAT(f.Read(1, 6), IsEmpty());
  EXPECT_EQ(*f.log->End(f.ctx, CollectionId(1)), 7u);

  ASSERT_TRUE(f.Open().ok());
  EXPECT_THAT(f.Read(1), ElementsAre(Held{1, 3, "one"}, Held{5, 2, "three"}));
  EXPECT_EQ(*f.Append(1, "four", 1), 7u);
  EXPECT_EQ(f.Append(1, "none", 0).status().code(), StatusCode::kInvalidArgument);
}

TEST(FileLogTest, TellsOfAnEntryOnceItsWriterHasPreparedIt) {
  Fixture f(1);
  ASSERT_TRUE(f.Open().ok());
  const Uuid id = CollectionId(1);
  ASSERT_TRUE(f.Append(1, "before").ok());
  std::vector<uint64_t> prepared;
  const auto first = f.log->Append(f.ctx, id, "first", 2, [&](uint64_t end) {
    prepared.push_back(end);
    EXPECT_EQ(*f.log->End(f.ctx, id), 2u);
    EXPECT_THAT(f.Read(1, 2), ElementsAre(Held{2, 2, "first"})) << "it is durable";
    // What is acknowledged meanwhile is told of, and what is before it with it.
    EXPECT_EQ(*f.log->Append(f.ctx, id, "second", 1,
                             [&](uint64_t second) {
                               prepared.push_back(second);
                               EXPECT_EQ(*f.log->End(f.ctx, id), 2u);
                             }),
              4u);
    EXPECT_EQ(*f.log->End(f.ctx, id), 5u);
    ASSERT_TRUE(f.Append(1, "third").ok());
    EXPECT_EQ(*f.log->End(f.ctx, id), 6u);
  });
  EXPECT_EQ(*first, 2u);
  EXPECT_THAT(prepared, ElementsAre(4u, 5u));
  EXPECT_EQ(*f.log->End(f.ctx, id), 6u);
  EXPECT_EQ(*f.log->End(f.ctx, CollectionId(2)), 0u);
}

TEST(FileLogTest, TellsOfAnEntryWhosePreparationFailed) {
  Fixture f(1);
  ASSERT_TRUE(f.Open().ok());
  const Uuid id = CollectionId(1);
  EXPECT_THROW((void)f.log->Append(f.ctx, id, "one", 1, [](uint64_t) { throw std::bad_alloc(); }),
               std::bad_alloc);
  EXPECT_EQ(*f.log->End(f.ctx, id), 2u);
  int calls = 0;
  f.ctx.Cancel();
  EXPECT_FALSE(f.log->Append(f.ctx, id, "two", 1, [&](uint64_t) { ++calls; }).ok());
  EXPECT_EQ(calls, 0) << "it was not written";
}

TEST(FileLogTest, OpeningIsGivenUpAndDoneAgain) {
  Fixture f(1);
  ASSERT_TRUE(f.Open().ok());
  ASSERT_TRUE(f.Append(1, "one").ok());
  f.log = nullptr;
  runtime::Context ctx;
  ctx.Cancel();
  EXPECT_EQ(FileLog::Open(ctx, f.env, "/db", f.options).status().code(), StatusCode::kCancelled);
  ASSERT_TRUE(f.Open().ok());
  EXPECT_THAT(f.Read(1), ElementsAre(Held{1, 1, "one"}));
}

TEST(FileLogTest, ReadsWithoutTheCacheAndChecksWhatItReads) {
  Fixture f(1);
  f.options.cached_bytes_max = 0;
  ASSERT_TRUE(f.Open().ok());
  ASSERT_TRUE(f.Append(1, "payload").ok());
  EXPECT_THAT(f.Read(1), ElementsAre(Held{1, 1, "payload"}));
  auto file = f.files.Open("/db/log/0000000001.log", runtime::OpenMode::kReadWrite);
  ASSERT_TRUE((*file)->WriteAt(kFileHeaderBytes + kFrameHeaderBytes, "P").ok());
  auto read = f.log->Read(f.ctx, CollectionId(1), 0, 100);
  EXPECT_EQ(read.status().code(), StatusCode::kDataLoss);
  EXPECT_THAT(std::string(read.status().message()), ::testing::HasSubstr("0000000001.log"));
}

TEST(FileLogTest, ReadingBelowWhatWasTrimmedIsRefused) {
  Fixture f(1);
  ASSERT_TRUE(f.Open().ok());
  ASSERT_EQ(*f.Append(1, "one", 3), 1u);
  ASSERT_EQ(*f.Append(1, "two", 1), 4u);
  ASSERT_TRUE(f.log->Trim(f.ctx, CollectionId(1), 3).ok());  // inside the first entry
  EXPECT_TRUE(f.log->Read(f.ctx, CollectionId(1), 0, 100).ok());
  ASSERT_TRUE(f.log->Trim(f.ctx, CollectionId(1), 4).ok());
  EXPECT_EQ(f.log->Read(f.ctx, CollectionId(1), 3, 100).status().code(), StatusCode::kOutOfRange);
  EXPECT_THAT(f.Read(1, 4), ElementsAre(Held{4, 1, "two"}));
  ASSERT_TRUE(f.log->Trim(f.ctx, CollectionId(1), 100).ok());
  EXPECT_EQ(f.log->Read(f.ctx, CollectionId(1), 4, 100).status().code(), StatusCode::kOutOfRange);
  EXPECT_THAT(f.Read(1, 5), IsEmpty());
}

TEST(FileLogTest, BacklogsCountWhatIsNotTrimmed) {
  Fixture f(1);
  ASSERT_TRUE(f.Open().ok());
  ASSERT_TRUE(f.Append(1, "12345", 2).ok());
  ASSERT_TRUE(f.Append(2, "1", 1).ok());
  ASSERT_TRUE(f.Append(1, "123", 4).ok());
  auto backlogs = f.log->Backlogs();
  ASSERT_EQ(backlogs.size(), 2u);
  EXPECT_EQ(backlogs[0].collection, CollectionId(1));
  EXPECT_EQ(backlogs[0].records, 6u);
  EXPECT_EQ(backlogs[0].payload_bytes, 8u);
  EXPECT_EQ(f.log->BacklogBytes(CollectionId(1)), 8u);
  EXPECT_EQ(f.log->SumBacklogs().payload_bytes, 9u);
  EXPECT_EQ(f.log->SumBacklogs().collections, 2u);
  // Inside of an entry nothing is trimmed.
  ASSERT_TRUE(f.log->Trim(f.ctx, CollectionId(1), 2).ok());
  EXPECT_EQ(f.log->BacklogBytes(CollectionId(1)), 8u);
  ASSERT_TRUE(f.log->Trim(f.ctx, CollectionId(1), 3).ok());
  EXPECT_EQ(f.log->BacklogBytes(CollectionId(1)), 3u);
  EXPECT_THAT(f.Read(1), ElementsAre(Held{4, 4, "123"}));
  ASSERT_TRUE(f.log->Forget(f.ctx, CollectionId(1)).ok());
  ASSERT_TRUE(f.log->Forget(f.ctx, CollectionId(2)).ok());
  EXPECT_TRUE(f.log->Backlogs().empty());
  EXPECT_EQ(f.log->BacklogBytes(CollectionId(1)), 0u);
  EXPECT_EQ(f.log->SumBacklogs().payload_bytes, 0u);
  EXPECT_EQ(f.log->SumBacklogs().collections, 0u);
}

// A reader that found a collection before it was deleted must not take it for one without writes.
TEST(FileLogTest, AReaderOfAForgottenCollectionNotices) {
  Fixture f(1);
  ASSERT_TRUE(f.Open().ok());
  const uint64_t first = *f.Append(1, "a");
  ASSERT_TRUE(f.Append(1, "b").ok());
  const auto read = [&](uint64_t from) {
    return f.log->Read(f.ctx, CollectionId(1), from, 1 << 20).status().code();
  };
  ASSERT_TRUE(f.log->Trim(f.ctx, CollectionId(1), first + 1).ok());
  EXPECT_EQ(read(first + 1), StatusCode::kOk);
  ASSERT_TRUE(f.log->Forget(f.ctx, CollectionId(1)).ok());
  EXPECT_EQ(read(first), StatusCode::kOutOfRange);
  EXPECT_EQ(read(first + 1), StatusCode::kOutOfRange);
  EXPECT_EQ(read(first + 2), StatusCode::kOk);
  ASSERT_TRUE(f.log->Forget(f.ctx, CollectionId(1)).ok());
  EXPECT_EQ(read(first + 1), StatusCode::kOutOfRange);
}

TEST(FileLogTest, RollsFilesAndDropsThoseThatNobodyNeeds) {
  Fixture f(1);
  f.options.file_bytes_max = 2000;
  ASSERT_TRUE(f.Open().ok());
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(f.Append(i % 2, Bytes(500, 'x')).ok());
  EXPECT_EQ(f.LogFileNames().size(), 7u);
  ASSERT_TRUE(f.log->Trim(f.ctx, CollectionId(0), 100).ok());
  EXPECT_EQ(f.LogFileNames().size(), 7u) << "the other collection still needs all of them";
  ASSERT_TRUE(f.log->Trim(f.ctx, CollectionId(1), 10).ok());
  EXPECT_EQ(f.LogFileNames().front(), "0000000004.log");
  ASSERT_TRUE(f.log->Forget(f.ctx, CollectionId(1)).ok());
  EXPECT_THAT(f.LogFileNames(), ElementsAre("0000000008.log")) << "the last was ended, being large";
  EXPECT_EQ(f.files.Content("/db/log/0000000008.log").size(), kFileHeaderBytes);
  ASSERT_TRUE(f.Open().ok());
  EXPECT_TRUE(f.log->Backlogs().empty());
  EXPECT_EQ(*f.Append(1, "next"), 21u);
}

TEST(FileLogTest, KeepsWhatASlowCollectionNeeds) {
  Fixture f(1);
  f.options.file_bytes_max = 1000;
  ASSERT_TRUE(f.Open().ok());
  ASSERT_TRUE(f.Append(9, "slow").ok());
  for (int i = 0; i < 30; ++i) {
    auto offset = f.Append(1, Bytes(400, 'x'));
    ASSERT_TRUE(offset.ok());
    ASSERT_TRUE(f.log->Trim(f.ctx, CollectionId(1), *offset + 1).ok());
  }
  EXPECT_LE(f.LogFileNames().size(), 3u);
  EXPECT_EQ(f.LogFileNames().front(), "0000000001.log");
  ASSERT_TRUE(f.Open().ok());
  EXPECT_THAT(f.Read(9), ElementsAre(Held{1, 1, "slow"}));
  EXPECT_EQ(*f.Append(9, "more"), 32u);
}

TEST(FileLogTest, OnlyReadingWritesNothing) {
  Fixture f(1);
  ASSERT_TRUE(f.Open().ok());
  ASSERT_TRUE(f.Append(1, "one").ok());
  ASSERT_TRUE(f.Open().ok());
  f.files.SetFault([](testing::FaultFileSystem::Call call, const std::string& path) {
    if (call == testing::FaultFileSystem::Call::kSyncDirectory) return Status::Ok();
    ADD_FAILURE() << path;
    return Status::Internal("no");
  });
  ASSERT_TRUE(f.Open().ok());
  EXPECT_THAT(f.Read(1), ElementsAre(Held{1, 1, "one"}));
  f.log = nullptr;
}

TEST(FileLogTest, LargePayloadsAndSmallOnesShareAFile) {
  Fixture f(1);
  f.options.cached_bytes_max = 300;
  ASSERT_TRUE(f.Open().ok());
  std::vector<Held> expected;
  for (size_t bytes : {1u, 1u << 20, 7u, 256u << 10, (256u << 10) - 1, 0u, 3u << 20, 8u}) {
    Bytes payload(bytes, static_cast<char>('a' + expected.size()));
    auto offset = f.Append(1, payload);
    ASSERT_TRUE(offset.ok());
    expected.push_back({*offset, 1, payload});
  }
  EXPECT_EQ(f.Read(1), expected);
  ASSERT_TRUE(f.Open().ok());
  EXPECT_EQ(f.Read(1), expected);
}

TEST(FileLogTest, OneSyncAcknowledgesAllThatWait) {
  constexpr int kWriters = 32;
  constexpr int kAppends = 40;
  Fixture f(1);
  f.options.file_bytes_max = 100'000;
  ASSERT_TRUE(f.Open().ok());
  f.files.SetFault([](testing::FaultFileSystem::Call call, const std::string&) {
    if (call == testing::FaultFileSystem::Call::kSync) runtime::Clock::System().SleepNs(100'000);
    return Status::Ok();
  });
  std::vector<std::vector<Held>> written(kWriters);
  {
    std::vector<std::unique_ptr<runtime::Task>> tasks;
    for (int w = 0; w < kWriters; ++w) {
      tasks.push_back(runtime::Scheduler::System().Start("writer", [&f, &written, w] {
        runtime::Context ctx;
        for (int i = 0; i < kAppends; ++i) {
          Bytes payload = std::to_string(w) + "/" + std::to_string(i) + Bytes(i * 7, '.');
          const auto count = static_cast<uint32_t>(1 + i % 3);
          auto offset = f.log->Append(ctx, CollectionId(w % 5), payload, count);
          ASSERT_TRUE(offset.ok()) << offset.status().ToString();
          written[w].push_back({*offset, count, payload});
          if (i % 16 == 15) {
            ASSERT_TRUE(f.log->Read(ctx, CollectionId(w % 5), 0, 10'000).ok());
            ASSERT_TRUE(f.log->Trim(ctx, CollectionId(77), 1).ok());
          }
        }
      }));
    }
  }
  EXPECT_LT(f.files.syncs(), kWriters * kAppends / 2);
  std::map<uint64_t, std::vector<Held>> expected;
  for (int w = 0; w < kWriters; ++w) {
    auto& held = expected[w % 5];
    held.insert(held.end(), written[w].begin(), written[w].end());
  }
  for (auto& [collection, held] : expected) {
    std::sort(held.begin(), held.end(),
              [](const Held& a, const Held& b) { return a.first_offset < b.first_offset; });
    EXPECT_EQ(f.Read(collection), held);
  }
  f.files.SetFault(nullptr);
  ASSERT_TRUE(f.Open().ok());
  for (auto& [collection, held] : expected) EXPECT_EQ(f.Read(collection), held);
}

TEST(FileLogTest, WorksInRealFilesAndInMemory) {
  auto memory = runtime::FileSystem::InMemory();
  const std::string directory = ::testing::TempDir() + "file_log_test";
  for (runtime::FileSystem* files : {memory.get(), &runtime::FileSystem::System()}) {
    runtime::Env env;
    env.files = files;
    runtime::Context ctx;
    uint64_t last = 0;
    for (int round = 0; round < 3; ++round) {
      auto log = FileLog::Open(env, directory);
      ASSERT_TRUE(log.ok()) << log.status().ToString();
      for (int i = 0; i < 3; ++i) {
        auto offset = (*log)->Append(ctx, CollectionId(1), Bytes(1000, 'x'), 2);
        ASSERT_TRUE(offset.ok()) << offset.status().ToString();
        EXPECT_GT(*offset, last);
        last = *offset;
      }
      auto entries = (*log)->Read(ctx, CollectionId(1), last - 2, SIZE_MAX);
      ASSERT_TRUE(entries.ok());
      EXPECT_EQ(entries->size(), 2u);
    }
    auto entries = files->List(directory + "/log");
    ASSERT_TRUE(entries.ok());
    EXPECT_GE(entries->size(), 4u);
    for (const auto& entry : *entries) {
      EXPECT_TRUE(files->Remove(directory + "/log/" + entry.name).ok());
    }
  }
  EXPECT_TRUE(runtime::FileSystem::System().Remove(directory + "/log").ok());
  EXPECT_TRUE(runtime::FileSystem::System().Remove(directory).ok());
}

}  // namespace
}  // namespace chroma::log
