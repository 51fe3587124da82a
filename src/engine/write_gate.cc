#include "engine/write_gate.h"

namespace chroma::engine {

WriteGates::Hold::Hold(WriteGates& gates, const Uuid& collection, bool exclusive)
    : gates_(gates), collection_(collection), exclusive_(exclusive) {
  runtime::MutexLock lock(gates_.mutex_);
  // References into the map stay valid while others insert; a gate in use is never erased.
  Gate& gate = gates_.gates_[collection_];
  if (exclusive_) {
    ++gate.exclusive_waiting;
    while (gate.exclusive || gate.shared > 0) gates_.changed_.Wait(gates_.mutex_);
    --gate.exclusive_waiting;
    gate.exclusive = true;
  } else {
    // A waiting exclusive holder goes first, else a stream of appends would starve it.
    ++gate.shared_waiting;
    while (gate.exclusive || gate.exclusive_waiting > 0) gates_.changed_.Wait(gates_.mutex_);
    --gate.shared_waiting;
    ++gate.shared;
  }
}

WriteGates::Hold::~Hold() {
  runtime::MutexLock lock(gates_.mutex_);
  auto found = gates_.gates_.find(collection_);
  Gate& gate = found->second;
  if (exclusive_) {
    gate.exclusive = false;
  } else {
    --gate.shared;
  }
  const bool waiting = gate.exclusive_waiting > 0 || gate.shared_waiting > 0;
  if (waiting) {
    gates_.changed_.NotifyAll();
  } else if (gate.shared == 0 && !gate.exclusive) {
    gates_.gates_.erase(found);
  }
}

}  // namespace chroma::engine
