// Giving space back, and closing in order.
#include <algorithm>
#include <utility>

#include "log/file_log.h"
#include "runtime/log.h"
#include "runtime/test_points.h"

namespace chroma::log {
namespace {

// A newest file that nobody needs is ended once it is this large, or a quarter of the maximum.
constexpr uint64_t kDeadBytesMax = 4 << 20;

}  // namespace

Status FileLog::Trim(runtime::Context& ctx, const Uuid& collection, uint64_t offset) {
  CHROMA_TRY(ctx.Check());
  {
    runtime::MutexLock lock(mutex_);
    if (!index_.Trim(collection, offset)) return Status::Ok();
  }
  return Reclaim();
}

Status FileLog::Forget(runtime::Context& ctx, const Uuid& collection) {
  CHROMA_TRY(ctx.Check());
  {
    runtime::MutexLock lock(mutex_);
    if (!index_.Forget(collection)) return Status::Ok();
  }
  return Reclaim();
}

Status FileLog::Reclaim() {
  bool lead = false;
  {
    runtime::MutexLock lock(mutex_);
    // With a leader at work the newest file is about to get live entries.
    lead = !leading_ && WantsNewFile();
    if (lead) leading_ = true;
  }
  Status begun;
  if (lead) {
    begun = BeginFile();
    uint64_t turn;
    {
      runtime::MutexLock lock(mutex_);
      leading_ = false;
      turn = turn_;
    }
    turns_[turn % 2].NotifyOne();
  }
  CHROMA_TRY(DropDeadFiles());
  return begun;
}

bool FileLog::WantsNewFile() {
  return newest_ != nullptr && newest_->live_entries == 0 &&
         newest_->end >= std::min(kDeadBytesMax, options_.file_bytes_max / 4);
}

// Removes the files that have no live entry. The newest stays: it carries the offset to go on
// from. The state forgets a file first, since a file that it names must not be missing.
Status FileLog::DropDeadFiles() {
  runtime::MutexLock roster(roster_mutex_);
  LogFiles dead;
  const LogFile* newest;
  {
    runtime::MutexLock lock(mutex_);
    newest = newest_;
    for (auto it = files_.begin(); it != files_.end();) {
      auto next = std::next(it);
      if (it->second->live_entries == 0 && it->second.get() != newest) {
        dead.insert(files_.extract(it));
      }
      it = next;
    }
  }
  if (dead.empty()) return Status::Ok();
  Status stored = CHROMA_PLANTED_BUG("log.drop_before_state")
                      ? Status::Ok()
                      : state_file_.Store(StateWith(newest));
  if (!stored.ok()) {
    files_.merge(dead);
    return stored.Annotate("dropping log files that nobody needs");
  }
  CHROMA_TEST_POINT("log.files_forgotten");
  for (const auto& [number, file] : dead) {
    Status removed = env_.files->Remove(file->path);
    CHROMA_TEST_POINT("log.file_removed");
    if (removed.ok()) continue;
    runtime::Log(runtime::LogLevel::kWarning, "log file not removed, the next start does it",
                 {{"path", file->path}, {"error", removed.message()}});
  }
  return Status::Ok();
}

// The present state with `newest` as the file being written, all others ended; all are ended
// when it is null.
LogState FileLog::StateWith(const LogFile* newest) {
  LogState state;
  state.next_offset = state_offset_;
  if (newest != nullptr) state.newest = newest->number;
  state.closed = closed_ && newest != nullptr;
  for (const auto& [number, file] : files_) {
    if (file.get() == newest && !state.closed) continue;
    state.ended.push_back({number, file->end, file->chain});
  }
  return state;
}

void FileLog::Close() {
  runtime::MutexLock roster(roster_mutex_);
  const LogFile* newest;
  {
    runtime::MutexLock lock(mutex_);
    newest = newest_;
  }
  if (newest == nullptr || closed_) return;
  if (leader_.active != nullptr) {
    // Gives back what was reserved and not used; of no other consequence.
    (void)leader_.active->file->Truncate(leader_.active->end).ok();
  }
  closed_ = true;
  state_offset_ = std::max(state_offset_, leader_.next_offset);
  Status stored = state_file_.Store(StateWith(newest));
  CHROMA_TEST_POINT("log.closed");
  if (stored.ok()) return;
  runtime::Log(runtime::LogLevel::kWarning, "log not closed in order, nothing is lost by it",
               {{"path", directory_}, {"error", stored.message()}});
}

}  // namespace chroma::log
