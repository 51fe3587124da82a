#include "runtime/context.h"

namespace chroma::runtime {

Status Context::Check() const {
  if (cancelled_.load(std::memory_order_relaxed) ||
      (cancel_flag_ != nullptr && cancel_flag_->load(std::memory_order_relaxed))) {
    return Status::Cancelled("the caller gave up on the request");
  }
  if (deadline_ns_ != kNoDeadline && clock_.MonotonicNs() >= deadline_ns_) {
    return Status::DeadlineExceeded("the request took longer than its deadline");
  }
  return Status::Ok();
}

Status Context::CheckMayWait() const {
  if (!at_once_) return Status::Ok();
  return Status::Unavailable("the request cannot be answered at once");
}

Status Context::ReserveAnswer(uint64_t bytes) {
  if (answers_ == nullptr) return Status::Ok();
  if (!answers_->TryTakeMore(bytes, reserved_bytes_)) {
    return Status::Unavailable(
        "The answers under way leave no memory for this one; try again later, or ask for less with "
        "limit, n_results or include");
  }
  reserved_bytes_ += bytes;
  return Status::Ok();
}

}  // namespace chroma::runtime
