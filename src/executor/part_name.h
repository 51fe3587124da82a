// The part of a snapshot as a step of a trace.
#pragma once

#include <string>

#include "executor/trace.h"
#include "segment/snapshot.h"

namespace chroma::executor {

inline std::string PartName(const segment::Snapshot& snapshot, size_t part) {
  return part < snapshot.segments ? "segment " + std::to_string(part) : "log";
}

// Does nothing where the trace is null. A step that is not done by an early return has no rows.
class PartStep {
 public:
  PartStep(Trace* trace, const segment::Snapshot& snapshot, size_t part) : trace_(trace) {
    if (trace_ == nullptr) return;
    trace_->Begin(PartName(snapshot, part), snapshot.parts[part].live());
  }
  ~PartStep() {
    if (trace_ != nullptr) trace_->End(rows_);
  }
  PartStep(const PartStep&) = delete;
  PartStep& operator=(const PartStep&) = delete;

  void Done(uint64_t rows) const { rows_ = rows; }

 private:
  Trace* const trace_;
  mutable uint64_t rows_ = 0;
};

}  // namespace chroma::executor
