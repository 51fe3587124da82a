// A graph over coded rows: from every row edges lead to some of its near ones, chosen so that a
// greedy walk from anywhere finds the nearest rows of any query.
#pragma once

#include <bit>
#include <cstdint>

#include "index/vector/row_codes.h"

namespace chroma::index {

// Edges of one row: as many as one scan of neighbour codes takes.
constexpr uint32_t kDegree = simd::kCodeLanes;
constexpr uint32_t kNoRow = UINT32_MAX;

// Looks at bytes before they are used for the first time. Thread safe.
class RowGuard {
 public:
  virtual ~RowGuard() = default;
  // Of a row's code, and its edges. False: they are damaged.
  virtual bool CheckHigh(uint32_t row) const = 0;
  virtual bool CheckLow(uint32_t row) const = 0;
  virtual bool CheckEdges(uint32_t row) const = 0;
};

// kDegree row numbers for each row, `bits` each, the lowest bits first. A number of ones only:
// none, and none after it. A view.
struct Edges {
  const uint8_t* bytes = nullptr;
  uint32_t bits = 32;

  static Edges Of(const uint32_t* neighbors) {
    return {reinterpret_cast<const uint8_t*>(neighbors), 32};
  }
  // The fewest bits that tell n rows, and none, apart.
  static uint32_t BitsFor(uint32_t n) { return static_cast<uint32_t>(std::bit_width(n)); }
  // Of one row.
  static uint32_t Bytes(uint32_t bits) { return bits * kDegree / 8; }

  // kDegree numbers; kNoRow where there is none.
  void Read(uint32_t row, uint32_t* out) const;
  void Prefetch(uint32_t row) const {
    const uint8_t* begin = bytes + size_t{row} * Bytes(bits);
    for (uint32_t at = 0; at < Bytes(bits); at += 64) __builtin_prefetch(begin + at);
  }
};

// Edges::bytes of one row from its kDegree numbers.
void PackEdges(const uint32_t* neighbors, uint32_t bits, uint8_t* out);

// A view: the memory belongs to a segment or a builder.
struct Graph {
  RowCodes rows;
  Edges edges;
  uint32_t entry = kNoRow;          // where walks begin; kNoRow: no row has a code
  const RowGuard* guard = nullptr;  // null: codes and edges are what was written

  bool CheckHigh(uint32_t row) const { return guard == nullptr || guard->CheckHigh(row); }
  bool CheckLow(uint32_t row) const { return guard == nullptr || guard->CheckLow(row); }
  bool CheckCode(uint32_t row) const { return CheckHigh(row) && CheckLow(row); }
  bool CheckEdges(uint32_t row) const { return guard == nullptr || guard->CheckEdges(row); }
};

}  // namespace chroma::index
