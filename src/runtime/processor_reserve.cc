#include "runtime/processor_reserve.h"

#include <unistd.h>

#include <new>

#include "runtime/clock.h"
#include "runtime/fork.h"

namespace chroma::runtime {
namespace {

// After the last short request: a client that asks one after the other is soon back.
constexpr int64_t kKeptNs = 50 * kMillisecond;

}  // namespace

ProcessorReserve::ProcessorReserve() {
  on_forked_child_ = OnForkedChild([this] { Forget(); });
}

ProcessorReserve::~ProcessorReserve() {
  CancelOnForkedChild(on_forked_child_);
}

void ProcessorReserve::Forget() {
  const MutexLock lock(mutex_);
  workers_.clear();
  reserved_.store(false, std::memory_order_relaxed);
}

std::optional<cpu_set_t> ProcessorReserve::Unconfined() {
  if (!reserved_.load(std::memory_order_relaxed)) return std::nullopt;
  const NoFork no_fork;
  const MutexLock lock(mutex_);
  const auto at = workers_.find(::gettid());
  if (at == workers_.end() || !at->second.confined) return std::nullopt;
  return at->second.before;
}

bool ProcessorReserve::ShortLately(int64_t now_ns) const {
  return now_ns - last_short_ns_.load(std::memory_order_relaxed) < kKeptNs;
}

void ProcessorReserve::NoteShort(int64_t now_ns) {
  last_short_ns_.store(now_ns, std::memory_order_relaxed);
  if (reserved_.load(std::memory_order_relaxed)) return;
  const NoFork no_fork;
  const MutexLock lock(mutex_);
  reserved_.store(true, std::memory_order_relaxed);
  for (auto& [thread, worker] : workers_) Confine(thread, worker);
}

void ProcessorReserve::BeginLong(int64_t now_ns) noexcept {
  const pid_t thread = ::gettid();
  const NoFork no_fork;
  const MutexLock lock(mutex_);
  try {
    workers_[thread];
  } catch (const std::bad_alloc&) {
    return;
  }
  Worker& worker = workers_.find(thread)->second;
  if (ShortLately(now_ns)) {
    if (reserved_.load(std::memory_order_relaxed)) Confine(thread, worker);
    return;
  }
  if (!reserved_.exchange(false, std::memory_order_relaxed)) return;
  for (auto& [other, its] : workers_) Release(other, its);
}

void ProcessorReserve::EndLong() {
  const pid_t thread = ::gettid();
  const NoFork no_fork;
  const MutexLock lock(mutex_);
  const auto at = workers_.find(thread);
  if (at == workers_.end()) return;
  Release(thread, at->second);
  workers_.erase(at);
}

void ProcessorReserve::Confine(pid_t thread, Worker& worker) {
  if (worker.confined || ::sched_getaffinity(thread, sizeof(worker.before), &worker.before) != 0) {
    return;
  }
  if (CPU_COUNT(&worker.before) < 2) return;
  worker.within = worker.before;
  int first = 0;
  while (!CPU_ISSET(first, &worker.within)) ++first;
  CPU_CLR(first, &worker.within);
  worker.confined = ::sched_setaffinity(thread, sizeof(worker.within), &worker.within) == 0;
}

void ProcessorReserve::Release(pid_t thread, Worker& worker) {
  if (!worker.confined) return;
  worker.confined = false;
  // Somebody else may have moved it meanwhile.
  cpu_set_t now;
  if (::sched_getaffinity(thread, sizeof(now), &now) != 0 || !CPU_EQUAL(&now, &worker.within)) {
    return;
  }
  static_cast<void>(::sched_setaffinity(thread, sizeof(worker.before), &worker.before));
}

}  // namespace chroma::runtime
