// The checksum of everything at rest: 64-bit XXH3.
#pragma once

#include "base/bytes.h"

namespace chroma {

uint64_t Checksum(BytesView bytes);
// For hash tables and hash indexes on disk; the same function, named for its other use.
uint64_t Hash64(BytesView bytes);

}  // namespace chroma
