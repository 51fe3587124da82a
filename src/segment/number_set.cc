#include "segment/number_set.h"

#include <algorithm>
#include <array>
#include <bit>

#include "runtime/random.h"

namespace chroma::segment {

NumberHash::NumberHash() {
  // Odd, so that no multiplier is 0. Replays need not agree on them: no result depends on a hash.
  static const std::array<uint64_t, 4> secrets = [] {
    std::array<uint64_t, 4> drawn;
    for (uint64_t& secret : drawn) secret = runtime::Random::System().Next() | 1;
    return drawn;
  }();
  std::copy(secrets.begin(), secrets.end(), secrets_);
}

size_t NumberHash::operator()(double number) const {
  return (*this)(std::bit_cast<uint64_t>(number + 0.0));
}

NumberSet::NumberSet(size_t count)
    : mask_(std::bit_ceil(count * 2 + 2) - 1), slots_(mask_ + 1, kFree) {}

}  // namespace chroma::segment
