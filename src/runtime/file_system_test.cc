// One suite for both file systems: what holds on disk must hold in memory.
#include "runtime/file_system.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <random>

#include "runtime/errno_status.h"
#include "runtime/scheduler.h"

namespace chroma::runtime {
namespace {

void RemoveAll(FileSystem& files, const std::string& path) {
  if (auto entries = files.List(path); entries.ok()) {
    for (const auto& entry : *entries) RemoveAll(files, JoinPath(path, entry.name));
  }
  EXPECT_TRUE(files.Remove(path).ok());
}

class OnDisk {
 public:
  OnDisk() {
    std::string pattern = testing::TempDir() + "chroma_files_XXXXXX";
    root_ = mkdtemp(pattern.data());
  }
  ~OnDisk() { RemoveAll(files(), root_); }
  FileSystem& files() { return FileSystem::System(); }
  const std::string& root() const { return root_; }

 private:
  std::string root_;
};

class InMemory {
 public:
  InMemory() { EXPECT_TRUE(files().CreateDirectory(root_).ok()); }
  FileSystem& files() { return *files_; }
  const std::string& root() { return root_; }

 private:
  std::unique_ptr<FileSystem> files_ = FileSystem::InMemory();
  std::string root_ = "/test";
};

template <typename Place>
class FileSystemTest : public testing::Test {
 protected:
  std::string Path(const std::string& name) { return JoinPath(place_.root(), name); }
  FileSystem& files() { return place_.files(); }

  std::unique_ptr<File> Open(const std::string& name, OpenMode mode) {
    auto file = files().Open(Path(name), mode);
    EXPECT_TRUE(file.ok()) << file.status().ToString();
    return file.ok() ? *std::move(file) : nullptr;
  }
  void Write(const std::string& name, BytesView bytes) {
    auto file = Open(name, OpenMode::kCreate);
    EXPECT_TRUE(file->Truncate(0).ok());
    EXPECT_TRUE(file->WriteAt(0, bytes).ok());
    EXPECT_TRUE(file->Sync().ok());
  }
  std::string Read(const std::string& name) {
    auto file = files().Open(Path(name), OpenMode::kRead);
    if (!file.ok()) return std::string(StatusCodeName(file.status().code()));
    std::string out(*(*file)->Size() + 10, '\0');
    out.resize(*(*file)->ReadAt(0, out.data(), out.size()));
    return out;
  }
  std::string Names(const std::string& directory) {
    auto entries = files().List(Path(directory));
    if (!entries.ok()) return std::string(StatusCodeName(entries.status().code()));
    std::string names;
    for (const auto& entry : *entries) names += entry.name + (entry.is_directory ? "/ " : " ");
    return names;
  }

  Place place_;
};

using Places = testing::Types<OnDisk, InMemory>;
TYPED_TEST_SUITE(FileSystemTest, Places);

TYPED_TEST(FileSystemTest, OpenModes) {
  auto& files = this->files();
  EXPECT_EQ(files.Open(this->Path("a"), OpenMode::kRead).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(files.Open(this->Path("a"), OpenMode::kReadWrite).status().code(),
            StatusCode::kNotFound);
  EXPECT_EQ(files.Open(this->Path("no/a"), OpenMode::kCreate).status().code(),
            StatusCode::kNotFound);
  EXPECT_TRUE(files.Open(this->Path("a"), OpenMode::kCreateExclusive).ok());
  EXPECT_EQ(files.Open(this->Path("a"), OpenMode::kCreateExclusive).status().code(),
            StatusCode::kAlreadyExists);
  EXPECT_TRUE(files.Open(this->Path("a"), OpenMode::kCreate).ok());
  EXPECT_EQ(files.Open("", OpenMode::kCreate).status().code(), StatusCode::kNotFound);
  auto reader = this->Open("a", OpenMode::kRead);
  EXPECT_EQ(reader->WriteAt(0, "x").ToString(),
            "INTERNAL: write " + this->Path("a") + ": Bad file descriptor");
  EXPECT_EQ(reader->Truncate(0).code(), StatusCode::kInternal);
  EXPECT_EQ(files.Open(this->Path(""), OpenMode::kRead).status().code(), StatusCode::kInternal);
  EXPECT_EQ(files.Open(this->Path("a/b"), OpenMode::kCreate).status().code(),
            StatusCode::kInternal);
}

TYPED_TEST(FileSystemTest, ErrorsNameCallAndPath) {
  const std::string path = this->Path("missing");
  EXPECT_EQ(this->files().Open(path, OpenMode::kRead).status().message(),
            "open " + path + ": No such file or directory");
  EXPECT_EQ(this->files().Map(path).status().message(),
            "open " + path + ": No such file or directory");
  EXPECT_EQ(this->files().Remove(path).message(), "remove " + path + ": No such file or directory");
  EXPECT_EQ(this->files().Rename(path, path + "2").message(),
            "rename " + path + " to " + path + "2: No such file or directory");
  EXPECT_EQ(this->files().List(path).status().message(),
            "list " + path + ": No such file or directory");
}

TYPED_TEST(FileSystemTest, ReadsAndWritesAtPositions) {
  auto file = this->Open("a", OpenMode::kCreate);
  EXPECT_TRUE(file->WriteAt(3, "abc").ok());
  EXPECT_EQ(*file->Size(), 6u);
  EXPECT_EQ(this->Read("a"), std::string("\0\0\0abc", 6));
  EXPECT_TRUE(file->WriteAt(4, "XYZ").ok());
  EXPECT_TRUE(file->WriteAt(100, "").ok());
  EXPECT_EQ(this->Read("a"), std::string("\0\0\0aXYZ", 7));
  char out[4] = {};
  EXPECT_EQ(*file->ReadAt(5, out, 4), 2u);
  EXPECT_EQ(std::string(out, 2), "YZ");
  EXPECT_EQ(*file->ReadAt(7, out, 4), 0u);
  EXPECT_EQ(*file->ReadAt(1000, out, 4), 0u);
  EXPECT_TRUE(file->Truncate(4).ok());
  EXPECT_TRUE(file->Truncate(6).ok());
  EXPECT_EQ(this->Read("a"), std::string("\0\0\0a\0\0", 6));
  EXPECT_TRUE(file->Reserve(0, 1 << 20).ok());
  EXPECT_TRUE(file->Reserve(0, 0).ok());
  EXPECT_EQ(*file->Size(), 6u);
  EXPECT_TRUE(file->Sync().ok());
  EXPECT_EQ(file->WriteAt(UINT64_MAX - 1, "abc").code(), StatusCode::kInternal);
}

TYPED_TEST(FileSystemTest, AgreesWithAStringUnderRandomWrites) {
  const unsigned seed = 9;
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  auto file = this->Open("a", OpenMode::kCreate);
  std::string oracle;
  for (int i = 0; i < 300; ++i) {
    if (random() % 8 == 0) {
      const size_t size = random() % 5000;
      ASSERT_TRUE(file->Truncate(size).ok());
      oracle.resize(size);
    } else {
      const size_t offset = random() % 6000;
      const std::string bytes(1 + random() % 500, static_cast<char>('a' + i % 26));
      ASSERT_TRUE(file->WriteAt(offset, bytes).ok());
      if (oracle.size() < offset + bytes.size()) oracle.resize(offset + bytes.size());
      oracle.replace(offset, bytes.size(), bytes);
    }
    ASSERT_EQ(this->Read("a"), oracle);
  }
}

TYPED_TEST(FileSystemTest, CopiesRangesOfAMapping) {
  for (const size_t size : {size_t{10'000}, size_t{17} << 20}) {
    SCOPED_TRACE(size);
    Bytes content(size, '\0');
    for (size_t i = 0; i < size; ++i) content[i] = static_cast<char>(i * 2654435761U >> 13);
    const std::string path = this->Path("mapped");
    ASSERT_TRUE(this->Open("mapped", OpenMode::kCreate)->WriteAt(0, content).ok());
    auto mapped = this->files().Map(path);
    ASSERT_TRUE(mapped.ok());
    for (const size_t offset : {size_t{0}, size_t{4093}, size - 1000}) {
      Bytes copy(1000, '\0');
      ASSERT_TRUE((*mapped)->Copy(offset, copy.size(), copy.data()).ok());
      EXPECT_EQ(copy, BytesView(content).substr(offset, copy.size()));
    }
    ASSERT_TRUE(this->files().Remove(path).ok());
    char last = 0;
    ASSERT_TRUE((*mapped)->Copy(size - 1, 1, &last).ok());
    EXPECT_EQ(last, content.back());
  }
}

TYPED_TEST(FileSystemTest, MappingOutlivesRemoveAndReplacement) {
  this->Write("a", "first content");
  auto mapped = this->files().Map(this->Path("a"));
  ASSERT_TRUE(mapped.ok());
  this->Write("b", "second");
  ASSERT_TRUE(this->files().Rename(this->Path("b"), this->Path("a")).ok());
  EXPECT_EQ((*mapped)->bytes(), "first content");
  auto second = this->files().Map(this->Path("a"));
  ASSERT_TRUE(this->files().Remove(this->Path("a")).ok());
  EXPECT_EQ((*mapped)->bytes(), "first content");
  EXPECT_EQ((*second)->bytes(), "second");
  (*second)->WillNeed(0, 100);
  (*second)->WillNeed(UINT64_MAX, UINT64_MAX);
  (*second)->WillNeed(1, UINT64_MAX);
  (*second)->DontNeed(3, 2);
  EXPECT_EQ((*second)->bytes(), "second");
  this->Write("empty", "");
  auto empty = this->files().Map(this->Path("empty"));
  ASSERT_TRUE(empty.ok());
  EXPECT_EQ((*empty)->bytes(), "");
  EXPECT_FALSE(this->files().Map(this->Path("")).ok());
}

TYPED_TEST(FileSystemTest, WhatIsThereCanBeRead) {
  this->Write("a", std::string(10'000, 'x'));
  auto mapped = this->files().Map(this->Path("a"));
  ASSERT_TRUE(mapped.ok());
  EXPECT_TRUE((*mapped)->CheckReadable(0, 10'000).ok());
  EXPECT_TRUE((*mapped)->CheckReadable(5000, 1).ok());
  EXPECT_TRUE((*mapped)->CheckReadable(9999, UINT64_MAX).ok());
  EXPECT_TRUE((*mapped)->CheckReadable(20'000, 1).ok()) << "there is nothing to read";
}

// As a sector that the disk cannot read: looking at the page would end the process.
TEST(PosixFileSystem, APageThatCannotBeReadIsTold) {
  const OnDisk place;
  const std::string path = JoinPath(place.root(), "cut_off");
  FileSystem& files = FileSystem::System();
  constexpr uint64_t kBytes = 64 << 10;
  auto file = *files.Open(path, OpenMode::kCreate);
  ASSERT_TRUE(file->WriteAt(0, std::string(kBytes, 'x')).ok());
  auto mapped = *files.Map(path);
  ASSERT_TRUE(file->Truncate(kBytes / 2).ok());
  EXPECT_TRUE(mapped->CheckReadable(0, kBytes / 2).ok());
  const Status status = mapped->CheckReadable(kBytes / 2 - 10, 20);
  EXPECT_EQ(status.code(), StatusCode::kDataLoss) << status.ToString();
  EXPECT_NE(std::string(status.message()).find(path), std::string::npos);
}

TYPED_TEST(FileSystemTest, OpenFileOutlivesItsName) {
  auto file = this->Open("a", OpenMode::kCreate);
  ASSERT_TRUE(file->WriteAt(0, "abc").ok());
  ASSERT_TRUE(this->files().Remove(this->Path("a")).ok());
  ASSERT_TRUE(file->WriteAt(3, "def").ok());
  EXPECT_EQ(*file->Size(), 6u);
  EXPECT_FALSE(*this->files().Exists(this->Path("a")));
}

TYPED_TEST(FileSystemTest, Rename) {
  auto& files = this->files();
  this->Write("a", "A");
  this->Write("b", "B");
  EXPECT_TRUE(files.Rename(this->Path("a"), this->Path("a")).ok());
  EXPECT_TRUE(files.Rename(this->Path("a"), this->Path("b")).ok());
  EXPECT_EQ(this->Read("b"), "A");
  EXPECT_EQ(this->Names(""), "b ");
  ASSERT_TRUE(files.CreateDirectory(this->Path("d/e")).ok());
  this->Write("d/e/f", "F");
  EXPECT_TRUE(files.Rename(this->Path("d"), this->Path("g")).ok());
  EXPECT_EQ(this->Read("g/e/f"), "F");
  EXPECT_EQ(files.Rename(this->Path("b"), this->Path("g")).code(), StatusCode::kInternal);
  EXPECT_EQ(files.Rename(this->Path("g"), this->Path("b")).code(), StatusCode::kInternal);
  EXPECT_EQ(files.Rename(this->Path("g"), this->Path("g/e/x")).code(), StatusCode::kInternal);
  EXPECT_EQ(files.Rename(this->Path("b"), this->Path("no/b")).code(), StatusCode::kNotFound);
  ASSERT_TRUE(files.CreateDirectory(this->Path("h")).ok());
  EXPECT_EQ(files.Rename(this->Path("h"), this->Path("g")).code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE(files.Rename(this->Path("g"), this->Path("h")).ok());
  EXPECT_EQ(this->Names(""), "b h/ ");
}

TYPED_TEST(FileSystemTest, Directories) {
  auto& files = this->files();
  EXPECT_TRUE(files.CreateDirectory(this->Path("x/y/z")).ok());
  EXPECT_TRUE(files.CreateDirectory(this->Path("x/y/z/")).ok());
  this->Write("x/b", "12345");
  this->Write("x/a", "");
  this->Write("x/y-1", "");  // sorts between "y" and the entries of "y"
  EXPECT_EQ(this->Names("x"), "a b y/ y-1 ");
  EXPECT_EQ(files.CreateDirectory(this->Path("x/b")).code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(files.CreateDirectory(this->Path("x/b/c")).code(), StatusCode::kInternal);
  const auto entries = files.List(this->Path("x"));
  EXPECT_EQ((*entries)[1].size_bytes, 5u);
  EXPECT_GT((*entries)[1].modified_unix_ns, Clock::System().UnixNs() - 3600 * kSecond);
  EXPECT_EQ(files.List(this->Path("x/b")).status().code(), StatusCode::kInternal);
  EXPECT_TRUE(files.SyncDirectory(this->Path("x")).ok());
  EXPECT_EQ(files.SyncDirectory(this->Path("no")).code(), StatusCode::kNotFound);
  EXPECT_EQ(files.SyncDirectory(this->Path("x/b")).code(), StatusCode::kInternal);
  EXPECT_EQ(files.Remove(this->Path("x/y")).code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE(files.Remove(this->Path("x/y/z")).ok());
  EXPECT_TRUE(files.Remove(this->Path("x/y")).ok());
  EXPECT_EQ(this->Names("x"), "a b y-1 ");
}

TYPED_TEST(FileSystemTest, Exists) {
  this->Write("a", "");
  EXPECT_TRUE(*this->files().Exists(this->Path("a")));
  EXPECT_TRUE(*this->files().Exists(this->Path("")));
  EXPECT_TRUE(*this->files().Exists(this->Path("./a")));
  EXPECT_FALSE(*this->files().Exists(this->Path("b")));
  EXPECT_FALSE(*this->files().Exists(this->Path("a/b")));
  EXPECT_FALSE(*this->files().Exists(""));
}

TYPED_TEST(FileSystemTest, LockExcludesAndNamesItsHolder) {
  auto lock = this->files().Lock(this->Path("LOCK"));
  ASSERT_TRUE(lock.ok()) << lock.status().ToString();
  const auto second = this->files().Lock(this->Path("LOCK"));
  EXPECT_EQ(second.status().ToString(), "UNAVAILABLE: lock " + this->Path("LOCK") +
                                            ": held by process " + std::to_string(getpid()));
  EXPECT_TRUE(this->files().Lock(this->Path("OTHER")).ok());
  lock->reset();
  EXPECT_TRUE(this->files().Lock(this->Path("LOCK")).ok());
  EXPECT_EQ(this->Read("LOCK"), "");
  EXPECT_EQ(this->files().Lock(this->Path("no/LOCK")).status().code(), StatusCode::kNotFound);
}

TYPED_TEST(FileSystemTest, FreeBytes) {
  EXPECT_GT(*this->files().FreeBytes(this->Path("")), 1u << 20);
  EXPECT_EQ(this->files().FreeBytes(this->Path("no")).status().code(), StatusCode::kNotFound);
}

TYPED_TEST(FileSystemTest, ConcurrentUse) {
  constexpr int kTasks = 4;
  std::atomic<int> failures{0};
  auto shared = this->Open("shared", OpenMode::kCreate);
  {
    std::vector<std::unique_ptr<Task>> tasks;
    for (int t = 0; t < kTasks; ++t) {
      tasks.push_back(Scheduler::System().Start("files", [&, t] {
        const std::string own = this->Path("own" + std::to_string(t));
        for (uint64_t i = 0; i < 100; ++i) {
          const std::string bytes(10, static_cast<char>('0' + t));
          failures += !shared->WriteAt((i * kTasks + static_cast<uint64_t>(t)) * 10, bytes).ok();
          auto mapped = this->files().Map(this->Path("shared"));
          failures += !mapped.ok() || (*mapped)->bytes().size() < 10;
          failures += !this->files().Open(own, OpenMode::kCreate).ok();
          failures += !this->files().Rename(own, own + "b").ok();
          failures += !this->files().List(this->Path("")).ok();
          failures += !this->files().Remove(own + "b").ok();
        }
      }));
    }
  }
  EXPECT_EQ(failures, 0);
  const std::string content = this->Read("shared");
  ASSERT_EQ(content.size(), 100u * kTasks * 10);
  for (size_t i = 0; i < content.size(); ++i) {
    ASSERT_EQ(content[i], static_cast<char>('0' + i / 10 % kTasks)) << i;
  }
}

TEST(PosixLock, AnotherProcessIsExcludedUntilTheHolderDies) {
  OnDisk place;
  const std::string path = JoinPath(place.root(), "LOCK");
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    // Holds the lock until it is killed; the kernel must then free it.
    const auto lock = FileSystem::System().Lock(path);
    const char answer = lock.ok() ? 'y' : 'n';
    (void)!write(ready[1], &answer, 1);
    for (;;) pause();
  }
  char answer = 0;
  ASSERT_EQ(read(ready[0], &answer, 1), 1);
  ASSERT_EQ(answer, 'y');
  EXPECT_EQ(place.files().Lock(path).status().message(),
            "lock " + path + ": held by process " + std::to_string(child));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_TRUE(place.files().Lock(path).ok());
  close(ready[0]);
  close(ready[1]);
}

TEST(MemoryFileSystem, RefusesWhatCannotFit) {
  auto files = FileSystem::InMemory();
  auto file = *files->Open("a", OpenMode::kCreate);
  EXPECT_EQ(file->WriteAt(uint64_t{1} << 60, "x").ToString(),
            "RESOURCE_EXHAUSTED: write a: No space left on device");
  EXPECT_EQ(file->Truncate(uint64_t{1} << 60).code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(*file->Size(), 0u);
}

TEST(MemoryFileSystem, MappingIsASnapshotAndOutlivesTheFileSystem) {
  auto files = FileSystem::InMemory();
  auto file = *files->Open("/a", OpenMode::kCreate);
  ASSERT_TRUE(file->WriteAt(0, "before").ok());
  auto mapped = *files->Map("/x/../a");
  ASSERT_TRUE(file->WriteAt(0, "AFTER!").ok());
  auto lock = *files->Lock("/lock");
  files.reset();
  EXPECT_EQ(mapped->bytes(), "before");
  char out[6];
  EXPECT_EQ(*file->ReadAt(0, out, 6), 6u);
  EXPECT_EQ(std::string(out, 6), "AFTER!");
}

TEST(ErrnoStatus, Codes) {
  EXPECT_EQ(ErrnoStatus("write", "/path/x", ENOSPC).ToString(),
            "RESOURCE_EXHAUSTED: write /path/x: No space left on device");
  EXPECT_EQ(ErrnoStatus("write", "x", EDQUOT).code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrnoStatus("open", "x", ENOENT).code(), StatusCode::kNotFound);
  EXPECT_EQ(ErrnoStatus("open", "x", EACCES).code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(ErrnoStatus("open", "x", EROFS).code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(ErrnoStatus("open", "x", EEXIST).code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(ErrnoStatus("read", "x", EIO).code(), StatusCode::kInternal);
}

TEST(JoinPath, OneSeparator) {
  EXPECT_EQ(JoinPath("a", "b"), "a/b");
  EXPECT_EQ(JoinPath("a/", "b"), "a/b");
  EXPECT_EQ(JoinPath("a", "/b"), "a/b");
  EXPECT_EQ(JoinPath("/", "b"), "/b");
  EXPECT_EQ(JoinPath("", "b"), "b");
  EXPECT_EQ(JoinPath("a", ""), "a/");
}

}  // namespace
}  // namespace chroma::runtime
