#include "compactor/scheduler.h"

#include <algorithm>
#include <new>
#include <utility>

#include "runtime/log.h"
#include "runtime/test_points.h"
#include "sweeper/sweeper.h"

namespace chroma::compactor {

Scheduler::Scheduler(Seams seams, Policy policy)
    : seams_(std::move(seams)),
      policy_(policy),
      context_(*seams_.env.clock),
      indexer_(seams_, policy_.index, compacting_,
               [this]() CHROMA_REQUIRES(compacting_) { SweepDirectory(); }) {}

Scheduler::~Scheduler() {
  {
    runtime::MutexLock lock(mutex_);
    stopping_ = true;
    wake_.NotifyAll();
  }
  context_.Cancel();
  task_.reset();
}

Status Scheduler::Start(const std::vector<Uuid>& unsettled) {
  {
    runtime::MutexLock lock(mutex_);
    const int64_t now_ns = seams_.env.clock->MonotonicNs();
    for (const Uuid& collection : unsettled) pending_[collection].last_write_ns = now_ns;
  }
  CHROMA_TRY(indexer_.Start([this](const Uuid& collection) { NotifyBuilt(collection); }));
  task_ = seams_.env.scheduler->Start("compactor", [this] { Run(); });
  if (task_ != nullptr) return Status::Ok();
  return Status::ResourceExhausted(
      "cannot start the compactor: this user's limit of threads is reached");
}

void Scheduler::NotifyWrite(const Uuid& collection) {
  const int64_t now_ns = seams_.env.clock->MonotonicNs();
  runtime::MutexLock lock(mutex_);
  Pending& pending = pending_[collection];
  // The task polls collections that are being written to, and only those.
  const bool was_idle = now_ns - pending.last_write_ns >= policy_.idle_ns;
  pending.last_write_ns = now_ns;
  pending.idle_done = false;
  const uint64_t backlog = seams_.log->BacklogBytes(collection);
  if (was_idle || backlog > policy_.tail_bytes_max) wake_.NotifyAll();
}

void Scheduler::NotifyDamagedIndex(const Uuid& collection) {
  indexer_.Notify(collection, /*busy=*/false);
}

void Scheduler::NotifyBuilt(const Uuid& collection) {
  runtime::MutexLock lock(mutex_);
  pending_[collection].idle_done = false;
  wake_.NotifyAll();
}

void Scheduler::NotifyDeleted(const std::vector<Uuid>& collections) {
  runtime::MutexLock lock(mutex_);
  deleted_.insert(deleted_.end(), collections.begin(), collections.end());
  for (const Uuid& collection : collections) pending_.erase(collection);
  wake_.NotifyAll();
}

bool Scheduler::HasLargeTail(const log::Log::Backlog& backlog, int64_t now_unix_ns) const {
  return backlog.records >= policy_.tail_records_max ||
         backlog.payload_bytes >= policy_.tail_bytes_max ||
         now_unix_ns - backlog.oldest_unix_ns >= policy_.tail_age_ns;
}

std::optional<Uuid> Scheduler::LargestIfCrowded(
    const std::vector<log::Log::Backlog>& backlogs) const {
  uint64_t total_bytes = 0;
  const log::Log::Backlog* largest = nullptr;
  for (const log::Log::Backlog& backlog : backlogs) {
    total_bytes += backlog.payload_bytes;
    if (largest == nullptr || backlog.payload_bytes > largest->payload_bytes) largest = &backlog;
  }
  if (total_bytes <= policy_.all_tails_bytes_max) return std::nullopt;
  return largest->collection;
}

std::optional<Scheduler::Due> Scheduler::PickDue(int64_t now_ns, int64_t* wait_ns) {
  // Tails of collections that are being written to are looked at this often.
  constexpr int64_t kBusyPollNs = 200 * runtime::kMillisecond;
  *wait_ns = -1;
  if (pending_.empty()) return std::nullopt;
  std::unordered_map<Uuid, log::Log::Backlog, UuidHash> backlogs;
  const std::vector<log::Log::Backlog> listed = seams_.log->Backlogs();
  for (const log::Log::Backlog& backlog : listed) backlogs[backlog.collection] = backlog;
  const std::optional<Uuid> crowded = LargestIfCrowded(listed);

  const int64_t now_unix_ns = seams_.env.clock->UnixNs();
  std::optional<Due> due;
  uint64_t due_records = 0;
  int64_t wait = INT64_MAX;
  for (const auto& [collection, pending] : pending_) {
    const int64_t idle_ns = now_ns - pending.last_write_ns;
    auto backlog = backlogs.find(collection);
    const bool has_backlog = backlog != backlogs.end();
    const uint64_t records = has_backlog ? backlog->second.records : 0;
    int64_t ready_in_ns = (pending.idle_done ? policy_.settle_ns : policy_.idle_ns) - idle_ns;
    if (has_backlog && HasLargeTail(backlog->second, now_unix_ns)) ready_in_ns = 0;
    if (crowded == collection) ready_in_ns = 0;
    // The next write may make its tail large: it is looked at again soon.
    if (idle_ns < policy_.idle_ns) ready_in_ns = std::min(ready_in_ns, kBusyPollNs);
    ready_in_ns = std::max(ready_in_ns, pending.not_before_ns - now_ns);
    if (ready_in_ns > 0) {
      wait = std::min(wait, ready_in_ns);
      continue;
    }
    if (due && records <= due_records) continue;
    const Activity activity = idle_ns >= policy_.settle_ns ? Activity::kSettled
                              : idle_ns >= policy_.idle_ns ? Activity::kIdle
                                                           : Activity::kBusy;
    due = Due{collection, activity};
    due_records = records;
  }
  *wait_ns = wait;
  return due;
}

void Scheduler::Run() {
  {
    runtime::MutexLock one_at_a_time(compacting_);
    SweepDirectory();
  }
  mutex_.Lock();
  while (!stopping_) {
    if (!deleted_.empty()) {
      const std::vector<Uuid> deleted = std::exchange(deleted_, {});
      mutex_.Unlock();
      Sweep(deleted);
      mutex_.Lock();
      continue;
    }
    int64_t wait_ns = -1;
    std::optional<Due> due = PickDue(seams_.env.clock->MonotonicNs(), &wait_ns);
    if (due) {
      mutex_.Unlock();
      RunOne(*due);
      mutex_.Lock();
    } else if (wait_ns < 0) {
      wake_.Wait(mutex_);
    } else {
      wake_.WaitFor(mutex_, wait_ns);
    }
  }
  mutex_.Unlock();
}

void Scheduler::RunOne(const Due& due) {
  const int64_t started_ns = seams_.env.clock->MonotonicNs();
  Result<Outcome> outcome = Outcome();
  {
    runtime::MutexLock one_at_a_time(compacting_);
    try {
      outcome =
          Compact(context_, seams_, policy_, due.collection, due.activity, indexer_.Building());
    } catch (const std::bad_alloc&) {
      outcome = Status::ResourceExhausted("there is no memory to compact with");
    }
  }
  // Before it is idle merges to come would take an index along in part only.
  if (outcome.ok()) {
    const bool busy = due.activity == Activity::kBusy || (outcome->published && !outcome->settled);
    indexer_.Notify(due.collection, busy);
  }
  Finished(due, started_ns, outcome);
}

void Scheduler::Finished(const Due& due, int64_t started_ns, const Result<Outcome>& outcome) {
  constexpr int64_t kRetryNsMin = 500 * runtime::kMillisecond;
  // To 16 s: writes that wait for a compaction give up after 30 s, and must not be refused for
  // what was mended meanwhile.
  constexpr int kBackoffDoublings = 5;
  const StatusCode code = outcome.status().code();
  runtime::MutexLock lock(mutex_);
  auto found = pending_.find(due.collection);
  if (found == pending_.end()) return;
  Pending& pending = found->second;
  const int64_t now_ns = seams_.env.clock->MonotonicNs();
  const bool written_meanwhile = pending.last_write_ns >= started_ns;
  if (outcome.ok()) {
    pending.failures = 0;
    const bool nothing_left =
        outcome->settled || (!outcome->published && due.activity == Activity::kSettled);
    if (nothing_left && !written_meanwhile) {
      pending_.erase(found);
    } else if (!outcome->published && due.activity != Activity::kBusy && !written_meanwhile) {
      pending.idle_done = true;
    }
    return;
  }
  if (code == StatusCode::kNotFound) {  // it is deleted
    pending_.erase(found);
    return;
  }
  if (code == StatusCode::kCancelled) return;
  pending.not_before_ns = now_ns + (kRetryNsMin << std::min(pending.failures, kBackoffDoublings));
  if (pending.failures++ == 0 && code != StatusCode::kAborted) {
    runtime::Log(
        runtime::LogLevel::kWarning, "compaction failed, will be tried again",
        {{"collection", due.collection.ToString()}, {"error", outcome.status().ToString()}});
  }
}

void Scheduler::SweepDirectory() {
  if (std::exchange(directory_swept_, true)) return;
  const Status swept = sweeper::SweepAll(context_, *seams_.catalog, *seams_.store);
  CHROMA_TEST_POINT("compactor.directory_swept");
  if (swept.ok() || swept.code() == StatusCode::kCancelled) return;
  runtime::Log(runtime::LogLevel::kWarning,
               "what earlier processes left was not deleted, the next start does it",
               {{"error", swept.ToString()}});
}

void Scheduler::Sweep(const std::vector<Uuid>& deleted) {
  runtime::MutexLock one_at_a_time(compacting_);
  for (const Uuid& collection : deleted) {
    // A read or a compaction that was under way may have opened it again.
    seams_.node->Forget(collection);
    const Status swept =
        sweeper::SweepCollection(context_, *seams_.catalog, *seams_.store, collection);
    if (swept.ok()) continue;
    if (swept.code() == StatusCode::kCancelled) return;  // the next start sweeps
    runtime::Log(runtime::LogLevel::kWarning, "sweep failed, the next start does it",
                 {{"collection", collection.ToString()}, {"error", swept.ToString()}});
  }
}

Status Scheduler::CompactFully(runtime::Context& ctx, const Uuid& collection) {
  runtime::MutexLock no_build(indexer_.building());
  for (;;) {
    runtime::MutexLock one_at_a_time(compacting_);
    SweepDirectory();
    CHROMA_ASSIGN(Outcome outcome, Compact(ctx, seams_, policy_, collection, Activity::kSettled));
    if (outcome.settled || !outcome.published) break;
  }
  return indexer_.IndexFully(ctx, collection);
}

}  // namespace chroma::compactor
