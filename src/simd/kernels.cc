#include "simd/kernels.h"

#include <cstdlib>
#include <cstring>
#include <initializer_list>

namespace chroma::simd {
namespace {

struct Entry {
  const Kernels* kernels;
  bool (*supported)();
};

// Best first.
constexpr Entry kEntries[] = {
#if defined(__x86_64__)
    {&kAvx512Kernels, [] { return __builtin_cpu_supports("avx512f") != 0; }},
    {&kAvx2Kernels,
     [] { return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0; }},
#elif defined(__aarch64__)
    {&kNeonKernels, [] { return true; }},
#endif
    {&kScalarKernels, [] { return true; }},
};

const Choice& ActiveChoice() {
  static const Choice choice = ChooseKernels(std::getenv("CHROMA_SIMD"));
  return choice;
}

}  // namespace

const Kernels* AvailableKernels(size_t index) {
  for (const Entry& entry : kEntries) {
    if (entry.supported() && index-- == 0) return entry.kernels;
  }
  return nullptr;
}

Choice ChooseKernels(const char* wanted) {
  if (wanted == nullptr || *wanted == '\0') return {AvailableKernels(0), ""};
  for (size_t i = 0; const Kernels* kernels = AvailableKernels(i); ++i) {
    if (std::strcmp(kernels->name, wanted) == 0) return {kernels, ""};
  }
  for (const char* known : {"scalar", "avx2", "avx512", "neon"}) {
    if (std::strcmp(known, wanted) == 0) {
      return {AvailableKernels(0),
              "CHROMA_SIMD names an instruction set that this processor lacks; using its best one"};
    }
  }
  return {AvailableKernels(0),
          "CHROMA_SIMD is not one of scalar, avx2, avx512, neon; using the processor's best one"};
}

const Kernels& ActiveKernels() {
  return *ActiveChoice().kernels;
}

const char* ActiveKernelsNote() {
  return ActiveChoice().note;
}

}  // namespace chroma::simd
