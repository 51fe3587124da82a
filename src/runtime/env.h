// Everything that is not a pure function of its input, in one bundle that each component is
// given: the seam that a simulation replaces. Copyable; the parts outlive every component.
#pragma once

#include "runtime/clock.h"
#include "runtime/file_system.h"
#include "runtime/random.h"
#include "runtime/scheduler.h"

namespace chroma::runtime {

struct Env {
  Clock* clock = &Clock::System();
  Random* random = &Random::System();
  Scheduler* scheduler = &Scheduler::System();
  FileSystem* files = &FileSystem::System();
};

}  // namespace chroma::runtime
