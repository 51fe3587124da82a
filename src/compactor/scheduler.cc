#include "compactor/scheduler.h"

#include <algorithm>
#include <utility>

#include "runtime/log.h"
#include "sweeper/sweeper.h"

namespace chroma::compactor {

Scheduler::Scheduler(Seams seams, Policy policy)
    : seams_(std::move(seams)), policy_(policy), context_(*seams_.env.clock) {}

Scheduler::~Scheduler() {
  {
    runtime::MutexLock lock(mutex_);
    stopping_ = true;
    wake_.NotifyAll();
  }
  context_.Cancel();
  task_.reset();
}

void Scheduler::Start(const std::vector<Uuid>& unsettled) {
  {
    runtime::MutexLock lock(mutex_);
    const int64_t now_ns = seams_.env.clock->MonotonicNs();
    for (const Uuid& collection : unsettled) pending_[collection].last_write_ns = now_ns;
  }
  task_ = seams_.env.scheduler->Start("compactor", [this] { Run(); });
}

void Scheduler::NotifyWrite(const Uuid& collection) {
  const int64_t now_ns = seams_.env.clock->MonotonicNs();
  runtime::MutexLock lock(mutex_);
  auto [slot, is_new] = pending_.try_emplace(collection);
  slot->second.last_write_ns = now_ns;
  const uint64_t backlog = seams_.log->BacklogBytes(collection);
  if (is_new || backlog > policy_.tail_bytes_max) wake_.NotifyAll();
}

void Scheduler::NotifyDeleted() {
  runtime::MutexLock lock(mutex_);
  sweep_ = true;
  wake_.NotifyAll();
}

std::optional<Scheduler::Due> Scheduler::PickDue(int64_t now_ns, int64_t* wait_ns) {
  // While writes come in, tails are looked at this often.
  constexpr int64_t kBusyPollNs = 200 * runtime::kMillisecond;
  *wait_ns = -1;
  if (pending_.empty()) return std::nullopt;
  std::unordered_map<Uuid, log::Log::Backlog, UuidHash> backlogs;
  for (log::Log::Backlog& backlog : seams_.log->Backlogs()) backlogs[backlog.collection] = backlog;

  std::optional<Due> due;
  uint64_t due_records = 0;
  *wait_ns = kBusyPollNs;
  for (const auto& [collection, pending] : pending_) {
    if (pending.not_before_ns > now_ns) continue;
    const int64_t idle_ns = now_ns - pending.last_write_ns;
    auto backlog = backlogs.find(collection);
    const uint64_t records = backlog == backlogs.end() ? 0 : backlog->second.records;
    const bool large = records >= policy_.tail_records_max ||
                       (records > 0 && backlog->second.payload_bytes >= policy_.tail_bytes_max);
    if (!large && idle_ns < policy_.idle_ns) continue;
    // Idle collections with only merges left wait for the settling time in between.
    if (due && records <= due_records) continue;
    const Activity activity = idle_ns >= policy_.settle_ns ? Activity::kSettled
                              : idle_ns >= policy_.idle_ns ? Activity::kIdle
                                                           : Activity::kBusy;
    due = Due{collection, activity};
    due_records = records;
  }
  return due;
}

void Scheduler::Run() {
  mutex_.Lock();
  while (!stopping_) {
    if (std::exchange(sweep_, false)) {
      mutex_.Unlock();
      Sweep();
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
  runtime::MutexLock one_at_a_time(compacting_);
  Finished(due, started_ns, Compact(context_, seams_, policy_, due.collection, due.activity));
}

void Scheduler::Finished(const Due& due, int64_t started_ns, const Result<Outcome>& outcome) {
  constexpr int64_t kRetryNsMin = 500 * runtime::kMillisecond;
  constexpr int kBackoffDoublings = 7;
  const StatusCode code = outcome.status().code();
  runtime::MutexLock lock(mutex_);
  auto found = pending_.find(due.collection);
  if (found == pending_.end()) return;
  Pending& pending = found->second;
  const int64_t now_ns = seams_.env.clock->MonotonicNs();
  const bool written_meanwhile = pending.last_write_ns >= started_ns;
  if (outcome.ok()) {
    pending.failures = 0;
    if (outcome->settled && !written_meanwhile) {
      pending_.erase(found);
    } else if (!outcome->published && due.activity != Activity::kBusy) {
      // Nothing more to do until it has been idle for longer.
      pending.not_before_ns = pending.last_write_ns + policy_.settle_ns;
    }
    return;
  }
  if (code == StatusCode::kNotFound && !written_meanwhile) {
    pending_.erase(found);
    return;
  }
  if (code == StatusCode::kCancelled) return;
  pending.not_before_ns =
      now_ns + (kRetryNsMin << std::min(pending.failures, kBackoffDoublings));
  if (pending.failures++ == 0 && code != StatusCode::kAborted) {
    runtime::Log(runtime::LogLevel::kWarning, "compaction failed, will be tried again",
                 {{"collection", due.collection.ToString()},
                  {"error", outcome.status().ToString()}});
  }
}

void Scheduler::Sweep() {
  runtime::MutexLock one_at_a_time(compacting_);
  const Status swept = sweeper::SweepAll(context_, *seams_.catalog, *seams_.store);
  if (!swept.ok() && swept.code() != StatusCode::kCancelled) {
    runtime::Log(runtime::LogLevel::kWarning, "sweep failed", {{"error", swept.ToString()}});
  }
}

Status Scheduler::CompactFully(runtime::Context& ctx, const Uuid& collection) {
  runtime::MutexLock one_at_a_time(compacting_);
  for (;;) {
    CHROMA_ASSIGN(Outcome outcome,
                  Compact(ctx, seams_, policy_, collection, Activity::kSettled));
    if (outcome.settled || !outcome.published) return Status::Ok();
  }
}

}  // namespace chroma::compactor
