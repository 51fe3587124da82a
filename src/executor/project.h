// From found rows to the columns that the caller asked for.
#pragma once

#include <cstdint>
#include <vector>

#include "chroma/status.h"
#include "executor/node.h"
#include "model/record.h"
#include "segment/snapshot.h"

namespace chroma::executor {

struct RowRef {
  uint32_t part = 0;  // of the snapshot
  uint32_t row = 0;
};

// The records in the order of `rows`.
Result<Records> Project(const segment::Snapshot& snapshot, const std::vector<RowRef>& rows,
                        model::IncludeSet include);

}  // namespace chroma::executor
