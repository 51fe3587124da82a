// What AddressSanitizer has to be told when a thread changes its stack.
#pragma once

#include <cstddef>

#if defined(CHROMA_ADDRESS_SANITIZER)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace chroma::testing {

#if defined(CHROMA_ADDRESS_SANITIZER)
inline constexpr bool kSanitized = true;
// Frames of a fiber that ended on it are forgotten.
inline void UnpoisonStack(void* lowest, size_t bytes) {
  __asan_unpoison_memory_region(lowest, bytes);
}
// `*left`: where what is known of the present stack is kept; null when it is left for good.
inline void BeginSwitch(void** left, const void* lowest, size_t bytes) {
  __sanitizer_start_switch_fiber(left, lowest, bytes);
}
// On the new stack; `kept` is what leaving it stored, null the first time.
inline void EndSwitch(void* kept, const void** from_lowest, size_t* from_bytes) {
  __sanitizer_finish_switch_fiber(kept, from_lowest, from_bytes);
}
#else
inline constexpr bool kSanitized = false;
inline void UnpoisonStack(void*, size_t) {}
inline void BeginSwitch(void**, const void*, size_t) {}
inline void EndSwitch(void*, const void**, size_t*) {}
#endif

}  // namespace chroma::testing
