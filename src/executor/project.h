// From found rows to the columns that the caller asked for.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
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

// Called with the records as far as they are there, and the places among them that were filled
// since the last call. A failure ends the projection.
using NoteProjected = std::function<Status(const Records&, std::span<const size_t> places)>;

// The records in the order of `rows`. A thousand at a time are read, each time followed by `note`.
Result<Records> Project(const segment::Snapshot& snapshot, const std::vector<RowRef>& rows,
                        model::IncludeSet include, const NoteProjected& note);

}  // namespace chroma::executor
