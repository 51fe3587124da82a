// For tests: files that fail, fill up and lose what was not synced, as real ones may.
//
// A crash keeps of every write that was not synced any of its 512-byte sectors, and of every
// change of a directory that was not synced any, all by the seed. Thread safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "runtime/file_system.h"
#include "runtime/mutex.h"

namespace chroma::store {

class TestFileSystem final : public runtime::FileSystem {
 public:
  enum class Call { kOpen, kWrite, kTruncate, kSync, kReserve, kRename, kRemove, kSyncDirectory };
  // Asked before each call that changes something; a failure is what the call returns. A write
  // that fails has written some prefix.
  using Fault = std::function<Status(Call call, const std::string& path)>;

  explicit TestFileSystem(uint64_t seed) : random_state_(seed) {}

  void SetFault(Fault fault);
  void SetCapacity(uint64_t bytes);
  // From the `calls`-th changing call on, everything fails, as after a power failure.
  void CrashAfter(uint64_t calls);
  // Power is back: what was not durable is there, torn or gone. Files that are open stay useless.
  void Restart();

  uint64_t calls() const;  // changing calls so far
  uint64_t syncs() const;  // of files
  Bytes Content(const std::string& path) const;
  void SetContent(const std::string& path, Bytes content);  // durable

  Result<std::unique_ptr<runtime::File>> Open(const std::string& path,
                                              runtime::OpenMode mode) override;
  Result<std::shared_ptr<const runtime::MappedFile>> Map(const std::string& path) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status Remove(const std::string& path) override;
  Status CreateDirectory(const std::string& path) override;
  Status SyncDirectory(const std::string& path) override;
  Result<std::vector<runtime::DirectoryEntry>> List(const std::string& path) override;
  Result<bool> Exists(const std::string& path) override;
  Result<std::unique_ptr<runtime::FileLock>> Lock(const std::string& path) override;
  Result<uint64_t> FreeBytes(const std::string& path) override;

 private:
  friend class TestFile;
  struct Change {
    uint64_t offset = 0;  // the new size of a truncation
    Bytes bytes;
    bool truncation = false;
  };
  struct Node {
    Bytes content;
    Bytes durable;
    std::vector<Change> pending;
  };
  using Names = std::map<std::string, std::shared_ptr<Node>>;
  struct NameChange {
    std::string from;  // removed
    std::string to;    // set to node
    std::shared_ptr<Node> node;
  };

  Status Begin(Call call, const std::string& path) CHROMA_REQUIRES(mutex_);
  Status Write(Node& node, const std::string& path, uint64_t offset, BytesView bytes)
      CHROMA_REQUIRES(mutex_);
  Status Truncate(Node& node, const std::string& path, uint64_t size_bytes) CHROMA_REQUIRES(mutex_);
  Status Sync(Node& node, const std::string& path) CHROMA_REQUIRES(mutex_);
  uint64_t Used() const CHROMA_REQUIRES(mutex_);
  static void Apply(const NameChange& change, Names& names);
  static void Apply(const Change& change, Bytes& content);
  void ApplyTorn(const Change& change, Bytes& content) CHROMA_REQUIRES(mutex_);
  uint64_t NextRandom() CHROMA_REQUIRES(mutex_);
  bool Coin() CHROMA_REQUIRES(mutex_) { return (NextRandom() & 1) != 0; }

  mutable runtime::Mutex mutex_;
  uint64_t random_state_ CHROMA_GUARDED_BY(mutex_);
  Fault fault_ CHROMA_GUARDED_BY(mutex_);
  uint64_t capacity_bytes_ CHROMA_GUARDED_BY(mutex_) = UINT64_MAX;
  uint64_t calls_ CHROMA_GUARDED_BY(mutex_) = 0;
  uint64_t syncs_ CHROMA_GUARDED_BY(mutex_) = 0;
  uint64_t crash_at_ CHROMA_GUARDED_BY(mutex_) = UINT64_MAX;
  uint64_t life_ CHROMA_GUARDED_BY(mutex_) = 0;  // files of an earlier one are useless
  Names names_ CHROMA_GUARDED_BY(mutex_);
  Names durable_names_ CHROMA_GUARDED_BY(mutex_);
  std::vector<NameChange> pending_names_ CHROMA_GUARDED_BY(mutex_);
  std::set<std::string> directories_ CHROMA_GUARDED_BY(mutex_);
};

}  // namespace chroma::store
