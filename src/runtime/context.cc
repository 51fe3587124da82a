#include "runtime/context.h"

namespace chroma::runtime {

Status Context::Check() const {
  if (cancelled_.load(std::memory_order_relaxed)) {
    return Status::Cancelled("the caller gave up on the request");
  }
  if (deadline_ns_ != kNoDeadline && clock_.MonotonicNs() >= deadline_ns_) {
    return Status::DeadlineExceeded("the request took longer than its deadline");
  }
  return Status::Ok();
}

}  // namespace chroma::runtime
