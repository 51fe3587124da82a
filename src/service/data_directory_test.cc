#include "service/data_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdlib>
#include <utility>

namespace chroma::service {
namespace {

using runtime::FileLock;
using runtime::FileSystem;
using ::testing::HasSubstr;

// Files in memory that say they are on another machine, or have no locks.
class RemoteFiles final : public FileSystem {
 public:
  std::string kind;
  bool has_locks = true;

  Result<std::unique_ptr<runtime::File>> Open(const std::string& path,
                                              runtime::OpenMode mode) override {
    return files_->Open(path, mode);
  }
  Result<std::shared_ptr<const runtime::MappedFile>> Map(const std::string& path) override {
    return files_->Map(path);
  }
  Status Rename(const std::string& from, const std::string& to) override {
    return files_->Rename(from, to);
  }
  Status Remove(const std::string& path) override { return files_->Remove(path); }
  Status CreateDirectory(const std::string& path) override { return files_->CreateDirectory(path); }
  Status SyncDirectory(const std::string& path) override { return files_->SyncDirectory(path); }
  Result<std::vector<runtime::DirectoryEntry>> List(const std::string& path) override {
    return files_->List(path);
  }
  Result<bool> Exists(const std::string& path) override { return files_->Exists(path); }
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    if (has_locks) return files_->Lock(path);
    return Status::FailedPrecondition("lock " + path + ": No locks available");
  }
  Result<uint64_t> FreeBytes(const std::string& path) override { return files_->FreeBytes(path); }
  Result<std::string> NetworkKind(const std::string&) override { return kind; }

 private:
  std::unique_ptr<FileSystem> files_ = FileSystem::InMemory();
};

class DataDirectoryTest : public ::testing::Test {
 protected:
  DataDirectoryTest() { env_.files = &files_; }
  RemoteFiles files_;
  runtime::Env env_;
};

TEST_F(DataDirectoryTest, RefusesAFileAndSaysWhatToDo) {
  char path[] = "/tmp/chroma-file-XXXXXX";
  ::close(::mkstemp(path));
  const Status status = DataDirectory::Open(runtime::Env(), path).status();
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("is a file; choose"));
  ::unlink(path);
}

TEST_F(DataDirectoryTest, RefusesANetworkFileSystemAndSaysWhatToDo) {
  files_.kind = "nfs";
  const Status status = DataDirectory::Open(env_, "/db").status();
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("nfs"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("use a directory on a local disk"));
  EXPECT_FALSE(*files_.Exists("/db/LOCK"));
}

TEST_F(DataDirectoryTest, RefusesAFileSystemWithoutLocks) {
  files_.has_locks = false;
  const Status status = DataDirectory::Open(env_, "/db").status();
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("use a directory on a local disk"));
  EXPECT_FALSE(*files_.Exists("/db/FORMAT"));
}

TEST_F(DataDirectoryTest, ChecksWithoutWriting) {
  EXPECT_FALSE(*DataDirectory::Check(env_, "/db"));
  EXPECT_FALSE(*files_.Exists("/db"));
  { ASSERT_TRUE(DataDirectory::Open(env_, "/db").ok()); }
  EXPECT_TRUE(*DataDirectory::Check(env_, "/db"));
}

TEST_F(DataDirectoryTest, AnUnfinishedImportIsOnlyImportedInto) {
  { ASSERT_TRUE(DataDirectory::Open(env_, "/db").ok()); }
  ASSERT_TRUE(DataDirectory::BeginImport(env_, "/db", "/old").ok());
  EXPECT_EQ(**DataDirectory::ImportSource(env_, "/db"), "/old");
  const Status status = DataDirectory::Open(env_, "/db").status();
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("chroma import /old /db"));
  EXPECT_TRUE(DataDirectory::Open(env_, "/db", DataDirectory::Purpose::kImport).ok());
  ASSERT_TRUE(DataDirectory::EndImport(env_, "/db").ok());
  EXPECT_TRUE(DataDirectory::Open(env_, "/db").ok());
}

TEST_F(DataDirectoryTest, AnImportIsMarkedFromItsBeginningToItsEndAndNotAgain) {
  {
    const auto first = DataDirectory::OpenToImport(env_, "/new", "/old");
    ASSERT_TRUE(first.ok()) << first.status().ToString();
    EXPECT_FALSE(first->resumes_import());
    EXPECT_EQ(**DataDirectory::ImportSource(env_, "/new"), "/old");
    const Status second = DataDirectory::OpenToImport(env_, "/new", "/old").status();
    EXPECT_EQ(second.code(), StatusCode::kUnavailable);
    EXPECT_THAT(std::string(second.message()),
                HasSubstr("an import of /old into /new is under way already"));
  }
  EXPECT_TRUE(DataDirectory::OpenToImport(env_, "/new", "/old")->resumes_import());
  EXPECT_EQ(DataDirectory::OpenToImport(env_, "/new", "/other").status().code(),
            StatusCode::kFailedPrecondition);
  ASSERT_TRUE(DataDirectory::EndImport(env_, "/new").ok());
  // Who comes second does not mark what the first has finished.
  EXPECT_FALSE(DataDirectory::OpenToImport(env_, "/new", "/old")->resumes_import());
  EXPECT_FALSE(DataDirectory::ImportSource(env_, "/new")->has_value());
}

TEST(DataDirectoryHolder, IsNamedWhileItHolds) {
  const runtime::Env env;
  const std::string path = ::testing::TempDir() + "/chroma-holder-" + std::to_string(getpid());
  {
    auto directory = DataDirectory::Open(env, path);
    ASSERT_TRUE(directory.ok()) << directory.status().ToString();
    EXPECT_EQ(**DataDirectory::Holder(env, path), "process " + std::to_string(getpid()));
    EXPECT_THAT(std::string(DataDirectory::Open(env, path).status().message()),
                HasSubstr("held by process " + std::to_string(getpid())));
  }
  EXPECT_FALSE(DataDirectory::Holder(env, path)->has_value());
  for (const char* file : {"/LOCK", "/FORMAT", ""})
    EXPECT_TRUE(env.files->Remove(path + file).ok());
}

}  // namespace
}  // namespace chroma::service
