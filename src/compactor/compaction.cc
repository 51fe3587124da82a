#include "compactor/compaction.h"

#include <memory>
#include <utility>

#include "compactor/merge.h"
#include "runtime/log.h"
#include "runtime/test_points.h"
#include "segment/missing_indexes.h"

namespace chroma::compactor {
namespace {

using segment::Snapshot;
using segment::SnapshotPart;

// What goes into the new segment, and what stays as it is.
struct Split {
  std::vector<SnapshotPart> merged;
  std::vector<SnapshotPart> kept_parts;
  std::vector<format::ManifestSegment> kept;  // as kept_parts
};

// The segments of the snapshot, without its tail.
size_t SegmentCount(const segment::Version& version) {
  return version.parts.size();
}

// What the policy wants to be merged into one.
std::vector<bool> PickSegments(const Policy& policy, Activity activity,
                               const segment::Version& version, const Snapshot& snapshot,
                               const std::set<std::string>& untouched) {
  const size_t segments = SegmentCount(version);
  std::vector<SegmentSize> sizes;
  std::vector<size_t> places;  // of what sizes are about
  for (size_t i = 0; i < segments; ++i) {
    if (untouched.contains(version.manifest.segments[i].blob)) continue;
    places.push_back(i);
    sizes.push_back({version.manifest.segments[i].size_bytes, snapshot.parts[i].part->rows(),
                     snapshot.parts[i].dead->Count()});
  }
  uint64_t tail_bytes = 0;
  if (snapshot.parts.size() > segments) {
    tail_bytes = snapshot.parts.back().live() * snapshot.dimension * sizeof(float);
  }
  std::vector<bool> picked(segments, false);
  for (size_t i : PickMerge(policy, activity, sizes, tail_bytes)) picked[places[i]] = true;
  return picked;
}

Split SplitParts(const segment::Version& version, const Snapshot& snapshot,
                 const std::vector<bool>& picked) {
  const size_t segments = SegmentCount(version);
  Split split;
  for (size_t i = 0; i < segments; ++i) {
    const SnapshotPart& part = snapshot.parts[i];
    if (picked[i]) {
      split.merged.push_back(part);
    } else if (part.live() > 0) {
      format::ManifestSegment kept = version.manifest.segments[i];
      if (!CHROMA_PLANTED_BUG("compactor.drop_tombstones")) kept.deleted = *part.dead;
      split.kept.push_back(std::move(kept));
      split.kept_parts.push_back(part);
    }
  }
  if (snapshot.parts.size() > segments) split.merged.push_back(snapshot.parts.back());
  return split;
}

bool HasWork(const Split& split, const segment::Version& version, const Snapshot& snapshot) {
  return snapshot.log_end > version.manifest.log_offset || !split.merged.empty() ||
         split.kept.size() != version.manifest.segments.size();
}

bool IsSettled(const format::Manifest& manifest) {
  if (manifest.segments.size() > 1) return false;
  return manifest.segments.empty() || manifest.segments[0].deleted.Empty();
}

}  // namespace

Result<Outcome> Compact(runtime::Context& ctx, const Seams& seams, const Policy& policy,
                        const Uuid& id, Activity activity, const std::set<std::string>& untouched) {
  CHROMA_ASSIGN(model::Collection collection, seams.catalog->GetCollectionById(ctx, id));
  const segment::VersionRef ref{id, collection.version, collection.manifest, collection.log_offset};
  Result<std::shared_ptr<segment::LiveCollection>> opened = OpenPublished(ctx, seams, ref);
  if (!opened.ok()) return IfStillThere(ctx, seams, id, opened.status());
  const std::shared_ptr<segment::LiveCollection> live = *std::move(opened);
  Result<std::shared_ptr<const Snapshot>> read = live->Read(ctx);
  if (!read.ok()) return IfStillThere(ctx, seams, id, read.status());
  const std::shared_ptr<const Snapshot> snapshot = *std::move(read);
  std::shared_ptr<const segment::Version> version = live->version();
  if (snapshot->version != collection.version || version->manifest.version != collection.version) {
    return Status::Aborted("collection " + id.ToString() + " was compacted by somebody else");
  }
  Split split = SplitParts(*version, *snapshot,
                           PickSegments(policy, activity, *version, *snapshot, untouched));
  if (!HasWork(split, *version, *snapshot)) {
    // An earlier compaction may have failed between publishing and trimming.
    seams.on_published(id);
    CHROMA_TRY(seams.log->Trim(ctx, id, collection.log_offset));
    return Outcome{false, IsSettled(version->manifest)};
  }

  const int64_t begin_ns = seams.env.clock->MonotonicNs();
  format::Manifest manifest;
  manifest.collection = id;
  manifest.version = collection.version + 1;
  manifest.log_offset = snapshot->log_end;
  manifest.dimension = snapshot->dimension;
  manifest.operations = snapshot->indexed_operations + snapshot->tail_operations;
  const auto merge = [&] {
    return MergeParts(ctx, *seams.store, NewBlobName(*seams.env.random, id, "segment"),
                      snapshot->dimension, split.merged, &collection.schema);
  };
  Result<std::optional<format::ManifestSegment>> made = merge();
  const StatusCode failed = made.status().code();
  const bool damaged = failed == StatusCode::kDataLoss;
  if ((damaged || failed == StatusCode::kResourceExhausted) && snapshot->tail_operations > 0 &&
      split.merged.size() > 1) {
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
  const bool settled = IsSettled(manifest) && indexed;
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
  return Outcome{true, IsSettled(manifest)};
}

}  // namespace chroma::compactor
