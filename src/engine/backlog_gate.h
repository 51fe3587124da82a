// Makes writers wait while the log has too much that is not compacted: all of it is in memory, as
// the tails of its collections. Thread safe.
#pragma once

#include <cstdint>
#include <functional>

#include "base/uuid.h"
#include "chroma/status.h"
#include "log/log.h"
#include "runtime/context.h"
#include "runtime/env.h"
#include "runtime/mutex.h"

namespace chroma::engine {

struct BacklogLimits {
  // A collection whose log is longer makes its writers wait for the compactor.
  uint64_t bytes_max = 512u << 20;
  // When the logs of all together are, those wait that have more than an equal share of it; when
  // they are twice as long, all do. So one that cannot be compacted leaves room for others.
  uint64_t all_bytes_max = 1u << 30;
  // Then writers are refused with kUnavailable; at once where too many requests wait already (see
  // runtime::Context::LongWait).
  int64_t wait_ns = 30 * runtime::kSecond;
};

class BacklogGate {
 public:
  // `log` outlives it. `on_waiting` is called now and then, with nothing held, for the collection
  // whose log a writer waits for.
  BacklogGate(const runtime::Env& env, log::Log& log, BacklogLimits limits,
              std::function<void(const Uuid&)> on_waiting)
      : env_(env), log_(log), limits_(limits), on_waiting_(std::move(on_waiting)) {}

  // Called before a write. What it lets through may be over the limits by as much as is written at
  // once.
  Status Pass(runtime::Context& ctx, const Uuid& collection);
  // Called after the log became shorter.
  void OnTrimmed();

 private:
  enum class Excess : uint8_t { kNone, kOfCollection, kOfAll };
  Excess ExcessOf(const Uuid& collection);
  static Status Refusal(Excess excess);
  uint64_t trims();

  const runtime::Env env_;
  log::Log& log_;
  const BacklogLimits limits_;
  const std::function<void(const Uuid&)> on_waiting_;
  runtime::Mutex mutex_;
  runtime::CondVar trimmed_;
  uint64_t trims_ CHROMA_GUARDED_BY(mutex_) = 0;
};

}  // namespace chroma::engine
