#include "compactor/compaction.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "compactor/merge.h"
#include "runtime/log.h"
#include "runtime/test_points.h"
#include "segment/carried_updates.h"
#include "segment/missing_indexes.h"

namespace chroma::compactor {
namespace {

using segment::Snapshot;
using segment::SnapshotPart;

// What goes into the new segment, and what stays as it is.
struct Split {
  std::vector<SnapshotPart> merged;
  size_t segments = 0;  // of what is merged; the rest is the tail
  std::vector<SnapshotPart> kept_parts;
  std::vector<format::ManifestSegment> kept;  // as kept_parts
};

// The segments of the snapshot, without its tail.
size_t SegmentCount(const segment::Version& version) {
  return version.parts.size();
}

// The tail's rows that are to be written out; nothing when there are none.
std::optional<SnapshotPart> WritableTail(const segment::Version& version,
                                         const Snapshot& snapshot) {
  if (snapshot.parts.size() == SegmentCount(version)) return std::nullopt;
  SnapshotPart tail = snapshot.parts.back();
  if (!snapshot.unreadable.empty()) {
    auto dead = std::make_shared<Bitmap>(*tail.dead);
    for (const segment::UnreadableRow& row : snapshot.unreadable) dead->Add(row.tail_row);
    tail.dead = std::move(dead);
  }
  if (tail.live() == 0) return std::nullopt;
  return tail;
}

// The rows of a segment that are dead in the new version: those that unreadable rows of the tail
// replace stay alive in it.
Bitmap DeadRows(const Snapshot& snapshot, size_t segment) {
  Bitmap dead = *snapshot.parts[segment].dead;
  for (const segment::UnreadableRow& row : snapshot.unreadable) {
    if (row.segment == segment) dead.Remove(row.row);
  }
  return dead;
}

bool HasUnreadable(const Snapshot& snapshot, size_t segment) {
  return std::any_of(snapshot.unreadable.begin(), snapshot.unreadable.end(),
                     [&](const segment::UnreadableRow& row) { return row.segment == segment; });
}

struct Picked {
  std::vector<bool> segments;  // those that are merged into one
  bool left_large = false;
};

uint64_t TotalBytes(const std::vector<SegmentSize>& sizes, const std::vector<size_t>& picks) {
  uint64_t total = 0;
  for (const size_t i : picks) total += sizes[i].size_bytes;
  return total;
}

// What the policy wants, within the limits. `backlog_bytes`: of the log.
Picked PickSegments(const Policy& policy, Activity activity, const segment::Version& version,
                    const Snapshot& snapshot, const Limits& limits, uint64_t backlog_bytes) {
  const size_t segments = SegmentCount(version);
  std::vector<SegmentSize> sizes;
  std::vector<size_t> places;  // of what sizes are about
  std::vector<SegmentSize> small_sizes;
  std::vector<size_t> small_places;
  for (size_t i = 0; i < segments; ++i) {
    if (limits.untouched.contains(version.manifest.segments[i].blob)) continue;
    if (HasUnreadable(snapshot, i)) continue;
    places.push_back(i);
    sizes.push_back({version.manifest.segments[i].size_bytes, snapshot.parts[i].part->rows(),
                     snapshot.parts[i].dead->Count()});
    if (sizes.back().size_bytes > limits.merge_bytes_max / policy.fan_in) continue;
    small_places.push_back(i);
    small_sizes.push_back(sizes.back());
  }
  SegmentSize tail;
  if (const auto written = WritableTail(version, snapshot)) {
    tail.rows = written->live();
    tail.size_bytes = std::max(tail.rows * snapshot.dimension * sizeof(float), backlog_bytes);
  }
  Picked picked{std::vector<bool>(segments, false)};
  std::vector<size_t> picks = PickMerge(policy, activity, sizes, tail);
  if (TotalBytes(sizes, picks) > limits.merge_bytes_max) {
    // Small segments do not pile up until the large merge has its turn.
    picked.left_large = true;
    places = std::move(small_places);
    picks = PickMerge(policy, Activity::kBusy, small_sizes, tail);
    if (TotalBytes(small_sizes, picks) > limits.merge_bytes_max) picks.clear();
  }
  for (const size_t i : picks) picked.segments[places[i]] = true;
  return picked;
}

Split SplitParts(const segment::Version& version, const Snapshot& snapshot,
                 const std::vector<bool>& picked) {
  Split split;
  for (size_t i = 0; i < SegmentCount(version); ++i) {
    const SnapshotPart& part = snapshot.parts[i];
    if (picked[i]) {
      split.merged.push_back(part);
      ++split.segments;
    } else if (part.live() > 0 || HasUnreadable(snapshot, i)) {
      format::ManifestSegment kept = version.manifest.segments[i];
      if (!CHROMA_PLANTED_BUG("compactor.drop_tombstones")) kept.deleted = DeadRows(snapshot, i);
      split.kept.push_back(std::move(kept));
      split.kept_parts.push_back(part);
    }
  }
  if (auto tail = WritableTail(version, snapshot)) split.merged.push_back(*std::move(tail));
  return split;
}

bool HasWork(const Split& split, const segment::Version& version, const Snapshot& snapshot) {
  return snapshot.log_end > version.manifest.log_offset || !split.merged.empty() ||
         split.kept.size() != version.manifest.segments.size() ||
         (snapshot.unreadable.empty() && !version.manifest.carried.empty());
}

// The updates that no segment can hold. They are in memory whenever the collection is: a log that
// grows until writes are refused is better than more of them.
Result<Bytes> CarriedUpdates(const segment::Version& version, const Snapshot& snapshot,
                             uint64_t bytes_max) {
  Bytes carried = segment::EncodeCarried(snapshot);
  const std::string records = std::to_string(snapshot.unreadable.size()) + " damaged records";
  if (carried.size() > bytes_max) {
    return Status::DataLoss("the updates of " + records +
                            " are too many to be kept; run chroma "
                            "doctor");
  }
  if (!carried.empty() && carried != version.manifest.carried) {
    runtime::Log(
        runtime::LogLevel::kError,
        "records are damaged and not merged, nor is the rest of their segments; run chroma "
        "doctor",
        {{"collection", version.manifest.collection.ToString()},
         {"records", snapshot.unreadable.size()}});
  }
  return carried;
}

}  // namespace

Result<Outcome> Compact(runtime::Context& ctx, const Seams& seams, const Policy& policy,
                        const Uuid& id, Activity activity, const Limits& limits) {
  CHROMA_ASSIGN(model::Collection collection, seams.catalog->GetCollectionById(ctx, id));
  const segment::VersionRef ref{id, collection.version, collection.manifest, collection.log_offset};
  Result<std::shared_ptr<segment::LiveCollection>> opened = OpenPublished(ctx, seams, ref);
  if (!opened.ok()) return IfStillThere(ctx, seams, id, opened.status());
  const std::shared_ptr<segment::LiveCollection> live = *std::move(opened);
  Result<std::shared_ptr<const Snapshot>> read = live->ReadDurable(ctx);
  if (!read.ok()) return IfStillThere(ctx, seams, id, read.status());
  const std::shared_ptr<const Snapshot> snapshot = *std::move(read);
  std::shared_ptr<const segment::Version> version = live->version();
  // The schema as of what the snapshot has, or newer: keys that were removed after a fill was asked
  // for are in the snapshot as such, and are not to be lost sight of by a merge without that fill.
  CHROMA_ASSIGN(collection, seams.catalog->GetCollectionById(ctx, id));
  if (snapshot->version != collection.version || version->manifest.version != collection.version) {
    return Status::Aborted("collection " + id.ToString() + " was compacted by somebody else");
  }
  const Picked picked =
      PickSegments(policy, activity, *version, *snapshot, limits, seams.log->BacklogBytes(id));
  Split split = SplitParts(*version, *snapshot, picked.segments);
  if (!HasWork(split, *version, *snapshot)) {
    // An earlier compaction may have failed between publishing and trimming.
    seams.on_published(id);
    CHROMA_TRY(GiveSpaceBack(ctx, seams, id, collection.log_offset, {}));
    return Outcome{false, IsSettled(policy, version->manifest), picked.left_large};
  }

  const int64_t begin_ns = seams.env.clock->MonotonicNs();
  format::Manifest manifest;
  manifest.collection = id;
  manifest.version = collection.version + 1;
  manifest.log_offset = snapshot->log_end;
  manifest.dimension = snapshot->dimension;
  manifest.operations = snapshot->indexed_operations + snapshot->tail_operations;
  CHROMA_ASSIGN(const std::vector<segment::LoggedRequest> folded,
                live->RequestsBelow(snapshot->log_end));
  segment::FoldRequests(version->manifest, folded, begin_ns, &manifest);
  CHROMA_ASSIGN(manifest.carried, CarriedUpdates(*version, *snapshot, policy.tail_bytes_max));
  const auto merge = [&] {
    return MergeParts(ctx, *seams.store, NewBlobName(*seams.env.random, id, "segment"),
                      snapshot->dimension, split.merged, &collection.schema, policy.index.rows_min);
  };
  Result<std::optional<format::ManifestSegment>> made = merge();
  const StatusCode failed = made.status().code();
  const bool damaged = failed == StatusCode::kDataLoss;
  if ((damaged || failed == StatusCode::kResourceExhausted) && snapshot->tail_operations > 0 &&
      split.segments > 0) {
    // A segment that is damaged, or too large for what the disk has room for, stays as it is: the
    // log is drained all the same, so that writes go on.
    runtime::Log(runtime::LogLevel::kError,
                 damaged ? "a segment is damaged and not merged; run chroma doctor"
                         : "segments are not merged: there is no room for it",
                 {{"collection", id.ToString()}, {"error", made.status().message()}});
    split = SplitParts(*version, *snapshot, std::vector<bool>(SegmentCount(*version), false));
    made = merge();
  }
  CHROMA_ASSIGN(std::optional<format::ManifestSegment> merged, std::move(made));
  manifest.segments = std::move(split.kept);
  std::vector<std::string> written;
  bool indexed = true;
  for (const format::ManifestSegment& kept : manifest.segments) {
    indexed &= kept.rows < policy.index.rows_min || !kept.indexes.empty();
  }
  for (const SnapshotPart& kept : split.kept_parts) {
    indexed &= !segment::MissesIndexes(*kept.part, collection.schema);
  }
  if (merged) {
    manifest.segments.push_back(*merged);
    written.push_back(merged->blob);
    indexed &= merged->rows < policy.index.rows_min;
  }
  const bool settled = IsSettled(policy, manifest) && indexed;
  CHROMA_TEST_POINT("compactor.segment_written");
  if (CHROMA_PLANTED_BUG("compactor.trim_before_publish")) {
    CHROMA_TRY(seams.log->Trim(ctx, id, manifest.log_offset));
  }
  CHROMA_ASSIGN(const segment::VersionRef published,
                Publish(ctx, seams, collection, manifest, settled, std::move(written)));
  CHROMA_TEST_POINT("compactor.version_published");
  if (Status status = OpenPublished(ctx, seams, published).status(); !status.ok()) {
    return IfStillThere(ctx, seams, id, std::move(status));
  }
  seams.on_published(id);
  runtime::Log(runtime::LogLevel::kDebug, "collection compacted",
               {{"collection", id.ToString()},
                {"version", manifest.version},
                {"merged_parts", split.merged.size()},
                {"rows", merged ? merged->rows : 0},
                {"segments", manifest.segments.size()},
                {"ms", (seams.env.clock->MonotonicNs() - begin_ns) / runtime::kMillisecond}});
  CHROMA_TRY(GiveSpaceBack(ctx, seams, id, manifest.log_offset,
                           Replaced(collection, version->manifest, manifest)));
  CHROMA_TEST_POINT("compactor.space_given_back");
  return Outcome{true, IsSettled(policy, manifest), picked.left_large};
}

}  // namespace chroma::compactor
