// Decides which collection is compacted next, and compacts a few at once on background tasks, which
// begin with deleting what earlier processes left in the store. An idle directory costs nothing:
// the tasks sleep until they are woken.
//
// One of the tasks at most looks for work, the others work or wait to be the next that looks. The
// most urgent collection goes first: the share that its tail has of what tails may have, and the
// longer it waits the more. What merges much takes minutes, and is never on all tasks.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/uuid.h"
#include "compactor/collection_locks.h"
#include "compactor/compaction.h"
#include "compactor/indexer.h"
#include "compactor/policy.h"
#include "runtime/mutex.h"
#include "runtime/scheduler.h"

namespace chroma::compactor {

class Scheduler {
 public:
  Scheduler(Seams seams, Policy policy);
  // Cancels the running compactions and joins; the log keeps what was not compacted.
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // Begins work, with the collections that the log holds entries of or that are not settled.
  Status Start(const std::vector<Uuid>& unsettled);

  // The collection was written to. Cheap; thread safe.
  void NotifyWrite(const Uuid& collection);
  // An index of the collection is damaged: it is to be built again. Cheap; thread safe.
  void NotifyDamagedIndex(const Uuid& collection);
  // Collections were deleted: their blobs are to be swept. Thread safe.
  void NotifyDeleted(const std::vector<Uuid>& collections);

  // Compacts and indexes the collection now, on the calling task, until nothing is left to do.
  Status CompactFully(runtime::Context& ctx, const Uuid& collection);

 private:
  static constexpr int64_t kNotDue = INT64_MAX;

  // A collection that is not settled.
  struct Pending {
    int64_t since_ns = kNotDue;             // Clock::MonotonicNs
    int64_t last_write_ns = INT64_MIN / 2;  // the same
    bool idle_done = false;          // nothing is left to do before it has been idle for longer
    bool large = false;              // it wants a merge that is not quick
    int64_t due_since_ns = kNotDue;  // as far as anybody looked
    int64_t not_before_ns = 0;       // after a failure, or when somebody else had it
    int failures = 0;
  };
  enum class Work : uint8_t { kQuick, kLarge, kSweep };
  // What a task is to do, with the collection locked.
  struct Due {
    Uuid collection;
    Work work = Work::kQuick;
    Activity activity = Activity::kBusy;
  };
  struct Running {
    runtime::Context* context;
    Work work;
  };
  using Backlogs = std::unordered_map<Uuid, log::Log::Backlog, UuidHash>;

  Pending& PendingOf(const Uuid& collection, int64_t now_ns) CHROMA_REQUIRES(mutex_);
  void Run();
  // Returns when there is something to do, or the end has come.
  std::optional<Due> AwaitDue() CHROMA_REQUIRES(mutex_);
  // The most urgent collection; or none, and when to look again (-1: when woken).
  std::optional<Due> PickDue(int64_t now_ns, int64_t* wait_ns) CHROMA_REQUIRES(mutex_);
  // A deleted collection that nobody works on.
  std::optional<Due> PickDeleted() CHROMA_REQUIRES(mutex_);
  // When the collection is ready for what is to be done, from now; not positive: it is.
  int64_t ReadyInNs(const Pending& pending, double share, bool large, int64_t now_ns) const;
  // What the tail has of what it may have; from 1 on it is written out.
  double ShareOf(const log::Log::Backlog& backlog, int64_t now_unix_ns) const;
  // The collection with the largest tail of those that wait, where these are too large together.
  std::optional<Uuid> LargestIfCrowded(const Backlogs& backlogs, int64_t now_ns) const
      CHROMA_REQUIRES(mutex_);
  int RunningOf(Work work) const CHROMA_REQUIRES(mutex_);
  void RunOne(const Due& due, runtime::Context& ctx);
  void NotifyIndexer(const Due& due, const Outcome& outcome);
  // An index of the collection was built: what waited for it may be merged.
  void NotifyBuilt(const Uuid& collection);
  void Finished(const Due& due, int64_t started_ns, const Result<Outcome>& outcome);
  void Sweep(runtime::Context& ctx, const Uuid& deleted);
  // Before this process writes its first blob; see sweeper::SweepAll.
  void SweepDirectory();

  const Seams seams_;
  const Policy policy_;
  runtime::Context context_;  // of the first sweep
  CollectionLocks locks_;     // of compactions, sweeps, and whatever else publishes
  runtime::Mutex sweeping_;
  bool directory_swept_ CHROMA_GUARDED_BY(sweeping_) = false;
  runtime::Mutex mutex_;
  runtime::CondVar wake_;  // of the task that looks for work
  runtime::CondVar look_;  // of those that may be the next
  bool looking_ CHROMA_GUARDED_BY(mutex_) = false;
  bool stopping_ CHROMA_GUARDED_BY(mutex_) = false;
  std::vector<Uuid> deleted_ CHROMA_GUARDED_BY(mutex_);  // not swept yet
  std::unordered_map<Uuid, Pending, UuidHash> pending_ CHROMA_GUARDED_BY(mutex_);
  std::unordered_map<Uuid, Running, UuidHash> running_ CHROMA_GUARDED_BY(mutex_);
  Indexer indexer_;
  std::vector<std::unique_ptr<runtime::Task>> tasks_;
};

}  // namespace chroma::compactor
