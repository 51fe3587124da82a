// Decides which collection is compacted next, and runs compactions on one background task, which
// begins with deleting what earlier processes left in the store. An idle directory costs nothing:
// the task sleeps until it is woken.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/uuid.h"
#include "compactor/compaction.h"
#include "compactor/indexer.h"
#include "compactor/policy.h"
#include "runtime/mutex.h"
#include "runtime/scheduler.h"

namespace chroma::compactor {

class Scheduler {
 public:
  Scheduler(Seams seams, Policy policy);
  // Cancels the running compaction and joins; the log keeps what was not compacted.
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
  // A collection that is not settled.
  struct Pending {
    int64_t last_write_ns = INT64_MIN / 2;  // Clock::MonotonicNs
    bool idle_done = false;     // nothing is left to do before it has been idle for longer
    int64_t not_before_ns = 0;  // after a failure
    int failures = 0;
  };
  struct Due {
    Uuid collection;
    Activity activity;
  };

  void Run();
  // The most urgent collection; or none, and when to look again (-1: when woken).
  std::optional<Due> PickDue(int64_t now_ns, int64_t* wait_ns) CHROMA_REQUIRES(mutex_);
  bool HasLargeTail(const log::Log::Backlog& backlog, int64_t now_unix_ns) const;
  // The collection with the largest tail, where all of them together are too large.
  std::optional<Uuid> LargestIfCrowded(const std::vector<log::Log::Backlog>& backlogs) const;
  void RunOne(const Due& due);
  // An index of the collection was built: what waited for it may be merged.
  void NotifyBuilt(const Uuid& collection);
  void Finished(const Due& due, int64_t started_ns, const Result<Outcome>& outcome);
  void Sweep(const std::vector<Uuid>& deleted);
  // Before this process writes its first blob; see sweeper::SweepAll.
  void SweepDirectory() CHROMA_REQUIRES(compacting_);

  const Seams seams_;
  const Policy policy_;
  runtime::Context context_;   // of the background task
  runtime::Mutex compacting_;  // held during a compaction, a sweep, and whatever else publishes
  bool directory_swept_ CHROMA_GUARDED_BY(compacting_) = false;
  runtime::Mutex mutex_;
  runtime::CondVar wake_;
  bool stopping_ CHROMA_GUARDED_BY(mutex_) = false;
  std::vector<Uuid> deleted_ CHROMA_GUARDED_BY(mutex_);  // not swept yet
  std::unordered_map<Uuid, Pending, UuidHash> pending_ CHROMA_GUARDED_BY(mutex_);
  Indexer indexer_;
  std::unique_ptr<runtime::Task> task_;
};

}  // namespace chroma::compactor
