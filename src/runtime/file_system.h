// The files of one machine, as the engine sees them: few calls, each with a durability contract
// that the simulated and the in-memory file systems keep as strictly as the kernel's does.
// Paths are absolute or relative to the process; "/" separates. Errors: kNotFound,
// kAlreadyExists, kPermissionDenied, kResourceExhausted (no space left, quota), kUnavailable
// (locked by another process), kFailedPrecondition (directory not empty), kInternal (EIO and the
// rest), each naming path and call: "write /path/x: No space left on device".
// All classes are thread safe unless a line says otherwise.
#pragma once

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "chroma/status.h"
#include "runtime/clock.h"

namespace chroma::runtime {

// A file read and written at positions. Writes become durable by Sync() (fdatasync); without it
// a crash may lose or tear any of them, by sector and in any order.
class File {
 public:
  virtual ~File() = default;
  // Reads up to `n` bytes at `offset`; fewer only at the end of the file.
  virtual Result<size_t> ReadAt(uint64_t offset, char* out, size_t n) const = 0;
  // Writes all of `bytes` or fails; after a failure any prefix may have been written.
  virtual Status WriteAt(uint64_t offset, BytesView bytes) = 0;
  virtual Status Truncate(uint64_t size_bytes) = 0;
  virtual Status Sync() = 0;
  virtual Result<uint64_t> Size() const = 0;
  // Reserves space on disk without changing the size; a no-op where that is unknown.
  virtual Status Reserve(uint64_t offset, uint64_t size_bytes) = 0;
};

// A whole file mapped read-only. The bytes stay valid as long as this lives, also after the file
// was removed. Touching a page that the disk cannot read (EIO), or that was cut off the file, ends
// the process (SIGBUS): ask CheckReadable first.
class MappedFile {
 public:
  virtual ~MappedFile() = default;
  virtual BytesView bytes() const = 0;
  // Reads the pages of a range from the disk where they are not in memory; kDataLoss when that
  // fails. A page may have to be read again when memory was short meanwhile; and kernels before
  // Linux 5.14 cannot tell.
  virtual Status CheckReadable(uint64_t offset, uint64_t size_bytes) const {
    static_cast<void>(offset);
    static_cast<void>(size_bytes);
    return Status::Ok();
  }
  // Copies a range that lies within bytes(); kDataLoss as CheckReadable. Where it can be, it is
  // read without the pages becoming part of what this process is said to hold: for reading a little
  // here and there of a large file.
  virtual Status Copy(uint64_t offset, uint64_t size_bytes, char* out) const {
    CHROMA_TRY(CheckReadable(offset, size_bytes));
    std::memcpy(out, bytes().data() + offset, size_bytes);
    return Status::Ok();
  }
  // Hints: the pages of a range will be read soon, or not again soon.
  virtual void WillNeed(uint64_t offset, uint64_t size_bytes) const = 0;
  virtual void DontNeed(uint64_t offset, uint64_t size_bytes) const = 0;
};

// Held until destroyed; the kernel frees it when the process dies (an OFD lock).
class FileLock {
 public:
  virtual ~FileLock() = default;
};

enum class OpenMode : uint8_t {
  kRead,             // must exist
  kReadWrite,        // must exist
  kCreate,           // read and write; created when missing
  kCreateExclusive,  // read and write; kAlreadyExists when it exists
};

struct DirectoryEntry {
  std::string name;
  bool is_directory = false;
  uint64_t size_bytes = 0;
  int64_t modified_unix_ns = 0;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) = 0;
  virtual Result<std::shared_ptr<const MappedFile>> Map(const std::string& path) = 0;
  // Atomic, also over an existing file; durable after SyncDirectory of the directory that holds
  // `to`.
  virtual Status Rename(const std::string& from, const std::string& to) = 0;
  // A file, or an empty directory.
  virtual Status Remove(const std::string& path) = 0;
  // Also creates missing parents; OK when it exists already. What it creates is durable.
  virtual Status CreateDirectory(const std::string& path) = 0;
  virtual Status SyncDirectory(const std::string& path) = 0;
  // Sorted by name, without "." and "..".
  virtual Result<std::vector<DirectoryEntry>> List(const std::string& path) = 0;
  virtual Result<bool> Exists(const std::string& path) = 0;
  // Creates the file when missing; it must never be removed. kUnavailable, naming the holder's
  // pid where known, when somebody else holds it: another process, or another caller in this one.
  // kFailedPrecondition where the file system has no such locks. A forked child does not hold it.
  virtual Result<std::unique_ptr<FileLock>> Lock(const std::string& path) = 0;
  // Who holds the lock now, e.g. "process 123", or nobody. Writes nothing, the file neither.
  virtual Result<std::optional<std::string>> LockHolder(const std::string& path) {
    static_cast<void>(path);
    return std::optional<std::string>();
  }
  // The kind of network file system that `path` is on, e.g. "nfs"; empty for a local one. There a
  // lock may be another machine's, or none at all.
  virtual Result<std::string> NetworkKind(const std::string& path) {
    static_cast<void>(path);
    return std::string();
  }
  // Free bytes for this process on the file system that holds `path`.
  virtual Result<uint64_t> FreeBytes(const std::string& path) = 0;

  static FileSystem& System();
  // An empty file system in memory; forgets everything when destroyed. Open files, mappings and
  // locks may outlive it. A mapping shows the file as it was when it was mapped. Relative paths
  // start at its root. The clock, which gives the times of modification, must outlive it.
  static std::unique_ptr<FileSystem> InMemory(Clock& clock = Clock::System());
  // The files of `base`, which is never written: what is changed here is kept in memory, block by
  // block, and forgotten with it. Files of `base` must not change while they are open here. Locks
  // are this file system's own. Directories cannot be renamed. `base` outlives it.
  static std::unique_ptr<FileSystem> Overlay(FileSystem& base, Clock& clock = Clock::System());
};

// All of a file whose size the caller has reason to trust, or has bounded.
Result<Bytes> ReadWholeFile(FileSystem& files, const std::string& path);

// "a" + "b" with one separator between.
std::string JoinPath(std::string_view directory, std::string_view name);

}  // namespace chroma::runtime
