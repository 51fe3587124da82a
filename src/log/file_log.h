// The log of one directory: numbered append-only files shared by all of its collections.
//
//   <directory>/log/0000000001.log, …02.log, …   each: header, then frames (docs/formats.md)
//   <directory>/log/state                         which files are alive, and where they end
//
// Group commit: callers queue their frames; the first of them becomes the leader, writes all
// that are queued and syncs once, and wakes the others, the next of which leads. So one
// fdatasync acknowledges every waiting writer and no thread is needed for it.
//
// Opening scans the files once and cuts a torn tail (bytes after the last whole frame of the
// last file) off; damage before the last whole frame is kDataLoss naming file and position. A
// file that lost its end, or vanished, is noticed by what the state and its successor say of it.
// A failed write is cut off again before anybody is told; where that fails, and after a failed
// sync, the file is closed for good and a new one begun, whose header and the state say where the
// old one ends. So what was not acknowledged does not come back.
//
// Files are begun by the first append after opening: a log that is only read is not written.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "log/entry_index.h"
#include "log/log.h"
#include "log/recovery.h"
#include "log/state_file.h"
#include "runtime/env.h"
#include "runtime/mutex.h"

namespace chroma::log {

struct FileLogOptions {
  uint64_t file_bytes_max = 64 << 20;  // begin a new file after this
  size_t cached_bytes_max = 64 << 20;  // payloads kept in memory for Read
  uint64_t free_bytes_min = 4 << 20;   // refuse appends that would leave less on the disk
};

class FileLog final : public Log {
 public:
  // `directory` is created when missing; the caller holds the lock of the data directory.
  // Offsets start at 1 and continue from the largest ever given, also across restarts and trims.
  // `ctx` may give it up while it reads what is there.
  static Result<std::unique_ptr<FileLog>> Open(runtime::Context& ctx, runtime::Env env,
                                               std::string directory, FileLogOptions options = {});
  static Result<std::unique_ptr<FileLog>> Open(runtime::Env env, std::string directory,
                                               FileLogOptions options = {}) {
    runtime::Context ctx;
    return Open(ctx, env, std::move(directory), options);
  }
  // For Open: what it makes has not read the files yet.
  FileLog(runtime::Env env, std::string log_directory, FileLogOptions options);
  // Records that the log was closed in order. No call may be under way.
  ~FileLog() override;

  // What Open() found: every offset that was ever given is below it.
  uint64_t opening_offset() const { return opening_offset_; }

  using Log::Append;
  Result<uint64_t> Append(runtime::Context& ctx, const Uuid& collection, Bytes payload,
                          uint32_t count, const Prepare& prepare) override;
  Result<std::vector<Entry>> Read(runtime::Context& ctx, const Uuid& collection, uint64_t from,
                                  size_t bytes_max) override;
  Result<uint64_t> End(runtime::Context& ctx, const Uuid& collection) override;
  Status Trim(runtime::Context& ctx, const Uuid& collection, uint64_t offset) override;
  Status Forget(runtime::Context& ctx, const Uuid& collection) override;
  // Those that keep the oldest files alive come first.
  std::vector<Backlog> Backlogs() override;
  uint64_t BacklogBytes(const Uuid& collection) override;
  AllBacklogs SumBacklogs() override;

 private:
  // One Append that waits for its group; lives on its caller's stack.
  struct Pending {
    FrameHeader frame;
    std::shared_ptr<const Bytes> payload;
    bool hidden = false;  // until its caller has prepared it
    Status status;
    bool done = false;
  };
  using Group = std::vector<Pending*>;
  class HiddenEntry;

  // Group commit (file_log.cc).
  void Commit(Pending& pending);
  void TakeGroup() CHROMA_REQUIRES(mutex_);
  void Publish(const Status& status) CHROMA_REQUIRES(mutex_);

  // The leader's (file_log_write.cc): nobody else writes to files or touches leader_.
  Status WriteGroup();
  Status WriteFrames(LogFile& file, uint64_t& position, uint64_t& chain);
  void CutGroup(LogFile& file, bool sync_failed);
  Status PrepareFile(uint64_t group_bytes);
  Status EnsureRoom(LogFile* file, uint64_t group_bytes);
  Status BeginFile();
  Status CreateFile();

  // Giving space back (file_log_files.cc).
  Status Reclaim();
  bool WantsNewFile() CHROMA_REQUIRES(mutex_);
  Status DropDeadFiles();
  LogState StateWith(const LogFile* newest) CHROMA_REQUIRES(roster_mutex_);
  void Close();

  const runtime::Env env_;
  const std::string directory_;  // of the log
  const FileLogOptions options_;
  uint64_t opening_offset_ = 1;

  runtime::Mutex mutex_;                         // taken last; never held during input and output
  std::array<runtime::CondVar, 2> turns_;        // waiters of even and odd groups
  uint64_t turn_ CHROMA_GUARDED_BY(mutex_) = 0;  // of the group that is gathering
  bool leading_ CHROMA_GUARDED_BY(mutex_) = false;
  Group queue_ CHROMA_GUARDED_BY(mutex_);
  EntryIndex index_ CHROMA_GUARDED_BY(mutex_);
  LogFile* newest_ CHROMA_GUARDED_BY(mutex_) = nullptr;  // in files_; not dropped while it is

  // Belongs to whoever set leading_.
  struct Leader {
    Group group;
    Bytes buffer;
    LogFile* active = nullptr;           // null: the next group begins a file
    uint64_t room_end = 0;               // space for `active` is reserved up to here
    std::unique_ptr<LogFile> candidate;  // begun, but not yet in a durable state
    uint64_t next_offset = 1;
    uint64_t next_number = 1;
  };
  Leader leader_;

  runtime::Mutex roster_mutex_;  // held while the state is written; taken before mutex_
  StateFile state_file_ CHROMA_GUARDED_BY(roster_mutex_);
  LogFiles files_ CHROMA_GUARDED_BY(roster_mutex_);
  bool closed_ CHROMA_GUARDED_BY(roster_mutex_) = false;  // what the stored state says
  uint64_t state_offset_ CHROMA_GUARDED_BY(roster_mutex_) = 1;
};

}  // namespace chroma::log
