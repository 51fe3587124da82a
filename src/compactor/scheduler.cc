#include "compactor/scheduler.h"

#include <algorithm>
#include <new>
#include <string>
#include <utility>

#include "runtime/log.h"
#include "runtime/test_points.h"
#include "sweeper/sweeper.h"

namespace chroma::compactor {
namespace {

// Tails of collections that are being written to are looked at this often.
constexpr int64_t kBusyPollNs = 200 * runtime::kMillisecond;

}  // namespace

Scheduler::Scheduler(Seams seams, Policy policy)
    : seams_(std::move(seams)),
      policy_(policy),
      context_(*seams_.env.clock),
      indexer_(seams_, policy_, locks_, [this] { SweepDirectory(); }) {}

Scheduler::~Scheduler() {
  {
    runtime::MutexLock lock(mutex_);
    stopping_ = true;
    for (const auto& [collection, running] : running_) running.context->Cancel();
    wake_.NotifyAll();
    look_.NotifyAll();
  }
  context_.Cancel();
  tasks_.clear();
}

Status Scheduler::Start(const std::vector<Uuid>& unsettled) {
  {
    runtime::MutexLock lock(mutex_);
    const int64_t now_ns = seams_.env.clock->MonotonicNs();
    for (const Uuid& collection : unsettled) {
      PendingOf(collection, now_ns).last_write_ns = now_ns;
    }
  }
  CHROMA_TRY(indexer_.Start([this](const Uuid& collection) { NotifyBuilt(collection); }));
  for (int i = 0; i < std::max(policy_.tasks, 1); ++i) {
    tasks_.push_back(
        seams_.env.scheduler->Start("compactor-" + std::to_string(i), [this] { Run(); }));
    if (tasks_.back() != nullptr) continue;
    tasks_.pop_back();
    return Status::ResourceExhausted(
        "cannot start the compactor: this user's limit of threads is reached");
  }
  return Status::Ok();
}

void Scheduler::NotifyWrite(const Uuid& collection) {
  const int64_t now_ns = seams_.env.clock->MonotonicNs();
  runtime::MutexLock lock(mutex_);
  Pending& pending = PendingOf(collection, now_ns);
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
  PendingOf(collection, seams_.env.clock->MonotonicNs()).idle_done = false;
  wake_.NotifyAll();
}

Scheduler::Pending& Scheduler::PendingOf(const Uuid& collection, int64_t now_ns) {
  Pending& pending = pending_[collection];
  pending.since_ns = std::min(pending.since_ns, now_ns);
  return pending;
}

void Scheduler::NotifyDeleted(const std::vector<Uuid>& collections) {
  runtime::MutexLock lock(mutex_);
  deleted_.insert(deleted_.end(), collections.begin(), collections.end());
  for (const Uuid& collection : collections) {
    pending_.erase(collection);
    const auto running = running_.find(collection);
    if (running != running_.end()) running->second.context->Cancel();
  }
  wake_.NotifyAll();
}

double Scheduler::ShareOf(const log::Log::Backlog& backlog, int64_t now_unix_ns) const {
  const auto share = [](auto has, auto may_have) {
    return static_cast<double>(has) / std::max(static_cast<double>(may_have), 1.0);
  };
  return std::max({share(backlog.records, policy_.tail_records_max),
                   share(backlog.payload_bytes, policy_.tail_bytes_max),
                   share(now_unix_ns - backlog.oldest_unix_ns, policy_.tail_age_ns)});
}

std::optional<Uuid> Scheduler::LargestIfCrowded(const Backlogs& backlogs, int64_t now_ns) const {
  uint64_t total_bytes = 0;
  const log::Log::Backlog* largest = nullptr;
  for (const auto& [collection, backlog] : backlogs) {
    // What is being compacted, or cannot be now, is no reason to compact others.
    const auto pending = pending_.find(collection);
    if (pending == pending_.end() || pending->second.not_before_ns > now_ns) continue;
    if (running_.contains(collection)) continue;
    total_bytes += backlog.payload_bytes;
    if (largest == nullptr || backlog.payload_bytes > largest->payload_bytes) largest = &backlog;
  }
  if (total_bytes <= policy_.all_tails_bytes_max || largest == nullptr) return std::nullopt;
  return largest->collection;
}

int Scheduler::RunningOf(Work work) const {
  int count = 0;
  for (const auto& [collection, running] : running_) count += running.work == work ? 1 : 0;
  return count;
}

int64_t Scheduler::ReadyInNs(const Pending& pending, double share, bool large,
                             int64_t now_ns) const {
  const int64_t idle_ns = now_ns - pending.last_write_ns;
  int64_t ready_in_ns = (pending.idle_done ? policy_.settle_ns : policy_.idle_ns) - idle_ns;
  // Nothing is left to do before its turn for the large merge comes.
  if (pending.idle_done && pending.large) ready_in_ns = INT64_MAX;
  if (share >= 1 || large) ready_in_ns = 0;
  // The next write may make its tail large: it is looked at again soon.
  if (idle_ns < policy_.idle_ns) ready_in_ns = std::min(ready_in_ns, kBusyPollNs);
  return std::max(ready_in_ns, pending.not_before_ns - now_ns);
}

std::optional<Scheduler::Due> Scheduler::PickDue(int64_t now_ns, int64_t* wait_ns) {
  // So long a wait counts as much as the whole of what a tail may have.
  constexpr double kLargeWaitNs = runtime::kSecond;
  constexpr double kSmallWaitNs = 30 * runtime::kSecond;
  *wait_ns = -1;
  if (pending_.empty()) return std::nullopt;
  Backlogs backlogs;
  for (const log::Log::Backlog& backlog : seams_.log->Backlogs()) {
    backlogs.emplace(backlog.collection, backlog);
  }
  const std::optional<Uuid> crowded = LargestIfCrowded(backlogs, now_ns);
  const bool may_be_large = RunningOf(Work::kLarge) < std::max(policy_.tasks - 1, 1);

  const int64_t now_unix_ns = seams_.env.clock->UnixNs();
  std::optional<Due> due;
  double due_urgency = 0;
  int64_t wait = INT64_MAX;
  for (auto& [collection, pending] : pending_) {
    if (running_.contains(collection)) continue;
    const auto backlog = backlogs.find(collection);
    double share = backlog == backlogs.end() ? 0 : ShareOf(backlog->second, now_unix_ns);
    if (crowded == collection) share = std::max(share, 1.0);
    const bool large = pending.large && may_be_large;
    const int64_t ready_in_ns = ReadyInNs(pending, share, large, now_ns);
    if (ready_in_ns > 0) {
      wait = std::min(wait, ready_in_ns);
      pending.due_since_ns = kNotDue;
      continue;
    }
    pending.due_since_ns = std::min(pending.due_since_ns, now_ns);
    const double urgency = share + static_cast<double>(now_ns - pending.due_since_ns) /
                                       (share >= 1 ? kLargeWaitNs : kSmallWaitNs);
    if (due && urgency <= due_urgency) continue;
    const int64_t idle_ns = now_ns - pending.last_write_ns;
    const Activity activity = idle_ns >= policy_.settle_ns ? Activity::kSettled
                              : idle_ns >= policy_.idle_ns ? Activity::kIdle
                                                           : Activity::kBusy;
    due = Due{collection, large ? Work::kLarge : Work::kQuick, activity};
    due_urgency = urgency;
  }
  *wait_ns = wait == INT64_MAX ? -1 : wait;
  return due;
}

std::optional<Scheduler::Due> Scheduler::PickDeleted() {
  if (RunningOf(Work::kSweep) > 0) return std::nullopt;
  for (size_t i = deleted_.size(); i-- > 0;) {
    if (running_.contains(deleted_[i]) || !locks_.TryLock(deleted_[i])) continue;
    const Uuid collection = std::exchange(deleted_[i], deleted_.back());
    deleted_.pop_back();
    return Due{collection, Work::kSweep};
  }
  return std::nullopt;
}

std::optional<Scheduler::Due> Scheduler::AwaitDue() {
  // Locked by somebody who is no task of this: when it is looked at again.
  constexpr int64_t kLockedPollNs = 50 * runtime::kMillisecond;
  while (!stopping_) {
    if (std::optional<Due> due = PickDeleted()) return due;
    const int64_t now_ns = seams_.env.clock->MonotonicNs();
    int64_t wait_ns = -1;
    if (std::optional<Due> due = PickDue(now_ns, &wait_ns)) {
      Pending& pending = pending_[due->collection];
      if (locks_.TryLock(due->collection)) {
        pending.due_since_ns = kNotDue;
        return due;
      }
      pending.not_before_ns = now_ns + kLockedPollNs;
      continue;
    }
    if (!deleted_.empty()) {
      wait_ns = wait_ns < 0 ? kLockedPollNs : std::min(wait_ns, kLockedPollNs);
    }
    if (wait_ns < 0) {
      wake_.Wait(mutex_);
    } else {
      wake_.WaitFor(mutex_, wait_ns);
    }
  }
  return std::nullopt;
}

void Scheduler::Run() {
  SweepDirectory();
  mutex_.Lock();
  while (!stopping_) {
    if (looking_) {
      look_.Wait(mutex_);
      continue;
    }
    looking_ = true;
    const std::optional<Due> due = AwaitDue();
    looking_ = false;
    look_.NotifyOne();
    if (!due) continue;
    runtime::Context ctx(*seams_.env.clock);
    running_.insert({due->collection, {&ctx, due->work}});
    mutex_.Unlock();
    RunOne(*due, ctx);
    mutex_.Lock();
    running_.erase(due->collection);
    // What waited for this one's end may be due.
    wake_.NotifyAll();
  }
  mutex_.Unlock();
}

void Scheduler::RunOne(const Due& due, runtime::Context& ctx) {
  const int64_t started_ns = seams_.env.clock->MonotonicNs();
  const runtime::LongWork work(*seams_.env.scheduler, started_ns);
  Result<Outcome> outcome = Outcome();
  {
    const CollectionLocks::Hold hold(locks_, due.collection);
    if (due.work == Work::kSweep) return Sweep(ctx, due.collection);
    Limits limits;
    limits.untouched = indexer_.Building();
    if (due.work == Work::kQuick) limits.merge_bytes_max = policy_.quick_merge_bytes_max;
    try {
      outcome = Compact(ctx, seams_, policy_, due.collection, due.activity, limits);
    } catch (const std::bad_alloc&) {
      outcome = Status::ResourceExhausted("there is no memory to compact with");
    }
  }
  if (outcome.ok()) NotifyIndexer(due, *outcome);
  Finished(due, started_ns, outcome);
}

void Scheduler::NotifyIndexer(const Due& due, const Outcome& outcome) {
  // Merges to come would take an index along in part only.
  const bool busy = due.activity == Activity::kBusy || outcome.left_large ||
                    (outcome.published && !outcome.settled);
  int64_t not_before_ns = 0;
  if (busy) {
    runtime::MutexLock lock(mutex_);
    const auto pending = pending_.find(due.collection);
    if (pending != pending_.end()) not_before_ns = pending->second.since_ns + policy_.busy_index_ns;
  }
  indexer_.Notify(due.collection, busy, not_before_ns);
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
    pending.large = outcome->left_large;
    // What was compacted while it was busy is still to be indexed as a collection that is idle.
    const bool nothing_left = due.activity != Activity::kBusy &&
                              (outcome->settled || (!outcome->published && !outcome->left_large &&
                                                    due.activity == Activity::kSettled));
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
  runtime::MutexLock lock(sweeping_);
  if (std::exchange(directory_swept_, true)) return;
  const Status swept = sweeper::SweepAll(context_, *seams_.catalog, *seams_.store);
  CHROMA_TEST_POINT("compactor.directory_swept");
  if (swept.ok() || swept.code() == StatusCode::kCancelled) return;
  runtime::Log(runtime::LogLevel::kWarning,
               "what earlier processes left was not deleted, the next start does it",
               {{"error", swept.ToString()}});
}

void Scheduler::Sweep(runtime::Context& ctx, const Uuid& deleted) {
  // A read or a compaction that was under way may have opened it again.
  seams_.node->Forget(deleted);
  const Status swept = sweeper::SweepCollection(ctx, *seams_.catalog, *seams_.store, deleted);
  if (swept.ok() || swept.code() == StatusCode::kCancelled) return;
  runtime::Log(runtime::LogLevel::kWarning, "sweep failed, the next start does it",
               {{"collection", deleted.ToString()}, {"error", swept.ToString()}});
}

Status Scheduler::CompactFully(runtime::Context& ctx, const Uuid& collection) {
  SweepDirectory();
  const std::string own = collection.ToString();
  for (;;) {
    bool left_out = false;  // a segment of it that is being indexed
    for (;;) {
      CHROMA_TRY(locks_.Lock(ctx, collection));
      const CollectionLocks::Hold hold(locks_, collection);
      Limits limits;
      limits.untouched = indexer_.Building();
      left_out = std::any_of(limits.untouched.begin(), limits.untouched.end(),
                             [&](const std::string& blob) { return blob.starts_with(own); });
      CHROMA_ASSIGN(Outcome outcome,
                    Compact(ctx, seams_, policy_, collection, Activity::kSettled, limits));
      if (outcome.settled || !outcome.published) break;
    }
    // Waits for that.
    CHROMA_TRY(indexer_.IndexFully(ctx, collection));
    if (!left_out) return Status::Ok();
  }
}

}  // namespace chroma::compactor
