// Makes the packed nodes of vector indexes that are searched, in the background and at low
// priority, so that the next searches are quicker.
#pragma once

#include <memory>
#include <vector>

#include "runtime/context.h"
#include "runtime/env.h"
#include "runtime/mutex.h"
#include "segment/snapshot.h"

namespace chroma::executor {

// Thread safe.
class IndexWarmer {
 public:
  explicit IndexWarmer(const runtime::Env& env);
  // Ends what it is at.
  ~IndexWarmer();
  IndexWarmer(const IndexWarmer&) = delete;
  IndexWarmer& operator=(const IndexWarmer&) = delete;

  // Never waits for the work.
  void NoteSearch(const segment::Snapshot& snapshot);

 private:
  using Index = std::shared_ptr<const segment::VectorIndexReader>;
  void Run();

  runtime::Context context_;
  runtime::Mutex mutex_;
  runtime::CondVar wake_;
  std::vector<Index> waiting_ CHROMA_GUARDED_BY(mutex_);
  Index warming_ CHROMA_GUARDED_BY(mutex_);
  bool stopping_ CHROMA_GUARDED_BY(mutex_) = false;
  runtime::Scheduler& scheduler_;
  std::unique_ptr<runtime::Task> task_;  // null where there is no thread: searches go by codes
};

}  // namespace chroma::executor
