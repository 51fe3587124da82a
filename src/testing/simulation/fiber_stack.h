// Stacks of fibers, with a page below each that may not be touched; used again and again, since
// a simulation starts thousands of fibers a second. For one thread.
#pragma once

#include <boost/context/stack_context.hpp>
#include <cstddef>
#include <vector>

namespace chroma::testing {

class FiberStacks {
 public:
  FiberStacks() = default;
  ~FiberStacks();
  FiberStacks(const FiberStacks&) = delete;
  FiberStacks& operator=(const FiberStacks&) = delete;

  boost::context::stack_context Take();
  void GiveBack(boost::context::stack_context& stack);

  // Boost.Context's stack allocator over one pool.
  class Allocator {
   public:
    explicit Allocator(FiberStacks& stacks) : stacks_(&stacks) {}
    boost::context::stack_context allocate() { return stacks_->Take(); }
    void deallocate(boost::context::stack_context& stack) { stacks_->GiveBack(stack); }

   private:
    FiberStacks* stacks_;
  };

 private:
  std::vector<void*> free_;  // lowest addresses, guard page included
};

}  // namespace chroma::testing
