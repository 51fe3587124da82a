// A value that is loaded when first asked for: by one task at a time, and without a lock once it
// is there. A failure is not kept; the next caller tries again. Thread safe.
#pragma once

#include <atomic>
#include <optional>
#include <utility>

#include "chroma/status.h"
#include "runtime/mutex.h"

namespace chroma::format {

template <typename T>
class Lazy {
 public:
  Lazy() = default;
  Lazy(const Lazy&) = delete;
  Lazy& operator=(const Lazy&) = delete;

  // `load` returns Result<T>. The pointer stays valid as long as this lives.
  template <typename Load>
  Result<const T*> Get(Load&& load) const {
    if (const T* ready = ready_.load(std::memory_order_acquire)) return ready;
    runtime::MutexLock lock(mutex_);
    if (const T* ready = ready_.load(std::memory_order_relaxed)) return ready;
    Result<T> loaded = load();
    if (!loaded.ok()) return loaded.status();
    value_.emplace(*std::move(loaded));
    ready_.store(&*value_, std::memory_order_release);
    return &*value_;
  }

  // Null where it is not.
  const T* IfLoaded() const { return ready_.load(std::memory_order_acquire); }
  bool loaded() const { return IfLoaded() != nullptr; }

 private:
  mutable runtime::Mutex mutex_;
  mutable std::optional<T> value_;
  mutable std::atomic<const T*> ready_{nullptr};
};

}  // namespace chroma::format
