// Which rows of a part have a value. Values are stored for those rows only, in row order; a
// value's place among them is its ordinal.
//
//   u8 kind, padding to 8, u64 count, then
//     kAll     nothing: every row has a value and ordinals are rows
//     kBitmap  u64 words[ceil(rows / 64)], u32 rank before each run of 512 rows, padding to 8
//     kList    u32 rows[count], ascending, padding to 8; when fewer than one row in 32 has one
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "base/coding.h"

namespace chroma::format {

// `present` ascends, each below `rows`.
void EncodePresence(Bytes& out, std::span<const uint32_t> present, uint32_t rows);

// Does not own the bytes. Immutable; thread safe.
class PresenceReader {
 public:
  static constexpr uint32_t kAbsent = UINT32_MAX;

  static PresenceReader Read(ByteReader& in, uint32_t rows);

  uint32_t count() const { return count_; }
  bool all() const { return kind_ == Kind::kAll; }
  // kAbsent when the row has no value. row < rows.
  uint32_t Ordinal(uint32_t row) const;
  // The rows of the ordinals whose bits are set; at most one word for each 64 ordinals.
  Bitmap ToRows(std::span<const uint64_t> ordinals) const;

 private:
  friend void EncodePresence(Bytes&, std::span<const uint32_t>, uint32_t);
  enum class Kind : uint8_t { kAll = 0, kBitmap = 1, kList = 2 };

  uint64_t Word(uint64_t i) const { return LoadFixed<uint64_t>(body_ + 8 * i); }
  uint32_t ListRow(uint64_t i) const { return LoadFixed<uint32_t>(body_ + 4 * i); }
  bool CheckBitmap(uint32_t rows) const;
  bool CheckList(uint32_t rows) const;

  Kind kind_ = Kind::kAll;
  uint32_t count_ = 0;
  const char* body_ = nullptr;
  const char* ranks_ = nullptr;
};

}  // namespace chroma::format
