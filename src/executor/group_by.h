// The best few records of every group (semantics.md §2.4).
#pragma once

#include <vector>

#include "base/top_k.h"
#include "chroma/status.h"
#include "model/search.h"
#include "runtime/context.h"
#include "segment/snapshot.h"

namespace chroma::executor {

// How many keys of every row KeepBestOfGroups reads.
uint64_t GroupKeysRead(const model::GroupBy& group_by);

// Drops from `rows`, in any order, with their scores as distances, all but the best
// `aggregate->k` of every group. What is left is in no order.
Status KeepBestOfGroups(runtime::Context& ctx, const segment::Snapshot& snapshot,
                        const model::GroupBy& group_by, std::vector<Neighbor>* rows);

}  // namespace chroma::executor
