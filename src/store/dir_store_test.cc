#include "store/dir_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/log.h"
#include "testing/fault_file_system.h"

namespace chroma::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Names(runtime::Context& ctx, BlobStore& store, const std::string& prefix) {
  std::vector<std::string> names;
  auto blobs = store.List(ctx, prefix);
  EXPECT_TRUE(blobs.ok()) << blobs.status().ToString();
  if (!blobs.ok()) return names;
  for (const BlobInfo& blob : *blobs) names.push_back(blob.name);
  return names;
}

void UseStore(BlobStore& store) {
  runtime::Context ctx;
  ASSERT_TRUE(WriteBlob(ctx, store, "a/b/one", "first").ok());
  ASSERT_TRUE(WriteBlob(ctx, store, "a/b.two", "").ok());
  ASSERT_TRUE(WriteBlob(ctx, store, "top", Bytes(3'000'000, 'x')).ok());
  EXPECT_THAT(Names(ctx, store, ""), ElementsAre("a/b.two", "a/b/one", "top"));
  EXPECT_THAT(Names(ctx, store, "a/b"), ElementsAre("a/b.two", "a/b/one"));
  EXPECT_THAT(Names(ctx, store, "a/b/"), ElementsAre("a/b/one"));
  EXPECT_THAT(Names(ctx, store, "none/at/all"), IsEmpty());

  auto blob = store.Open(ctx, "a/b/one");
  ASSERT_TRUE(blob.ok());
  EXPECT_EQ((*blob)->name(), "a/b/one");
  EXPECT_EQ((*blob)->size_bytes(), 5u);
  EXPECT_EQ((*blob)->Read(ctx, 1, 3)->bytes, "irs");
  EXPECT_EQ((*blob)->Read(ctx, 5, 0)->bytes, "");
  EXPECT_EQ((*blob)->Read(ctx, 0, 6).status().code(), StatusCode::kDataLoss);
  EXPECT_EQ((*blob)->Read(ctx, 6, 0).status().code(), StatusCode::kDataLoss);
  EXPECT_EQ((*blob)->Read(ctx, UINT64_MAX, 2).status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(ReadBlob(ctx, store, "a/b.two")->bytes, "");
  EXPECT_EQ(ReadBlob(ctx, store, "top")->bytes, Bytes(3'000'000, 'x'));

  EXPECT_EQ(WriteBlob(ctx, store, "top", "other").code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(store.Open(ctx, "a/none").status().code(), StatusCode::kNotFound);

  // A reader outlives the name, and so does a slice its blob.
  auto slice = (*blob)->Read(ctx, 0, 5);
  ASSERT_TRUE(store.Delete(ctx, "a/b/one").ok());
  ASSERT_TRUE(store.Delete(ctx, "a/b/one").ok());
  blob->reset();
  EXPECT_EQ(slice->bytes, "first");
  EXPECT_EQ(store.Open(ctx, "a/b/one").status().code(), StatusCode::kNotFound);

  for (const char* bad : {"", "/a", "a/", "a//b", "../a", "a/./b", "A", "a b", "a.tmp", "a\\b"}) {
    EXPECT_EQ(WriteBlob(ctx, store, bad, "x").code(), StatusCode::kInvalidArgument) << bad;
  }
  EXPECT_EQ(store.List(ctx, "../x").status().code(), StatusCode::kInvalidArgument);
}

TEST(DirStoreTest, InMemory) {
  auto files = runtime::FileSystem::InMemory();
  runtime::Env env;
  env.files = files.get();
  auto store = OpenDirStore(env, "/db/blobs");
  ASSERT_TRUE(store.ok());
  UseStore(**store);
}

TEST(DirStoreTest, OnDisk) {
  const std::string directory = ::testing::TempDir() + "dir_store_test";
  auto store = OpenDirStore({}, directory);
  ASSERT_TRUE(store.ok());
  UseStore(**store);
  for (const char* path : {"/top", "/a/b.two", "/a", ""}) {
    EXPECT_TRUE(runtime::FileSystem::System().Remove(directory + path).ok()) << path;
  }
}

TEST(DirStoreTest, DirectoriesGoWithTheirLastBlob) {
  auto files = runtime::FileSystem::InMemory();
  runtime::Env env;
  env.files = files.get();
  runtime::Context ctx;
  auto store = OpenDirStore(env, "/s");
  ASSERT_TRUE(store.ok());
  ASSERT_TRUE(WriteBlob(ctx, **store, "c/one", "1").ok());
  ASSERT_TRUE(WriteBlob(ctx, **store, "c/two", "2").ok());
  ASSERT_TRUE((*store)->Delete(ctx, "c/one").ok());
  EXPECT_TRUE(*files->Exists("/s/c"));
  ASSERT_TRUE((*store)->Delete(ctx, "c/two").ok());
  EXPECT_FALSE(*files->Exists("/s/c"));
  ASSERT_TRUE(WriteBlob(ctx, **store, "c/three", "3").ok());
  // What a crash between the two left.
  ASSERT_TRUE(files->CreateDirectory("/s/d").ok());
  ASSERT_TRUE((*store)->RemoveUnfinished(ctx).ok());
  EXPECT_FALSE(*files->Exists("/s/d"));
  EXPECT_EQ(ReadBlob(ctx, **store, "c/three")->bytes, "3");
  EXPECT_TRUE(*files->Exists("/s"));
}

TEST(DirStoreTest, PiecesOfAnySizeMakeOneBlob) {
  auto files = runtime::FileSystem::InMemory();
  runtime::Env env;
  env.files = files.get();
  runtime::Context ctx;
  auto store = OpenDirStore(env, "/s");
  ASSERT_TRUE(store.ok());
  constexpr size_t kBlock = 2 << 20;  // what is written at once
  auto writer = (*store)->Create(ctx, "x");
  ASSERT_TRUE(writer.ok());
  Bytes expected;
  for (const size_t size : {size_t{1}, kBlock - 1, kBlock, kBlock + 1, size_t{0}, kBlock - 1,
                            3 * kBlock + 7, size_t{5}, kBlock - 13, size_t{2}}) {
    Bytes piece(size, static_cast<char>('a' + expected.size() % 25));
    for (size_t i = 0; i < size; i += 1000) piece[i] = static_cast<char>(i >> 10);
    ASSERT_TRUE((*writer)->Append(piece).ok());
    expected += piece;
    EXPECT_EQ((*writer)->size_bytes(), expected.size());
  }
  ASSERT_TRUE((*writer)->Finish(ctx).ok());
  EXPECT_TRUE(ReadBlob(ctx, **store, "x")->bytes == expected);
}

TEST(DirStoreTest, UnfinishedBlobsDoNotShow) {
  testing::FaultFileSystem files(1);
  runtime::Env env;
  env.files = &files;
  runtime::Context ctx;
  auto store = OpenDirStore(env, "/s");
  ASSERT_TRUE(store.ok());
  {
    auto writer = (*store)->Create(ctx, "a/x");
    auto other = (*store)->Create(ctx, "a/x");
    ASSERT_TRUE(writer.ok() && other.ok());
    ASSERT_TRUE((*writer)->Append("bytes").ok());
    EXPECT_EQ((*writer)->size_bytes(), 5u);
    EXPECT_THAT(Names(ctx, **store, ""), IsEmpty());
    ASSERT_TRUE((*other)->Finish(ctx).ok());
    EXPECT_EQ((*writer)->Finish(ctx).code(), StatusCode::kAlreadyExists);
  }
  EXPECT_THAT(Names(ctx, **store, ""), ElementsAre("a/x"));
  EXPECT_EQ(files.List("/s/a")->size(), 1u) << "the loser left no trace";
  files.SetContent("/s/a/y.7.tmp", "left behind");
  ASSERT_TRUE((*store)->RemoveUnfinished(ctx).ok());
  EXPECT_EQ(files.List("/s/a")->size(), 1u);
}

// Whole, or as if it had never been begun, whatever call fails and wherever power does.
TEST(DirStoreTest, WholeOrAbsent) {
  runtime::ConfigureLog(runtime::LogLevel::kOff, runtime::LogFormat::kText);
  const Bytes content(5000, 'c');
  for (int fault = 0; fault < 2; ++fault) {
    bool finished = false;
    for (uint64_t at = 0; !finished; ++at) {
      for (uint64_t seed = 1; seed <= 5; ++seed) {
        SCOPED_TRACE("call " + std::to_string(at) + " seed " + std::to_string(seed));
        testing::FaultFileSystem files(seed);
        runtime::Env env;
        env.files = &files;
        runtime::Context ctx;
        auto store = OpenDirStore(env, "/s");
        ASSERT_TRUE(store.ok());
        uint64_t calls = 0;
        if (fault == 0) {
          files.CrashAfter(at);
        } else {
          files.SetFault([&](testing::FaultFileSystem::Call, const std::string&) {
            return calls++ == at ? Status::ResourceExhausted("full") : Status::Ok();
          });
        }
        Status written = WriteBlob(ctx, **store, "a/x", content);
        finished = written.ok();
        if (fault == 0) files.Restart();
        auto read = ReadBlob(ctx, **store, "a/x");
        if (finished || read.ok()) {
          ASSERT_TRUE(read.ok()) << read.status().ToString();
          ASSERT_EQ(read->bytes, content);
        }
        if (fault == 1 && !finished) {
          ASSERT_FALSE(read.ok());
          ASSERT_TRUE(WriteBlob(ctx, **store, "a/x", content).ok());
        }
      }
    }
  }
}

}  // namespace
}  // namespace chroma::store
