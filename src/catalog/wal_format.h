// The bytes of SQLite's write-ahead log: a header, then frames, each with a page and the running
// checksum of everything before it. https://www.sqlite.org/fileformat2.html#the_write_ahead_log
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace chroma::catalog {

inline constexpr uint32_t kWalMagic = 0x377f0682;  // lowest bit: checksums of big-endian numbers
inline constexpr size_t kWalHeaderBytes = 32;
inline constexpr size_t kWalFrameHeaderBytes = 24;

// Of four bytes that are there.
uint32_t BigEndian(BytesView bytes, size_t at);

struct WalSums {
  uint32_t s0 = 0;
  uint32_t s1 = 0;
  bool operator==(const WalSums&) const = default;
};
WalSums Extend(WalSums sums, BytesView bytes, bool big_endian);
// As they are stored at the end of a header of the log or of a frame.
WalSums StoredSums(BytesView header);

// Whether the checksum of a frame is right; `before`: the sums at the end of what is before it.
bool SumsAreRight(WalSums before, BytesView frame_header, BytesView page, bool big_endian);

}  // namespace chroma::catalog
