// Randomness, so that a simulation can replay it. Thread safe.
#pragma once

#include <cstdint>

namespace chroma::runtime {

class Random {
 public:
  virtual ~Random() = default;
  virtual uint64_t Next() = 0;  // 64 uniform bits

  static Random& System();  // from the kernel
};

}  // namespace chroma::runtime
