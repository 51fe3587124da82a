// How much memory this process has, and how much there is.
#pragma once

#include <cstdint>

namespace chroma::runtime {

// What is resident now, mapped files included; 0 where the system does not tell.
uint64_t ResidentBytes();

// The machine's memory, or less where this process is limited to that (control groups).
uint64_t MachineMemoryBytes();

// Gives what was freed and is still held for later back to the system, where the allocator keeps it
// until asked (glibc's, in programs that embed the engine). Worth some milliseconds after work that
// took much memory.
void ReleaseFreedMemory();

}  // namespace chroma::runtime
