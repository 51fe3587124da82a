#include "engine/write_gate.h"

#include <utility>

namespace chroma::engine {

WriteGates::Hold::Hold(WriteGates& gates, const Uuid& collection, bool exclusive,
                       const runtime::Context* ctx)
    : gates_(gates), collection_(collection), exclusive_(exclusive) {
  constexpr int64_t kLookNs = 20 * runtime::kMillisecond;
  runtime::MutexLock lock(gates_.mutex_);
  // References into the map stay valid while others insert; a gate in use is never erased.
  Gate& gate = gates_.gates_[collection_];
  int& waiting = exclusive_ ? gate.exclusive_waiting : gate.shared_waiting;
  ++waiting;
  while (IsClosed(gate)) {
    if (ctx != nullptr) status_ = ctx->Check();
    if (!status_.ok()) break;
    static_cast<void>(gates_.changed_.WaitFor(gates_.mutex_, kLookNs));
  }
  --waiting;
  if (!status_.ok()) {
    // Those who wait for this one to go first need not any more.
    gates_.Leave(collection_);
  } else if (exclusive_) {
    gate.exclusive = true;
  } else {
    ++gate.shared;
  }
}

bool WriteGates::Hold::IsClosed(const Gate& gate) const {
  if (exclusive_) return gate.exclusive || gate.shared > 0;
  // A waiting exclusive holder goes first, else a stream of appends would starve it.
  return gate.exclusive || gate.exclusive_waiting > 0;
}

WriteGates::Hold::~Hold() {
  if (!status_.ok()) return;
  runtime::MutexLock lock(gates_.mutex_);
  Gate& gate = gates_.gates_.find(collection_)->second;
  if (exclusive_) {
    gate.exclusive = false;
  } else {
    --gate.shared;
  }
  gates_.Leave(collection_);
}

void WriteGates::Leave(const Uuid& collection) {
  const auto found = gates_.find(collection);
  const Gate& gate = found->second;
  if (gate.exclusive_waiting > 0 || gate.shared_waiting > 0) {
    changed_.NotifyAll();
  } else if (gate.shared == 0 && !gate.exclusive) {
    gates_.erase(found);
  }
}

}  // namespace chroma::engine
