// From found rows to the columns that the caller asked for.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "chroma/status.h"
#include "executor/node.h"
#include "model/record.h"
#include "runtime/thread_pool.h"
#include "segment/snapshot.h"

namespace chroma::executor {

struct RowRef {
  uint32_t part = 0;  // of the snapshot
  uint32_t row = 0;
};

// Where a record goes.
struct Place {
  uint32_t list = 0;  // of those asked for
  uint32_t at = 0;    // in it
};

// Called with the lists as far as they are there, and the places in them that were filled since the
// last call; by one thread at a time. A failure ends the projection.
using NoteProjected = std::function<Status(std::span<const Records>, std::span<const Place>)>;

// The records of each list in the order of its rows. A thousand at a time are read, in the order of
// the parts, each time followed by `note`; more than that on all threads of `pool`, which may be
// null.
Result<std::vector<Records>> Project(const segment::Snapshot& snapshot,
                                     std::span<const std::vector<RowRef>> lists,
                                     model::IncludeSet include, const NoteProjected& note,
                                     runtime::ThreadPool* pool);

}  // namespace chroma::executor
