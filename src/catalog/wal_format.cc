#include "catalog/wal_format.h"

namespace chroma::catalog {

uint32_t BigEndian(BytesView bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(bytes[at + i]);
  return value;
}

WalSums Extend(WalSums sums, BytesView bytes, bool big_endian) {
  for (size_t at = 0; at + 8 <= bytes.size(); at += 8) {
    uint32_t words[2];
    for (size_t w = 0; w < 2; ++w) {
      const uint32_t value = BigEndian(bytes, at + 4 * w);
      words[w] = big_endian ? value : __builtin_bswap32(value);
    }
    sums.s0 += words[0] + sums.s1;
    sums.s1 += words[1] + sums.s0;
  }
  return sums;
}

WalSums StoredSums(BytesView header) {
  return {BigEndian(header, header.size() - 8), BigEndian(header, header.size() - 4)};
}

bool SumsAreRight(WalSums before, BytesView frame_header, BytesView page, bool big_endian) {
  const WalSums sums =
      Extend(Extend(before, frame_header.substr(0, 8), big_endian), page, big_endian);
  return sums == StoredSums(frame_header);
}

}  // namespace chroma::catalog
