// Updates of damaged records, which a version carries in its manifest.
//
// An update that gives some columns of a record takes the others over from the row that it
// replaces. Where those are damaged no segment can be written that holds the record; but neither
// may the log wait until somebody mends the damage, since it would grow until writes are refused.
// So the version keeps both: the damaged row stays alive in its segment, where it is found and
// named by whoever examines that, and the update, all of them folded into one for each record, is
// applied again whenever the version is opened. It answers what it answered before, and once the
// segment was mended, or the lost columns were given anew, the next compaction merges the record
// like any other.
#pragma once

#include "base/bytes.h"
#include "segment/snapshot.h"

namespace chroma::segment {

// What Tail::ApplyCarried takes, for the unreadable rows of a snapshot; empty: there are none.
Bytes EncodeCarried(const Snapshot& snapshot);

}  // namespace chroma::segment
