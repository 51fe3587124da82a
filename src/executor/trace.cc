#include "executor/trace.h"

#include <utility>

namespace chroma::executor {

std::vector<Step>& Trace::Innermost(size_t depth) {
  std::vector<Step>* level = &steps_;
  for (size_t i = 0; i < depth; ++i) level = &level->back().steps;
  return *level;
}

void Trace::Begin(std::string what, uint64_t rows_in, std::optional<double> estimate) {
  Step& step = Innermost(open_.size()).emplace_back();
  step.what = std::move(what);
  step.rows_in = rows_in;
  step.estimate = estimate;
  open_.push_back({clock_.MonotonicNs(), paused_ns_});
}

void Trace::How(std::string how) {
  if (!open_.empty()) Innermost(open_.size() - 1).back().how = std::move(how);
}

void Trace::End(uint64_t rows_out) {
  const Open began = open_.back();
  open_.pop_back();
  Step& step = Innermost(open_.size()).back();
  step.rows_out = rows_out;
  step.ns = clock_.MonotonicNs() - began.began_ns - (paused_ns_ - began.paused_ns);
}

}  // namespace chroma::executor
