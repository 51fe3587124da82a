#include "runtime/random.h"

#include <sys/random.h>

#include <cerrno>

#include "base/check.h"

namespace chroma::runtime {
namespace {

// Not buffered: a buffer would be copied by fork(), and parent and child draw the same ids.
class SystemRandom final : public Random {
 public:
  uint64_t Next() override {
    uint64_t bits = 0;
    ssize_t n;
    do {
      n = getrandom(&bits, sizeof(bits), 0);
    } while (n < 0 && errno == EINTR);
    CHECK(n == sizeof(bits));  // the kernel promises up to 256 bytes whole
    return bits;
  }
};

}  // namespace

Random& Random::System() {
  static auto* const random = new SystemRandom;  // never destroyed, as the clock
  return *random;
}

}  // namespace chroma::runtime
