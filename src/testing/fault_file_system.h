// Files in memory that fail, fill up and lose what was not synced, as real ones may. The faults
// that every test of durable code of this project meets:
//
//   no space     a write that would grow the files beyond SetCapacity() is refused; so are all the
//                calls that the test's Fault refuses with kResourceExhausted
//   errors       Fault may fail any call that changes something, the n-th or those of one file
//   short write  a write that fails has written some prefix, which a later read shows
//   failed sync  what was waiting for it counts as clean afterwards, and any of it may be lost
//   power loss   of every write that was not synced any of its 512-byte sectors survives, of every
//                truncation and every change of a directory that was not synced either all or
//                nothing; by the seed. What was synced survives.
//   bit rot      FlipBit() changes what is stored, for whoever reads it from then on, until it is
//                written anew or MendFlips() undoes it. A Map() that is open does not change.
//
// Power fails in one of two ways: CrashAfter() and Restart() stop a program at its n-th call and
// go on with what is left, AfterPowerLoss() gives what might be left now and lets the program run
// on. Locks always succeed. Thread safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/file_system.h"
#include "runtime/mutex.h"

namespace chroma::testing {

class FaultFileSystem final : public runtime::FileSystem {
 public:
  // kOpen: of a file that is created by it.
  enum class Call { kOpen, kWrite, kTruncate, kSync, kReserve, kRename, kRemove, kSyncDirectory };
  // "open", …, "sync directory"
  static std::string_view CallName(Call call);

  // Asked before each call that changes something; a failure is what the call returns. Must not
  // call this file system.
  using Fault = std::function<Status(Call call, const std::string& path)>;

  explicit FaultFileSystem(uint64_t seed) : random_state_(seed) {}

  void SetFault(Fault fault);
  void SetCapacity(uint64_t bytes);
  // Called after each call that changed something, or failed to.
  void SetObserver(std::function<void()> observer);

  // From the `calls`-th changing call on, everything fails, as after a power failure.
  void CrashAfter(uint64_t calls);
  // Power is back: what was not durable is there, torn or gone. Files that are open stay useless.
  void Restart();
  // What may be on the disk if the power fails now, without faults.
  std::unique_ptr<FaultFileSystem> AfterPowerLoss(uint64_t seed) const;

  uint64_t calls() const;  // changing calls so far
  uint64_t syncs() const;  // of files
  uint64_t used_bytes() const;
  std::vector<std::pair<std::string, uint64_t>> Files() const;  // paths and sizes, by path
  Bytes Content(const std::string& path) const;
  void SetContent(const std::string& path, Bytes content);  // durable
  // Of a bit that is stored; false when there is no such file or it is shorter.
  bool FlipBit(const std::string& path, uint64_t bit);
  // What FlipBit() changed and nobody wrote since is as before; how many bits that were.
  size_t MendFlips();
  // Whether any file that is there, or may be there after a power loss, has flipped bits.
  bool HasFlips() const;

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
  friend class FaultFile;
  struct ByteChange {
    uint64_t offset = 0;  // the new size of a truncation
    Bytes bytes;
    bool truncation = false;
  };
  // The bytes of a file, some of them with flipped bits.
  struct Image {
    Bytes bytes;
    std::vector<uint64_t> flips;  // bits
  };
  struct Node {
    Image content;  // what is read
    Image durable;
    std::vector<ByteChange> pending;
    bool sync_failed = false;  // `content` may differ from `durable` though nothing is pending
  };
  using Names = std::map<std::string, std::shared_ptr<Node>>;
  struct NameChange {
    std::string from;  // removed
    std::string to;    // set to node
    std::shared_ptr<Node> node;
  };

  Status Begin(Call call, const std::string& path) CHROMA_REQUIRES(mutex_);
  // Calls the observer.
  void Observe() CHROMA_EXCLUDES(mutex_);
  Result<std::shared_ptr<Node>> Find(const std::string& path, runtime::OpenMode mode)
      CHROMA_REQUIRES(mutex_);
  Status ChangeName(Call call, const std::string& from, const std::string& to)
      CHROMA_REQUIRES(mutex_);
  Status SyncNames(const std::string& directory) CHROMA_REQUIRES(mutex_);
  Status Write(Node& node, const std::string& path, uint64_t offset, BytesView bytes)
      CHROMA_REQUIRES(mutex_);
  Status Truncate(Node& node, const std::string& path, uint64_t size_bytes) CHROMA_REQUIRES(mutex_);
  Status Sync(Node& node, const std::string& path) CHROMA_REQUIRES(mutex_);
  void LosePower() CHROMA_REQUIRES(mutex_);
  uint64_t Used() const CHROMA_REQUIRES(mutex_);
  static void Apply(const NameChange& change, Names& names);
  static void Apply(const ByteChange& change, Image& image);
  static void Flip(Image& image, uint64_t bit);
  // Calls `visit` for each file once, also those that only a power loss brings back.
  template <typename Visit>
  void ForEachNode(const Visit& visit) const CHROMA_REQUIRES(mutex_);
  void ApplyTorn(const ByteChange& change, Image& image) CHROMA_REQUIRES(mutex_);
  uint64_t NextRandom() CHROMA_REQUIRES(mutex_);
  bool Coin() CHROMA_REQUIRES(mutex_) { return (NextRandom() & 1) != 0; }

  mutable runtime::Mutex mutex_;
  uint64_t random_state_ CHROMA_GUARDED_BY(mutex_);
  Fault fault_ CHROMA_GUARDED_BY(mutex_);
  std::function<void()> observer_ CHROMA_GUARDED_BY(mutex_);
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

}  // namespace chroma::testing
