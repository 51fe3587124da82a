#include "simd/code_kernels.h"

#include <cstring>

#include "simd/kernels.h"

namespace chroma::simd {
namespace {

struct Entry {
  const CodeKernels* kernels;
  bool (*supported)();
};

// Best first, named as the tables of kernels.cc are.
constexpr Entry kEntries[] = {
#if defined(__x86_64__)
    {&kAvx512CodeKernels,
     [] {
       return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
              __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
              __builtin_cpu_supports("avx512vnni") != 0;
     }},
    {&kAvx2CodeKernels,
     [] { return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0; }},
#elif defined(__aarch64__)
    {&kNeonCodeKernels, [] { return true; }},
#endif
    {&kScalarCodeKernels, [] { return true; }},
};

// The table called `name`, or the best one below it that this processor runs.
const CodeKernels* ChooseFrom(const char* name) {
  bool reached = false;
  for (const Entry& entry : kEntries) {
    reached = reached || std::strcmp(entry.kernels->name, name) == 0;
    if (reached && entry.supported()) return entry.kernels;
  }
  return &kScalarCodeKernels;
}

}  // namespace

const CodeKernels* AvailableCodeKernels(size_t index) {
  for (const Entry& entry : kEntries) {
    if (entry.supported() && index-- == 0) return entry.kernels;
  }
  return nullptr;
}

const CodeKernels& ActiveCodeKernels() {
  static const CodeKernels* const active = ChooseFrom(ActiveKernels().name);
  return *active;
}

}  // namespace chroma::simd
