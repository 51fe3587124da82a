#include "api/call_context.h"

#include <utility>

#include "runtime/test_points.h"

namespace chroma {
namespace {

thread_local const std::atomic<bool>* interrupted_here = nullptr;

}  // namespace

InterruptScope::InterruptScope(const std::atomic<bool>& interrupted)
    : outer_(std::exchange(interrupted_here, &interrupted)) {}

InterruptScope::~InterruptScope() {
  interrupted_here = outer_;
}

namespace api {

CallContext::CallContext() {
  if (!CHROMA_PLANTED_BUG("api.ignore_interrupts")) CancelWhen(interrupted_here);
}

}  // namespace api
}  // namespace chroma
