#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstdio>
#include <optional>
#include <utility>

#include "runtime/errno_status.h"
#include "runtime/file_system.h"
#include "runtime/fork.h"
#include "runtime/network_file_system.h"

namespace chroma::runtime {
namespace {

// The kernel moves at most this much per call anyway (and takes no length above SSIZE_MAX).
constexpr size_t kTransferBytesMax = size_t{1} << 30;

// Repeats a call that a signal interrupted.
template <typename Call>
auto Uninterrupted(Call call) {
  decltype(call()) result;
  do {
    result = call();
  } while (result == -1 && errno == EINTR);
  return result;
}

// Owns a file descriptor, or none (-1).
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }
  void Release() { fd_ = -1; }  // and do not close
  bool valid() const { return fd_ >= 0; }

 private:
  int fd_;
};

Descriptor OpenDescriptor(const std::string& path, int flags) {
  constexpr mode_t kPermissions = 0644;  // less the umask
  return Descriptor(
      Uninterrupted([&] { return open(path.c_str(), flags | O_CLOEXEC, kPermissions); }));
}

class PosixFile final : public File {
 public:
  PosixFile(Descriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Result<size_t> ReadAt(uint64_t offset, char* out, size_t n) const override {
    size_t done = 0;
    while (done < n) {
      const size_t part = std::min(n - done, kTransferBytesMax);
      const ssize_t got = Uninterrupted(
          [&] { return pread(fd_.get(), out + done, part, static_cast<off_t>(offset + done)); });
      if (got < 0) return Failure("read");
      if (got == 0) break;
      done += static_cast<size_t>(got);
    }
    return done;
  }

  Status WriteAt(uint64_t offset, BytesView bytes) override {
    while (!bytes.empty()) {
      const size_t part = std::min(bytes.size(), kTransferBytesMax);
      const ssize_t put = Uninterrupted(
          [&] { return pwrite(fd_.get(), bytes.data(), part, static_cast<off_t>(offset)); });
      if (put < 0) return Failure("write");
      if (put == 0) return ErrnoStatus("write", path_, EIO);
      bytes.remove_prefix(static_cast<size_t>(put));
      offset += static_cast<uint64_t>(put);
    }
    return Status::Ok();
  }

  Status Truncate(uint64_t size_bytes) override {
    if (Uninterrupted([&] { return ftruncate(fd_.get(), static_cast<off_t>(size_bytes)); }) != 0) {
      return Failure("truncate");
    }
    return Status::Ok();
  }

  Status Sync() override {
    if (Uninterrupted([&] { return fdatasync(fd_.get()); }) != 0) return Failure("sync");
    return Status::Ok();
  }

  Result<uint64_t> Size() const override {
    struct stat info {};
    if (fstat(fd_.get(), &info) != 0) return Failure("stat");
    return static_cast<uint64_t>(info.st_size);
  }

  Status Reserve(uint64_t offset, uint64_t size_bytes) override {
    if (size_bytes == 0) return Status::Ok();
    const int result = Uninterrupted([&] {
      return fallocate(fd_.get(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                       static_cast<off_t>(size_bytes));
    });
    if (result == 0 || errno == EOPNOTSUPP || errno == ENOSYS) return Status::Ok();
    return Failure("reserve");
  }

 private:
  Status Failure(std::string_view call) const { return ErrnoStatus(call, path_, errno); }

  const Descriptor fd_;
  const std::string path_;
};

// Mappings that keep their descriptors. There may be many collections, and few descriptors.
constexpr int kKeptDescriptorsMax = 128;
constexpr size_t kKeptBytesMin = 16 << 20;
std::atomic<int> kept_descriptors{0};

class PosixMapping final : public MappedFile {
 public:
  PosixMapping(void* address, size_t size, std::string path, Descriptor fd)
      : address_(static_cast<char*>(address)), size_(size), path_(std::move(path)) {
    if (size < kKeptBytesMin) return;
    if (kept_descriptors.fetch_add(1) < kKeptDescriptorsMax) {
      fd_.emplace(std::move(fd));
    } else {
      kept_descriptors.fetch_sub(1);
    }
  }
  ~PosixMapping() override {
    if (size_ > 0) munmap(address_, size_);
    if (fd_) kept_descriptors.fetch_sub(1);
  }
  PosixMapping(const PosixMapping&) = delete;
  PosixMapping& operator=(const PosixMapping&) = delete;

  BytesView bytes() const override { return {address_, size_}; }
  Status CheckReadable(uint64_t offset, uint64_t size_bytes) const override {
    constexpr int kPopulateRead = 22;  // MADV_POPULATE_READ, which the C library may not know yet
    const int error = Advise(offset, size_bytes, kPopulateRead);
    if (error != EFAULT && error != EIO && error != EHWPOISON) return Status::Ok();
    return Unreadable(offset, size_bytes);
  }
  Status Copy(uint64_t offset, uint64_t size_bytes, char* out) const override {
    if (!fd_) return MappedFile::Copy(offset, size_bytes, out);
    for (uint64_t done = 0; done < size_bytes;) {
      const ssize_t got = Uninterrupted([&] {
        return pread(fd_->get(), out + done, size_bytes - done, static_cast<off_t>(offset + done));
      });
      if (got <= 0) return Unreadable(offset, size_bytes);
      done += static_cast<uint64_t>(got);
    }
    return Status::Ok();
  }
  void WillNeed(uint64_t offset, uint64_t size_bytes) const override {
    (void)Advise(offset, size_bytes, MADV_WILLNEED);
  }
  void DontNeed(uint64_t offset, uint64_t size_bytes) const override {
    // The mapping is shared with the file and read-only: a page dropped comes back from there.
    (void)Advise(offset, size_bytes, MADV_DONTNEED);
  }

 private:
  Status Unreadable(uint64_t offset, uint64_t size_bytes) const {
    return Status::DataLoss("the disk cannot read " + std::to_string(size_bytes) +
                            " bytes at offset " + std::to_string(offset) + " of " + path_ +
                            ": check the disk, and restore the file from a backup");
  }
  // 0 or an errno.
  int Advise(uint64_t offset, uint64_t size_bytes, int advice) const {
    if (offset >= size_ || size_bytes == 0) return 0;
    static const auto page_bytes = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
    const uint64_t end = offset + std::min<uint64_t>(size_bytes, size_ - offset);
    const uint64_t begin = offset / page_bytes * page_bytes;
    return madvise(address_ + begin, end - begin, advice) == 0 ? 0 : errno;
  }

  char* const address_;
  const size_t size_;
  const std::string path_;
  std::optional<Descriptor> fd_;
};

// "123" + " " + the name of its host + newline.
std::string HolderText() {
  char host[HOST_NAME_MAX + 1] = "";
  (void)gethostname(host, sizeof(host) - 1);
  return std::to_string(getpid()) + " " + host + "\n";
}

class PosixLock final : public FileLock {
 public:
  // `fd` was opened, and marked with CloseInChild, inside one NoFork.
  explicit PosixLock(Descriptor fd) : fd_(std::move(fd)), pid_(getpid()) {
    // Only for the messages of others: on a full disk the lock is as good without it.
    const std::string text = HolderText();
    (void)!ftruncate(fd_.get(), 0);
    (void)!pwrite(fd_.get(), text.data(), text.size(), 0);
  }
  // The lock goes with the descriptor. A pid left behind would be named as holder by mistake. In
  // a forked child the descriptor is closed already, and its number may be another file's.
  ~PosixLock() override {
    if (getpid() != pid_) {
      fd_.Release();
      return;
    }
    const NoFork no_fork;
    (void)!ftruncate(fd_.get(), 0);
    ForgetDescriptor(fd_.get());
    fd_ = Descriptor();
  }

 private:
  Descriptor fd_;
  const pid_t pid_;
};

// What a holder wrote into its lock file, as "process 123" or "process 123 on host"; "another
// process" where that is not known.
std::string HolderOf(const Descriptor& fd) {
  char text[HOST_NAME_MAX + 32];
  const ssize_t n = Uninterrupted([&] { return pread(fd.get(), text, sizeof(text), 0); });
  int64_t pid = 0;
  if (n <= 0) return "another process";
  const auto [end, error] = std::from_chars(text, text + n, pid);
  if (error != std::errc() || pid <= 0) return "another process";
  std::string_view host(end, static_cast<size_t>(text + n - end));
  host = host.substr(0, host.find('\n'));
  if (host.starts_with(' ')) host.remove_prefix(1);
  char own[HOST_NAME_MAX + 1] = "";
  (void)gethostname(own, sizeof(own) - 1);
  const std::string process = "process " + std::to_string(pid);
  return host.empty() || host == own ? process : process + " on " + std::string(host);
}

struct flock WholeFile() {
  struct flock whole {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  return whole;
}

std::string ParentOf(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override {
    Descriptor fd = OpenDescriptor(path, FlagsOf(mode));
    if (!fd.valid()) return ErrnoStatus("open", path, errno);
    struct stat info {};
    if (fstat(fd.get(), &info) != 0) return ErrnoStatus("stat", path, errno);
    if (S_ISDIR(info.st_mode)) return ErrnoStatus("open", path, EISDIR);
    return std::unique_ptr<File>(std::make_unique<PosixFile>(std::move(fd), path));
  }

  Result<std::shared_ptr<const MappedFile>> Map(const std::string& path) override {
    Descriptor fd = OpenDescriptor(path, O_RDONLY);
    if (!fd.valid()) return ErrnoStatus("open", path, errno);
    struct stat info {};
    if (fstat(fd.get(), &info) != 0) return ErrnoStatus("stat", path, errno);
    if (S_ISDIR(info.st_mode)) return ErrnoStatus("open", path, EISDIR);
    const auto size = static_cast<size_t>(info.st_size);
    void* address = nullptr;
    if (size > 0) {
      address = mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.get(), 0);
      if (address == MAP_FAILED) return ErrnoStatus("map", path, errno);
    }
    return std::shared_ptr<const MappedFile>(
        std::make_shared<PosixMapping>(address, size, path, std::move(fd)));
  }

  Status Rename(const std::string& from, const std::string& to) override {
    if (std::rename(from.c_str(), to.c_str()) == 0) return Status::Ok();
    return ErrnoStatus("rename", from + " to " + to, errno == EEXIST ? ENOTEMPTY : errno);
  }

  Status Remove(const std::string& path) override {
    if (std::remove(path.c_str()) == 0) return Status::Ok();
    return ErrnoStatus("remove", path, errno == EEXIST ? ENOTEMPTY : errno);
  }

  Status CreateDirectory(const std::string& path) override {
    constexpr mode_t kPermissions = 0755;  // less the umask
    int error = mkdir(path.c_str(), kPermissions) == 0 ? 0 : errno;
    if (error == ENOENT && !path.empty()) {
      const std::string parent = ParentOf(path);
      if (parent == path) return ErrnoStatus("create directory", path, error);
      CHROMA_TRY(CreateDirectory(parent));
      error = mkdir(path.c_str(), kPermissions) == 0 ? 0 : errno;
    }
    if (error == 0) return SyncDirectory(ParentOf(path));
    // Any other error may also hide that it is there, e.g. EROFS.
    struct stat info {};
    if (stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) return Status::Ok();
    return ErrnoStatus("create directory", path, error);
  }

  Status SyncDirectory(const std::string& path) override {
    const Descriptor fd = OpenDescriptor(path, O_RDONLY | O_DIRECTORY);
    if (!fd.valid()) return ErrnoStatus("open", path, errno);
    // EINVAL: a file system without fsync of directories, where there is nothing to do.
    if (Uninterrupted([&] { return fsync(fd.get()); }) != 0 && errno != EINVAL) {
      return ErrnoStatus("sync", path, errno);
    }
    return Status::Ok();
  }

  Result<std::vector<DirectoryEntry>> List(const std::string& path) override {
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(path.c_str()), closedir);
    if (directory == nullptr) return ErrnoStatus("list", path, errno);
    std::vector<DirectoryEntry> entries;
    for (;;) {
      errno = 0;
      const dirent* next = readdir(directory.get());
      if (next == nullptr && errno != 0) return ErrnoStatus("list", path, errno);
      if (next == nullptr) break;
      DirectoryEntry entry;
      entry.name = next->d_name;
      if (entry.name == "." || entry.name == "..") continue;
      struct stat info {};
      if (fstatat(dirfd(directory.get()), next->d_name, &info, 0) != 0) {
        if (errno == ENOENT) continue;  // removed meanwhile
        return ErrnoStatus("stat", JoinPath(path, entry.name), errno);
      }
      entry.is_directory = S_ISDIR(info.st_mode);
      entry.size_bytes = entry.is_directory ? 0 : static_cast<uint64_t>(info.st_size);
      entry.modified_unix_ns = int64_t{info.st_mtim.tv_sec} * kSecond + info.st_mtim.tv_nsec;
      entries.push_back(std::move(entry));
    }
    std::sort(entries.begin(), entries.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    return entries;
  }

  Result<bool> Exists(const std::string& path) override {
    struct stat info {};
    if (stat(path.c_str(), &info) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return ErrnoStatus("stat", path, errno);
  }

  // An "open file description" lock: unlike the older POSIX locks it is not lost when another
  // part of the process closes the same file, and it excludes a second holder in one process.
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    const NoFork no_fork;
    Descriptor fd = OpenDescriptor(path, O_RDWR | O_CREAT);
    if (!fd.valid()) return ErrnoStatus("open", path, errno);
    struct flock whole = WholeFile();
    if (Uninterrupted([&] { return fcntl(fd.get(), F_OFD_SETLK, &whole); }) == 0) {
      // The child would go on holding it when this process has died.
      CloseInChild(fd.get());
      return std::unique_ptr<FileLock>(std::make_unique<PosixLock>(std::move(fd)));
    }
    const int error = errno;
    if (error == EAGAIN || error == EACCES) {
      return Status::Unavailable("lock " + path + ": held by " + HolderOf(fd));
    }
    const Status status = ErrnoStatus("lock", path, error);
    if (error != ENOLCK && error != EOPNOTSUPP && error != ENOSYS && error != EINVAL) return status;
    return Status::FailedPrecondition(std::string(status.message()) +
                                      "; this file system has no locks");
  }

  Result<std::optional<std::string>> LockHolder(const std::string& path) override {
    const Descriptor fd = OpenDescriptor(path, O_RDONLY);
    if (!fd.valid() && errno == ENOENT) return std::optional<std::string>();
    if (!fd.valid()) return ErrnoStatus("open", path, errno);
    struct flock whole = WholeFile();
    if (Uninterrupted([&] { return fcntl(fd.get(), F_OFD_GETLK, &whole); }) != 0) {
      return ErrnoStatus("lock", path, errno);
    }
    if (whole.l_type == F_UNLCK) return std::optional<std::string>();
    return std::optional<std::string>(HolderOf(fd));
  }

  Result<std::string> NetworkKind(const std::string& path) override {
    return NetworkFileSystemOf(path);
  }

  Result<uint64_t> FreeBytes(const std::string& path) override {
    struct statvfs info {};
    if (Uninterrupted([&] { return statvfs(path.c_str(), &info); }) != 0) {
      return ErrnoStatus("statvfs", path, errno);
    }
    return uint64_t{info.f_bavail} * info.f_frsize;
  }

 private:
  static int FlagsOf(OpenMode mode) {
    switch (mode) {
      case OpenMode::kRead:
        return O_RDONLY;
      case OpenMode::kReadWrite:
        return O_RDWR;
      case OpenMode::kCreate:
        return O_RDWR | O_CREAT;
      case OpenMode::kCreateExclusive:
        return O_RDWR | O_CREAT | O_EXCL;
    }
    return O_RDONLY;
  }
};

}  // namespace

FileSystem& FileSystem::System() {
  static auto* const files = new PosixFileSystem;  // never destroyed, as the clock
  return *files;
}

Result<Bytes> ReadWholeFile(FileSystem& files, const std::string& path) {
  CHROMA_ASSIGN(const std::unique_ptr<File> file, files.Open(path, OpenMode::kRead));
  CHROMA_ASSIGN(const uint64_t size_bytes, file->Size());
  Bytes bytes(size_bytes, '\0');
  CHROMA_ASSIGN(const size_t got, file->ReadAt(0, bytes.data(), bytes.size()));
  bytes.resize(got);
  return bytes;
}

std::string JoinPath(std::string_view directory, std::string_view name) {
  if (directory.empty()) return std::string(name);
  std::string path(directory);
  if (path.back() != '/') path.push_back('/');
  while (name.starts_with('/')) name.remove_prefix(1);
  path += name;
  return path;
}

}  // namespace chroma::runtime
