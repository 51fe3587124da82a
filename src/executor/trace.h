// What running a plan did, step by step: for explaining it. Steps are taken by the code that
// answers requests itself; without a trace it pays for a comparison with null.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/clock.h"

namespace chroma::executor {

struct Step {
  std::string what;                // the condition or the action, in the words of requests
  std::string how;                 // what answered it
  std::optional<double> estimate;  // of rows_out, made before it ran
  uint64_t rows_in = 0;
  uint64_t rows_out = 0;
  int64_t ns = 0;
  std::vector<Step> steps;  // within it, in the order in which they ran
};

// One task at a time.
class Trace {
 public:
  explicit Trace(runtime::Clock& clock) : clock_(clock) {}
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;

  // A step within the one that is open.
  void Begin(std::string what, uint64_t rows_in = 0, std::optional<double> estimate = std::nullopt);
  // Of the open step.
  void How(std::string how);
  void End(uint64_t rows_out);
  // Time from now to the matching Resume is no step's: it is spent on the trace.
  void Pause() { paused_since_ns_ = clock_.MonotonicNs(); }
  void Resume() { paused_ns_ += clock_.MonotonicNs() - paused_since_ns_; }
  // All steps; none is open.
  std::vector<Step> Take() { return std::move(steps_); }

 private:
  struct Open {
    int64_t began_ns;
    int64_t paused_ns;
  };
  // The steps within the innermost open one.
  std::vector<Step>& Innermost(size_t depth);

  runtime::Clock& clock_;
  std::vector<Step> steps_;
  std::vector<Open> open_;  // the last of its level each
  int64_t paused_since_ns_ = 0;
  int64_t paused_ns_ = 0;
};

}  // namespace chroma::executor
