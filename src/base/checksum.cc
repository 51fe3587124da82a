#include "base/checksum.h"

#include <xxhash.h>

namespace chroma {

uint64_t Checksum(BytesView bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

uint64_t Hash64(BytesView bytes) {
  return Checksum(bytes);
}

}  // namespace chroma
