// What a forked child must not keep of its parent. A fork copies one thread, all memory and all
// descriptors: locks of other threads stay locked for ever, and a socket or a lock file that the
// child still holds outlives the parent's death. So:
//
//   NoFork           while one lives, fork() in other threads waits; for state of the process that
//                    a child will use again and must not find half changed
//   CloseInChild     descriptors that are closed in every forked child
//   OnForkedChild    callbacks in the child, before fork() returns there
//
// Children made by exec or posix_spawn are of no concern: every descriptor is O_CLOEXEC.
#pragma once

#include <cstdint>
#include <functional>

namespace chroma::runtime {

// Nests. Never wait inside one for a thread that may be about to make its first: take it before
// any lock that such a thread may hold.
class NoFork {
 public:
  NoFork();
  ~NoFork();
  NoFork(const NoFork&) = delete;
  NoFork& operator=(const NoFork&) = delete;
};

// Call it inside the NoFork in which `fd` was opened. Forget it inside the one in which it is
// closed: the number may be somebody else's right after.
void CloseInChild(int fd);
void ForgetDescriptor(int fd);

// `callback` runs in the child, whose only thread it is, while no NoFork exists: what is locked
// inside NoForks only is free. Not to be called from a callback.
uint64_t OnForkedChild(std::function<void()> callback);
void CancelOnForkedChild(uint64_t registration);

}  // namespace chroma::runtime
