#include "engine/backlog_gate.h"

namespace chroma::engine {

BacklogGate::Excess BacklogGate::ExcessOf(const Uuid& collection) {
  const uint64_t bytes = log_.BacklogBytes(collection);
  if (bytes > limits_.bytes_max) return Excess::kOfCollection;
  const log::Log::AllBacklogs all = log_.SumBacklogs();
  if (all.payload_bytes <= limits_.all_bytes_max) return Excess::kNone;
  if (all.payload_bytes / 2 > limits_.all_bytes_max) return Excess::kOfAll;
  return bytes > limits_.all_bytes_max / all.collections ? Excess::kOfAll : Excess::kNone;
}

Status BacklogGate::Refusal(Excess excess) {
  return Status::Unavailable(
      excess == Excess::kOfCollection
          ? "Too many writes of this collection wait for compaction; try again later"
          : "Too many writes of all collections wait for compaction; try again later");
}

uint64_t BacklogGate::trims() {
  const runtime::MutexLock lock(mutex_);
  return trims_;
}

Status BacklogGate::Pass(runtime::Context& ctx, const Uuid& collection) {
  // Between looks at whether the caller has gone.
  constexpr int64_t kLookNs = 100 * runtime::kMillisecond;
  Excess excess = ExcessOf(collection);
  if (excess == Excess::kNone) return Status::Ok();
  const runtime::Context::LongWait wait(ctx);
  if (!wait.granted()) return Refusal(excess);
  const int64_t give_up_ns = env_.clock->MonotonicNs() + limits_.wait_ns;
  for (;;) {
    const uint64_t seen = trims();
    excess = ExcessOf(collection);
    if (excess == Excess::kNone) return Status::Ok();
    CHROMA_TRY(ctx.Check());
    if (env_.clock->MonotonicNs() > give_up_ns) return Refusal(excess);
    if (excess == Excess::kOfCollection) on_waiting_(collection);
    const runtime::MutexLock lock(mutex_);
    if (trims_ == seen) trimmed_.WaitFor(mutex_, kLookNs);
  }
}

void BacklogGate::OnTrimmed() {
  const runtime::MutexLock lock(mutex_);
  ++trims_;
  trimmed_.NotifyAll();
}

}  // namespace chroma::engine
