// Undoing the commonest decay of bytes at rest: one bit that flipped. A checksum of 64 bits cannot
// say which one it was, but it says when the right one is flipped back.
#pragma once

#include <cstdint>
#include <functional>

#include "base/bytes.h"

namespace chroma {

// Trying n bytes costs n * 8 checksums of n bytes: about a second at this size.
inline constexpr size_t kFlippedBitBytesMax = 32 << 10;

// Flips the one bit of `bytes` with which `is_right` accepts them, and returns true; leaves them as
// they are when there is no such bit, or when they are longer than the maximum.
bool FlipBack(Bytes& bytes, const std::function<bool(BytesView)>& is_right);
// The same, right being that they have the checksum.
bool FlipBack(Bytes& bytes, uint64_t checksum);

}  // namespace chroma
