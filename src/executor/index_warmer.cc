#include "executor/index_warmer.h"

#include <algorithm>
#include <new>
#include <utility>

namespace chroma::executor {
namespace {

constexpr size_t kWaitingMax = 64;

}  // namespace

IndexWarmer::IndexWarmer(const runtime::Env& env)
    : context_(*env.clock), scheduler_(*env.scheduler) {
  task_ = scheduler_.Start("warm-indexes", [this] { Run(); });
}

IndexWarmer::~IndexWarmer() {
  {
    runtime::MutexLock lock(mutex_);
    stopping_ = true;
  }
  context_.Cancel();
  wake_.NotifyAll();
  task_.reset();
}

void IndexWarmer::NoteSearch(const segment::Snapshot& snapshot) {
  for (const segment::SnapshotPart& part : snapshot.parts) {
    if (part.indexes == nullptr) continue;
    for (const segment::PartIndex& index : part.indexes->list) {
      if (!index.reader->index().LacksNodes() || index.reader->damaged()) continue;
      runtime::MutexLock lock(mutex_);
      const bool known = warming_ == index.reader || std::find(waiting_.begin(), waiting_.end(),
                                                               index.reader) != waiting_.end();
      if (known || waiting_.size() >= kWaitingMax) continue;
      waiting_.push_back(index.reader);
      wake_.NotifyOne();
    }
  }
}

void IndexWarmer::Run() {
  scheduler_.LowerPriority();
  for (;;) {
    Index index;
    {
      runtime::MutexLock lock(mutex_);
      warming_.reset();
      while (waiting_.empty() && !stopping_) wake_.Wait(mutex_);
      if (stopping_) return;
      index = warming_ = std::move(waiting_.back());
      waiting_.pop_back();
    }
    try {
      // Damage is told by the reader, to the next search.
      (void)index->index().MakeNodes([this] { return context_.Check(); });
    } catch (const std::bad_alloc&) {
      // Searches do without nodes.
    }
  }
}

}  // namespace chroma::executor
