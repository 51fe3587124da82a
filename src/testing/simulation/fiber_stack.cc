#include "testing/simulation/fiber_stack.h"

#include <sys/mman.h>

#include "base/check.h"
#include "testing/simulation/sanitizer.h"

namespace chroma::testing {
namespace {

constexpr size_t kGuardBytes = 4096;
constexpr size_t kStackBytes = kSanitized ? 2 << 20 : 512 << 10;  // SQLite and RE2 need most

}  // namespace

FiberStacks::~FiberStacks() {
  for (void* stack : free_) munmap(stack, kGuardBytes + kStackBytes);
}

boost::context::stack_context FiberStacks::Take() {
  void* lowest;
  if (!free_.empty()) {
    lowest = free_.back();
    free_.pop_back();
  } else {
    lowest = mmap(nullptr, kGuardBytes + kStackBytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(lowest != MAP_FAILED);
    CHECK(mprotect(lowest, kGuardBytes, PROT_NONE) == 0);
  }
  UnpoisonStack(static_cast<char*>(lowest) + kGuardBytes, kStackBytes);
  boost::context::stack_context stack;
  stack.size = kStackBytes;
  stack.sp = static_cast<char*>(lowest) + kGuardBytes + kStackBytes;  // grows downward
  return stack;
}

void FiberStacks::GiveBack(boost::context::stack_context& stack) {
  free_.push_back(static_cast<char*>(stack.sp) - kStackBytes - kGuardBytes);
}

}  // namespace chroma::testing
