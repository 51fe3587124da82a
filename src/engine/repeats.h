// Requests that were sent again to this engine. An attempt that comes after its own repetition, out
// of a connection that broke, must not be carried out: its sender was answered already.
#pragma once

#include <cstdint>
#include <deque>
#include <unordered_set>

#include "runtime/mutex.h"

namespace chroma::engine {

// Thread safe.
class Repeats {
 public:
  void Add(uint64_t id) {
    runtime::MutexLock lock(mutex_);
    if (!ids_.insert(id).second) return;
    order_.push_back(id);
    if (order_.size() <= kIdsMax) return;
    ids_.erase(order_.front());
    order_.pop_front();
  }
  bool Contains(uint64_t id) {
    runtime::MutexLock lock(mutex_);
    return ids_.contains(id);
  }

 private:
  // Each is of a connection that broke.
  static constexpr size_t kIdsMax = 65'536;

  runtime::Mutex mutex_;
  std::unordered_set<uint64_t> ids_ CHROMA_GUARDED_BY(mutex_);
  std::deque<uint64_t> order_ CHROMA_GUARDED_BY(mutex_);
};

}  // namespace chroma::engine
