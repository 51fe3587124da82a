// A graph over coded rows: from every row edges lead to some of its near ones, chosen so that a
// greedy walk from anywhere finds the nearest rows of any query.
#pragma once

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
  // False: they are damaged.
  virtual bool CheckCode(uint32_t row) const = 0;
  virtual bool CheckEdges(uint32_t row) const = 0;
};

// A view: the memory belongs to a segment or a builder.
struct Graph {
  RowCodes rows;
  const uint32_t* neighbors = nullptr;  // kDegree for each row; kNoRow fills what is not used
  uint32_t entry = kNoRow;              // where walks begin; kNoRow: no row has a code
  const RowGuard* guard = nullptr;      // null: codes and edges are what was written

  bool CheckCode(uint32_t row) const { return guard == nullptr || guard->CheckCode(row); }
  bool CheckEdges(uint32_t row) const { return guard == nullptr || guard->CheckEdges(row); }
  const uint32_t* Neighbors(uint32_t row) const { return neighbors + size_t{row} * kDegree; }
};

}  // namespace chroma::index
