// CHECK: aborts, with the place and the condition, when an invariant of the program is broken.
// For bugs only: bytes from disk, network or a user must never reach a CHECK (see status.h).
// CHECK stays on in release builds; DCHECK, for costly conditions, does not.
#pragma once

namespace chroma {
[[noreturn]] void CheckFailed(const char* condition, const char* file, int line);
}  // namespace chroma

#define CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::chroma::CheckFailed(#condition, __FILE__, __LINE__))
#ifdef NDEBUG
#define DCHECK(condition) static_cast<void>(0)
#else
#define DCHECK(condition) CHECK(condition)
#endif
