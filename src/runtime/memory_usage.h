// How much memory this process has, and how much there is.
#pragma once

#include <cstdint>

namespace chroma::runtime {

// What is resident now, mapped files included; 0 where the system does not tell.
uint64_t ResidentBytes();

// The machine's memory, or less where this process is limited to that (control groups).
uint64_t MachineMemoryBytes();

}  // namespace chroma::runtime
