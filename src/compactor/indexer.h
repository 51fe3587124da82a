// Builds indexes of segments in the background, off the path of writes and of merges. Of vectors:
//
//   pick a segment ─► encode its rows ─► extend the graph it has, or begin one ─► write the index
//                                                     ─► publish a version that names it
//
// Until then the rows are searched exactly, or by the indexes of the segments that were merged. A
// crash loses the work, nothing else. Built on all processors, at low priority.
//
// Those inside a segment that a changed schema asks for, before that: the segment is written again,
// its rows as they were, with what it misses (segment/missing_indexes.h), sparse vectors that are
// made of texts included (segment/sparse_fill.h).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/uuid.h"
#include "chroma/status.h"
#include "compactor/collection_locks.h"
#include "compactor/policy.h"
#include "compactor/publish.h"
#include "runtime/context.h"
#include "runtime/mutex.h"
#include "runtime/thread_pool.h"
#include "segment/version.h"

namespace chroma::compactor {

class Indexer {
 public:
  // `locks`: of who publishes versions. `prepare` (may be null) is called before anything is
  // written, with nothing locked but `building_`.
  Indexer(Seams seams, Policy policy, CollectionLocks& locks, std::function<void()> prepare);
  // Cancels what is being built and joins.
  ~Indexer();
  Indexer(const Indexer&) = delete;
  Indexer& operator=(const Indexer&) = delete;

  // Called, while nothing is held, after an index was published: its segment may be merged again.
  Status Start(std::function<void(const Uuid&)> on_built);
  // The collection has new segments, or (not busy) was left alone for a while. Looked at when
  // `not_before_ns` (of Clock::MonotonicNs) has come, or earlier by another notification. Thread
  // safe.
  void Notify(const Uuid& collection, bool busy, int64_t not_before_ns = 0);
  // Builds all that the collection needs, on the calling task; what fails is left out, and the
  // first failure returned. Others may index and compact meanwhile.
  Status IndexFully(runtime::Context& ctx, const Uuid& collection);

  // Segments that are being indexed now. Asked by who has locked a collection: none of its other
  // segments is until that is given up.
  std::set<std::string> Building();

 private:
  struct Job;
  struct Published;
  struct Waiting {
    bool busy = true;
    int64_t not_before_ns = INT64_MAX;
  };
  // Segments, and whether it was their sections (else their vector index) that failed. They come
  // after everything else, so that one that cannot be read does not keep others waiting.
  using FailedJobs = std::set<std::pair<std::string, bool>>;
  // Of a collection.
  struct Failures {
    int count = 0;  // without a success since
    int64_t not_before_ns = 0;
    FailedJobs jobs;
  };

  void Run();
  // A collection whose turn it is; or none, and when to look again (-1: when woken).
  std::optional<Uuid> PickWaiting(int64_t now_ns, int64_t* wait_ns) CHROMA_REQUIRES(mutex_);
  void Finished(const Uuid& collection, bool busy, const Result<bool>& built, FailedJobs failed);
  // False when there was nothing to do but what is in `failed`, to which a failure is added.
  // building_ is held.
  Result<bool> IndexOne(runtime::Context& ctx, const Uuid& collection, bool busy,
                        FailedJobs* failed);
  Result<bool> Pick(runtime::Context& ctx, const Uuid& collection, bool busy, FailedJobs* failed,
                    Job* job);
  // The first part that misses sections; if there is none the largest that needs an index.
  Status Choose(const segment::Version& version, const model::Schema& schema, bool busy,
                uint64_t compared, FailedJobs* failed, Job* job) const;
  // IndexOne, when no other task builds an index.
  Result<bool> IndexInTurn(runtime::Context& ctx, const Uuid& collection, FailedJobs* failed);
  Status Build(runtime::Context& ctx, Job& job);
  Status AddMissing(runtime::Context& ctx, Job& job);
  // The same where sparse vectors are missing: all columns are written anew, with row numbers kept.
  Status Fill(runtime::Context& ctx, Job& job);
  // Opens the collection: a task of low priority is not to read files while it has it locked.
  void OpenEarly(runtime::Context& ctx, const Uuid& collection);
  Status PublishIndex(runtime::Context& ctx, Job& job);
  // The part of it that nobody else may do meanwhile: makes the version that names the index the
  // published one.
  Result<Published> Swap(runtime::Context& ctx, Job& job);

  const Seams seams_;
  const Policy policy_;
  CollectionLocks& locks_;
  const std::function<void()> prepare_;
  runtime::Context context_;  // of the background task
  std::function<void(const Uuid&)> on_built_;
  std::unique_ptr<runtime::ThreadPool> pool_;
  runtime::Mutex building_;  // held while an index is built: by one task at a time
  runtime::Mutex mutex_;
  runtime::CondVar wake_;
  bool stopping_ CHROMA_GUARDED_BY(mutex_) = false;
  std::unordered_map<Uuid, Waiting, UuidHash> waiting_ CHROMA_GUARDED_BY(mutex_);
  std::unordered_map<Uuid, Failures, UuidHash> failed_ CHROMA_GUARDED_BY(mutex_);
  std::string built_segment_ CHROMA_GUARDED_BY(mutex_);  // empty: none
  std::unique_ptr<runtime::Task> task_;
};

}  // namespace chroma::compactor
