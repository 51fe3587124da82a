// Runs plans on this machine's processors over collections that it keeps open.
#pragma once

#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/uuid.h"
#include "executor/index_warmer.h"
#include "executor/node.h"
#include "runtime/env.h"
#include "runtime/mutex.h"
#include "runtime/thread_pool.h"
#include "segment/index_policy.h"
#include "segment/live_collection.h"

namespace chroma::executor {

struct LocalNodeOptions {
  size_t open_collections_max = 1024;  // the least recently used idle ones are closed beyond it
  segment::IndexPolicy index = {};
  // Called by queries that met a damaged vector index, and did without it. Must be cheap.
  std::function<void(const Uuid& collection)> on_damaged_index = nullptr;
  // The memory that reads of a collection have mapped is given back this long after the last one.
  int64_t pages_kept_ns = runtime::kSecond;
  // What this process should have resident; 0: no limit. Beyond it pages are given back while they
  // are in use, and vector indexes get no more than half of it for what they make in memory.
  uint64_t memory_bytes_max = 0;
};

class LocalNode : public QueryNode {
 public:
  // All outlive the node. `pool` runs the scans of one query in parallel.
  LocalNode(const runtime::Env& env, log::Log& log, store::BlobStore& store,
            runtime::ThreadPool& pool, LocalNodeOptions options = {});
  ~LocalNode() override;

  Result<Records> Get(runtime::Context& ctx, const segment::VersionRef& version,
                      const planner::GetPlan& plan) override;
  Result<QueryResult> Query(runtime::Context& ctx, const segment::VersionRef& version,
                            const planner::QueryPlan& plan) override;
  Result<SearchResult> Search(runtime::Context& ctx, const segment::VersionRef& version,
                              const planner::SearchBatchPlan& plan) override;
  Result<uint64_t> Count(runtime::Context& ctx, const segment::VersionRef& version,
                         const planner::CountPlan& plan) override;
  Result<ListResult> List(runtime::Context& ctx, const segment::VersionRef& version,
                          const planner::ListPlan& plan) override;
  Result<Explanation> Explain(runtime::Context& ctx, const segment::VersionRef& version,
                              const planner::ExplainPlan& plan) override;
  Result<FacetResult> Facets(runtime::Context& ctx, const segment::VersionRef& version,
                             const planner::FacetsPlan& plan) override;
  Result<RecallReport> MeasureRecall(runtime::Context& ctx, const segment::VersionRef& version,
                                     const planner::RecallPlan& plan) override;
  Result<std::optional<uint32_t>> FindRequest(runtime::Context& ctx,
                                              const segment::VersionRef& version,
                                              const model::RequestTag& tag) override;
  Result<CollectionStatus> Describe(runtime::Context& ctx, const segment::VersionRef& version,
                                    const model::Schema& schema) override;
  void Prepare(const Uuid& collection, uint64_t log_end) override;
  void Forget(const Uuid& collection) override;
  // What vector indexes make in memory, of collections that are open here and while one is built.
  const std::shared_ptr<index::NodeMemory>& node_memory() const { return node_memory_; }
  // How many rows of its segments, in no vector index, searches of the collection have compared one
  // by one, at most, since it was opened or this was last forgotten.
  uint64_t RowsCompared(const Uuid& collection);
  void ForgetRowsCompared(const Uuid& collection);
  // Closes every collection that no read is using.
  void CloseIdle();

  // The collection, opened if need be, at `version` or a newer one. `prepares`: makes what searches
  // of a new version would wait for, if there were any lately, before they come to it.
  Result<std::shared_ptr<segment::LiveCollection>> Open(runtime::Context& ctx,
                                                        const segment::VersionRef& version,
                                                        bool prepares = false);

 private:
  struct Slot {
    std::shared_ptr<segment::LiveCollection> collection;
    uint64_t used = 0;  // of use_clock_
    int64_t read_ns = 0;
    int64_t searched_ns = 0;   // 0: never
    size_t batches = 0;        // that map rows and are under way
    int64_t batch_end_ns = 0;  // of the last of them; 0: its rows were given back
    model::Space searched_space = model::Space::kL2;
    uint64_t compared = 0;  // see RowsCompared
    bool holds_pages = false;
  };
  Result<std::shared_ptr<const segment::Snapshot>> Snapshot(runtime::Context& ctx,
                                                            const segment::VersionRef& version);
  void TellDamage(const Uuid& collection, const segment::Snapshot& snapshot) const;
  class Batch;
  // After so many searches: what is to be done for the next ones.
  void NoteSearches(const Uuid& collection, const segment::Snapshot& snapshot, model::Space space,
                    uint64_t n);
  // In which space; none: not lately.
  std::optional<model::Space> SearchedLately(const Uuid& collection);
  // Null where it is not open.
  std::shared_ptr<segment::LiveCollection> FindOpen(const Uuid& collection);
  // Out of open_, to be closed without the lock; null where every collection is in use.
  std::shared_ptr<segment::LiveCollection> TakeLongestIdle() CHROMA_REQUIRES(mutex_);
  void NoteRead(Slot& slot) CHROMA_REQUIRES(mutex_);
  // The body of release_task_, which sleeps while no collection holds pages or mapped rows.
  void ReleasePages();
  std::vector<std::shared_ptr<segment::LiveCollection>> TakeUnused() CHROMA_REQUIRES(mutex_);
  std::vector<std::shared_ptr<segment::LiveCollection>> TakeMapped() CHROMA_REQUIRES(mutex_);
  // Of those that were read longest ago first, until the process is within its memory.
  void ReleaseUsedPages();

  const runtime::Env env_;
  log::Log& log_;
  store::BlobStore& store_;
  runtime::ThreadPool& pool_;
  const LocalNodeOptions options_;
  const std::shared_ptr<index::NodeMemory> node_memory_;
  runtime::Mutex mutex_;
  std::unordered_map<Uuid, Slot, UuidHash> open_ CHROMA_GUARDED_BY(mutex_);
  uint64_t use_clock_ CHROMA_GUARDED_BY(mutex_) = 0;
  runtime::CondVar release_wake_;
  bool holds_pages_ CHROMA_GUARDED_BY(mutex_) = false;
  bool maps_rows_ CHROMA_GUARDED_BY(mutex_) = false;
  bool stopping_ CHROMA_GUARDED_BY(mutex_) = false;
  IndexWarmer warmer_;
  std::unique_ptr<runtime::Task> release_task_;  // null, and pages stay, where there is no thread
};

}  // namespace chroma::executor
