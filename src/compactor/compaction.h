// One compaction of one collection: the tail of its log, and the segments that the policy picks,
// become one new segment of a new version.
//
//   snapshot ─► pick ─► write segment ─► write manifest ─► catalog swap ─► node advances
//                                                          ─► log trimmed ─► old blobs deleted
//
// Updates of damaged records stay beside the segments: segment/carried_updates.h.
//
// Every step leaves a state that a crash may follow: blobs that no version names are swept at
// the next start, and a log that is longer than needed is only trimmed later.
#pragma once

#include <functional>
#include <set>
#include <string>

#include "base/uuid.h"
#include "chroma/status.h"
#include "compactor/policy.h"
#include "compactor/publish.h"
#include "runtime/context.h"

namespace chroma::compactor {

struct Outcome {
  bool published = false;
  bool settled = false;     // no tail, and IsSettled: nothing is left to be merged
  bool left_large = false;  // a merge that the policy wants was left out: see Limits
};

struct Limits {
  std::set<std::string> untouched;        // segments that are not to be merged now
  uint64_t merge_bytes_max = UINT64_MAX;  // of segments that are merged; the tail always goes
};

// kNotFound when the collection is gone; kAborted when somebody else published meanwhile.
Result<Outcome> Compact(runtime::Context& ctx, const Seams& seams, const Policy& policy,
                        const Uuid& collection, Activity activity, const Limits& limits = {});

}  // namespace chroma::compactor
