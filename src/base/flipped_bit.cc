#include "base/flipped_bit.h"

#include "base/checksum.h"

namespace chroma {

bool FlipBack(Bytes& bytes, const std::function<bool(BytesView)>& is_right) {
  if (bytes.size() > kFlippedBitBytesMax) return false;
  for (char& byte : bytes) {
    for (int bit = 0; bit < 8; ++bit) {
      byte = static_cast<char>(byte ^ (1 << bit));
      if (is_right(bytes)) return true;
      byte = static_cast<char>(byte ^ (1 << bit));
    }
  }
  return false;
}

bool FlipBack(Bytes& bytes, uint64_t checksum) {
  return FlipBack(bytes, [&](BytesView tried) { return Checksum(tried) == checksum; });
}

}  // namespace chroma
