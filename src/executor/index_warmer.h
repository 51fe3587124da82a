// Makes the packed nodes of vector indexes that are searched, and reads what is new in a version of
// a collection that is searched, in the background and at low priority, so that searches need not
// do it.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "model/record.h"
#include "runtime/context.h"
#include "runtime/env.h"
#include "runtime/mutex.h"
#include "segment/snapshot.h"
#include "segment/version.h"

namespace chroma::executor {

// Thread safe.
class IndexWarmer {
 public:
  // Beyond `memory_bytes_max` of this process (0: no limit) nothing is read.
  IndexWarmer(const runtime::Env& env, uint64_t memory_bytes_max);
  // Ends what it is at.
  ~IndexWarmer();
  IndexWarmer(const IndexWarmer&) = delete;
  IndexWarmer& operator=(const IndexWarmer&) = delete;

  // Neither waits for the work.
  void NoteSearch(const segment::Snapshot& snapshot);
  // `after` has taken the place of `before` in a collection that is searched.
  void NotePublished(const segment::Version& before, const segment::Version& after);

 private:
  using Index = std::shared_ptr<const segment::VectorIndexReader>;
  // What no search has come to yet. Once it is replaced nobody needs it, and its space comes back.
  struct Unread {
    std::weak_ptr<const segment::Part> part;  // none: it was there before
    std::vector<std::weak_ptr<const segment::VectorIndexReader>> indexes;
    model::IncludeSet columns = 0;  // that were read of the version before
  };
  void Run();
  Status Read(const Unread& unread);

  const uint64_t memory_bytes_max_;
  runtime::Context context_;
  runtime::Mutex mutex_;
  runtime::CondVar wake_;
  std::vector<Index> waiting_ CHROMA_GUARDED_BY(mutex_);
  std::vector<Unread> unread_ CHROMA_GUARDED_BY(mutex_);
  Index warming_ CHROMA_GUARDED_BY(mutex_);
  bool stopping_ CHROMA_GUARDED_BY(mutex_) = false;
  runtime::Scheduler& scheduler_;
  std::unique_ptr<runtime::Task> task_;  // null where there is no thread: searches go by codes
};

}  // namespace chroma::executor
