// id → row: a hash table with open addressing and linear probing over Hash64 of the id.
//
//   u64 slots, u32 rows[slots] (kEmptySlot: free), u8 tags[slots], padding to 8
//
// The home slot of a hash h is floor(h * slots / 2^64), the tag its low byte; a tag saves most
// comparisons with ids that only share a probe sequence. At most 0.7 of the slots are taken.
// When rows share an id, the table names the last of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/coding.h"
#include "format/string_column.h"

namespace chroma::format {

void EncodeIdIndex(Bytes& out, const StringWriter& ids);

// Does not own the bytes. Immutable; thread safe.
class IdIndexReader {
 public:
  static IdIndexReader Read(ByteReader& in, uint32_t rows);
  // `ids` are the ids of the same part.
  std::optional<uint32_t> Find(const StringReader& ids, std::string_view id) const;

 private:
  uint64_t slots_ = 0;
  const char* rows_ = nullptr;
  const char* tags_ = nullptr;
};

}  // namespace chroma::format
