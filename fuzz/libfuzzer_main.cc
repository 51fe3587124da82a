#include <cstddef>
#include <cstdint>

#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t n) {
  chroma::fuzz::Run({reinterpret_cast<const char*>(bytes), n});
  return 0;
}
