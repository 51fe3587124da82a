// One compaction of one collection: the tail of its log, and the segments that the policy picks,
// become one new segment of a new version.
//
//   snapshot ─► pick ─► write segment ─► write manifest ─► catalog swap ─► node advances
//                                                          ─► log trimmed ─► old blobs deleted
//
// Every step leaves a state that a crash may follow: blobs that no version names are swept at
// the next start, and a log that is longer than needed is only trimmed later.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "catalog/catalog.h"
#include "chroma/status.h"
#include "compactor/policy.h"
#include "executor/local_node.h"
#include "log/log.h"
#include "runtime/context.h"
#include "runtime/env.h"
#include "segment/live_collection.h"
#include "store/blob_store.h"

namespace chroma::compactor {

// What a compaction works on. All outlive it.
struct Seams {
  runtime::Env env;
  catalog::Catalog* catalog;
  log::Log* log;
  store::BlobStore* store;
  executor::LocalNode* node;
  // Called when a version was published and before what it replaced is trimmed and deleted.
  std::function<void(const Uuid& collection)> on_published;
};

struct Outcome {
  bool published = false;
  bool settled = false;  // one segment at most, no dead rows, no tail: nothing is left to do
};

// kNotFound when the collection is gone; kAborted when somebody else published meanwhile.
Result<Outcome> Compact(runtime::Context& ctx, const Seams& seams, const Policy& policy,
                        const Uuid& collection, Activity activity);

}  // namespace chroma::compactor
