#include "log/file_log.h"

#include <utility>

#include "base/checksum.h"
#include "runtime/log.h"
#include "runtime/test_points.h"

namespace chroma::log {
namespace {

// One group takes no more than this much at once (but always one entry), so that the first of
// many large writes need not wait for the last.
constexpr uint64_t kGroupBytesMax = 64 << 20;

// What the writer of a request is told when the disk is full.
Status ExplainFull(const Status& status, const std::string& directory) {
  if (status.code() != StatusCode::kResourceExhausted) return status;
  return Status::ResourceExhausted("writing the log in " + directory +
                                   ": no space left on device; free some space, writes go on "
                                   "by themselves");
}

}  // namespace

FileLog::FileLog(runtime::Env env, std::string log_directory, FileLogOptions options)
    : env_(env),
      directory_(std::move(log_directory)),
      options_(options),
      index_(options.cached_bytes_max),
      state_file_(env, directory_) {}

Result<std::unique_ptr<FileLog>> FileLog::Open(runtime::Context& ctx, runtime::Env env,
                                               std::string directory, FileLogOptions options) {
  const std::string log_directory = runtime::JoinPath(directory, "log");
  CHROMA_TRY(env.files->CreateDirectory(log_directory));
  CHROMA_TEST_POINT("log.directory_made");
  CHROMA_TRY(env.files->SyncDirectory(directory));
  auto log = std::make_unique<FileLog>(env, log_directory, options);
  runtime::MutexLock roster(log->roster_mutex_);
  runtime::MutexLock lock(log->mutex_);
  CHROMA_ASSIGN(RecoveredLog recovered,
                RecoverLog(ctx, env, log_directory, log->state_file_, log->index_));
  log->files_ = std::move(recovered.files);
  log->closed_ = recovered.closed;
  log->state_offset_ = recovered.next_offset;
  log->opening_offset_ = recovered.next_offset;
  log->leader_.next_offset = recovered.next_offset;
  log->leader_.next_number = recovered.next_number;
  if (!log->files_.empty()) log->newest_ = log->files_.rbegin()->second.get();
  return log;
}

FileLog::~FileLog() {
  Close();
}

// Shown at its end, also by an exception: the caller of this append cannot show it any more.
class FileLog::HiddenEntry {
 public:
  HiddenEntry(FileLog& log, const Uuid& collection, uint64_t end)
      : log_(log), collection_(collection), end_(end) {}
  ~HiddenEntry() {
    runtime::MutexLock lock(log_.mutex_);
    log_.index_.Show(collection_, end_);
  }
  HiddenEntry(const HiddenEntry&) = delete;
  HiddenEntry& operator=(const HiddenEntry&) = delete;

 private:
  FileLog& log_;
  const Uuid collection_;
  const uint64_t end_;
};

Result<uint64_t> FileLog::Append(runtime::Context& ctx, const Uuid& collection, Bytes payload,
                                 uint32_t count, const Prepare& prepare) {
  CHROMA_TRY(ctx.Check());
  if (count == 0) return Status::InvalidArgument("a log entry must have at least one record");
  if (payload.size() > kPayloadBytesMax) {
    return Status::InvalidArgument(
        "a log entry of " + std::to_string(payload.size()) + " bytes is too large, at most " +
        std::to_string(kPayloadBytesMax) + " are taken; write it in parts");
  }
  Pending pending;
  pending.frame.collection = collection;
  pending.frame.count = count;
  pending.frame.payload_bytes = static_cast<uint32_t>(payload.size());
  pending.frame.payload_checksum = Checksum(payload);
  pending.payload = std::make_shared<const Bytes>(std::move(payload));
  pending.hidden = prepare != nullptr;
  Commit(pending);
  if (!pending.status.ok()) return pending.status;
  if (pending.hidden) {
    const uint64_t end = pending.frame.first_offset + count;
    const HiddenEntry hidden(*this, collection, end);
    prepare(end);
  }
  return pending.frame.first_offset;
}

// Returns when `pending` is done. While it waits, one of the waiting callers leads.
void FileLog::Commit(Pending& pending) {
  uint64_t turn;
  {
    runtime::MutexLock lock(mutex_);
    queue_.push_back(&pending);
    turn = turn_;
  }
  for (;;) {
    {
      runtime::MutexLock lock(mutex_);
      while (!pending.done && leading_) turns_[turn % 2].Wait(mutex_);
      if (pending.done) return;
      leading_ = true;
      TakeGroup();
    }
    const Status status = ExplainFull(WriteGroup(), directory_);
    CHROMA_TEST_POINT("log.group_written");
    uint64_t next_turn;
    {
      runtime::MutexLock lock(mutex_);
      Publish(status);
      leading_ = false;
      next_turn = turn_;
    }
    // Those of the group, and of the next one the one that leads it. A waiter's turn does not
    // change, so each condition wakes only the callers that it is about.
    turns_[turn % 2].NotifyAll();
    if (next_turn != turn && !CHROMA_PLANTED_BUG("log.forget_next_leader")) {
      turns_[next_turn % 2].NotifyOne();
    }
  }
}

void FileLog::TakeGroup() {
  uint64_t bytes = 0;
  size_t taken = 0;
  while (taken < queue_.size() && (taken == 0 || bytes < kGroupBytesMax)) {
    bytes += queue_[taken++]->frame.payload_bytes;
  }
  leader_.group.clear();
  if (taken == queue_.size()) {
    leader_.group.swap(queue_);
    ++turn_;
  } else {
    const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(taken);
    leader_.group.assign(queue_.begin(), end);
    queue_.erase(queue_.begin(), end);
  }
}

void FileLog::Publish(const Status& status) {
  for (Pending* pending : leader_.group) {
    if (status.ok()) {
      index_.Add(*leader_.active, pending->frame, std::move(pending->payload), pending->hidden);
    }
    pending->status = status;
    pending->done = true;
  }
}

namespace {

Result<std::shared_ptr<const Bytes>> ReadPayload(const EntryIndex::Found& found) {
  const auto damaged = [&found] {
    return Status::DataLoss("log file " + found.path + " is damaged at position " +
                            std::to_string(found.position) + "; restore it from a backup");
  };
  Bytes head(kFrameHeaderBytes, '\0');
  CHROMA_ASSIGN(size_t head_bytes, found.file->ReadAt(found.position, head.data(), head.size()));
  head.resize(head_bytes);
  FrameHeader frame;
  if (!ReadFrameHeader(head, found.salt, found.position, frame) ||
      frame.first_offset != found.entry.first_offset ||
      frame.payload_bytes != found.payload_bytes) {
    return damaged();
  }
  Bytes payload(found.payload_bytes, '\0');
  CHROMA_ASSIGN(size_t got, found.file->ReadAt(found.position + kFrameHeaderBytes, payload.data(),
                                               payload.size()));
  if (got != payload.size() || Checksum(payload) != frame.payload_checksum) return damaged();
  return std::make_shared<const Bytes>(std::move(payload));
}

}  // namespace

Result<std::vector<Entry>> FileLog::Read(runtime::Context& ctx, const Uuid& collection,
                                         uint64_t from, size_t bytes_max) {
  std::vector<EntryIndex::Found> found;
  {
    runtime::MutexLock lock(mutex_);
    CHROMA_ASSIGN(found, index_.Find(collection, from, bytes_max));
  }
  std::vector<Entry> entries;
  entries.reserve(found.size());
  for (EntryIndex::Found& one : found) {
    if (one.entry.payload == nullptr) {
      CHROMA_TRY(ctx.Check());
      CHROMA_ASSIGN(one.entry.payload, ReadPayload(one));
    }
    entries.push_back(std::move(one.entry));
  }
  return entries;
}

Result<uint64_t> FileLog::End(runtime::Context& ctx, const Uuid& collection) {
  CHROMA_TRY(ctx.Check());
  runtime::MutexLock lock(mutex_);
  return index_.End(collection);
}

std::vector<Log::Backlog> FileLog::Backlogs() {
  runtime::MutexLock lock(mutex_);
  return index_.Backlogs();
}

uint64_t FileLog::BacklogBytes(const Uuid& collection) {
  runtime::MutexLock lock(mutex_);
  return index_.PayloadBytes(collection);
}

Log::AllBacklogs FileLog::SumBacklogs() {
  runtime::MutexLock lock(mutex_);
  return index_.SumBacklogs();
}

}  // namespace chroma::log
