#include "compactor/compaction.h"

#include <memory>
#include <utility>

#include "compactor/merge.h"
#include "format/manifest.h"
#include "runtime/log.h"
#include "runtime/test_points.h"
#include "sweeper/sweeper.h"

namespace chroma::compactor {
namespace {

using segment::Snapshot;
using segment::SnapshotPart;

// What goes into the new segment, and what stays as it is.
struct Split {
  std::vector<SnapshotPart> merged;
  std::vector<format::ManifestSegment> kept;
};

// The segments of the snapshot, without its tail.
size_t SegmentCount(const segment::Version& version) {
  return version.parts.size();
}

// `tail_only`: no segment is merged, whatever the policy says.
Split SplitParts(const Policy& policy, Activity activity, const segment::Version& version,
                 const Snapshot& snapshot, bool tail_only) {
  const size_t segments = SegmentCount(version);
  std::vector<SegmentSize> sizes;
  for (size_t i = 0; i < segments; ++i) {
    sizes.push_back({version.manifest.segments[i].size_bytes, snapshot.parts[i].part->rows(),
                     snapshot.parts[i].dead->Count()});
  }
  uint64_t tail_bytes = 0;
  if (snapshot.parts.size() > segments) {
    tail_bytes = snapshot.parts.back().live() * snapshot.dimension * sizeof(float);
  }
  std::vector<bool> picked(segments, false);
  if (!tail_only) {
    for (size_t i : PickMerge(policy, activity, sizes, tail_bytes)) picked[i] = true;
  }

  Split split;
  for (size_t i = 0; i < segments; ++i) {
    const SnapshotPart& part = snapshot.parts[i];
    if (picked[i]) {
      split.merged.push_back(part);
    } else if (part.live() > 0) {
      format::ManifestSegment kept = version.manifest.segments[i];
      if (!CHROMA_PLANTED_BUG("compactor.drop_tombstones")) kept.deleted = *part.dead;
      split.kept.push_back(std::move(kept));
    }
  }
  if (snapshot.parts.size() > segments) split.merged.push_back(snapshot.parts.back());
  return split;
}

std::string NewBlobName(runtime::Random& random, const Uuid& collection, std::string_view kind) {
  const uint64_t high = random.Next();
  return collection.ToString() + "/" + Uuid::FromRandom(high, random.Next()).ToString() + "." +
         std::string(kind);
}

bool HasWork(const Split& split, const segment::Version& version, const Snapshot& snapshot) {
  return snapshot.log_end > version.manifest.log_offset || !split.merged.empty() ||
         split.kept.size() != version.manifest.segments.size();
}

bool IsSettled(const format::Manifest& manifest) {
  if (manifest.segments.size() > 1) return false;
  return manifest.segments.empty() || manifest.segments[0].deleted.Empty();
}

// Deletes blobs that were written for a version that certainly is not published, so that attempts
// that fail do not fill the disk. What cannot be deleted now is swept at the next start.
void Discard(const Seams& seams, const std::vector<std::string>& blobs) {
  runtime::Context ctx(*seams.env.clock);  // the attempt's own may be what failed
  for (const std::string& blob : blobs) static_cast<void>(seams.store->Delete(ctx, blob));
}

// Writes the manifest and makes it the published version; `segment` is the new one's blob, or
// empty. Returns how the catalog names the version.
Result<segment::VersionRef> Publish(runtime::Context& ctx, const Seams& seams,
                                    const model::Collection& collection,
                                    const format::Manifest& manifest, const std::string& segment) {
  catalog::VersionUpdate update;
  update.collection = collection.id;
  update.expected_version = collection.version;
  update.manifest = NewBlobName(*seams.env.random, collection.id, "manifest");
  update.log_offset = manifest.log_offset;
  update.blobs.push_back(update.manifest);
  for (const format::ManifestSegment& named : manifest.segments) {
    update.blobs.push_back(named.blob);
  }
  std::vector<std::string> written;
  if (!segment.empty()) written.push_back(segment);
  if (Status status =
          store::WriteBlob(ctx, *seams.store, update.manifest, format::EncodeManifest(manifest));
      !status.ok()) {
    Discard(seams, written);
    return status;
  }
  written.push_back(update.manifest);
  CHROMA_TEST_POINT("compactor.manifest_written");
  if (Status status = seams.catalog->PublishVersion(ctx, update); !status.ok()) {
    // After any other failure a crash may still bring the version to life.
    const bool refused =
        status.code() == StatusCode::kNotFound || status.code() == StatusCode::kAborted;
    if (refused) Discard(seams, written);
    return status;
  }
  return segment::VersionRef{collection.id, manifest.version, update.manifest, manifest.log_offset};
}

// What follows a publication. The new version is the truth by now: a failure costs space or
// time, not data, and one step's does not keep the others from being tried.
Status GiveSpaceBack(runtime::Context& ctx, const Seams& seams, const Uuid& collection,
                     uint64_t log_offset, const std::vector<std::string>& replaced) {
  const Status trimmed = seams.log->Trim(ctx, collection, log_offset);
  CHROMA_TEST_POINT("compactor.log_trimmed");
  const Status swept = sweeper::SweepBlobs(ctx, *seams.catalog, *seams.store, replaced);
  return trimmed.ok() ? swept : trimmed;
}

// The version that the catalog just named. Nobody sweeps during a compaction, so what is not
// found has not been replaced: it is lost.
Result<std::shared_ptr<segment::LiveCollection>> OpenPublished(runtime::Context& ctx,
                                                               const Seams& seams,
                                                               const segment::VersionRef& ref) {
  auto live = seams.node->Open(ctx, ref);
  if (live.ok() || live.status().code() != StatusCode::kNotFound) return live;
  return Status::DataLoss(
      "the published version of collection " + ref.collection.ToString() +
      " names what is missing; restore it from a backup: " + std::string(live.status().message()));
}

// The blobs that the old version named and the new one does not.
std::vector<std::string> Replaced(const model::Collection& collection,
                                  const segment::Version& version,
                                  const format::Manifest& manifest) {
  std::vector<std::string> replaced;
  if (!collection.manifest.empty()) replaced.push_back(collection.manifest);
  for (const format::ManifestSegment& old : version.manifest.segments) {
    bool kept = false;
    for (const format::ManifestSegment& now : manifest.segments) kept |= now.blob == old.blob;
    if (!kept || CHROMA_PLANTED_BUG("sweeper.sweep_live")) replaced.push_back(old.blob);
  }
  return replaced;
}

// The log and the blobs of a collection may be gone because it was deleted meanwhile: kNotFound.
Status IfStillThere(runtime::Context& ctx, const Seams& seams, const Uuid& id, Status status) {
  CHROMA_TRY(seams.catalog->GetCollectionById(ctx, id).status());
  return status;
}

}  // namespace

Result<Outcome> Compact(runtime::Context& ctx, const Seams& seams, const Policy& policy,
                        const Uuid& id, Activity activity) {
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
  Split split = SplitParts(policy, activity, *version, *snapshot, false);
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
                      snapshot->dimension, split.merged);
  };
  Result<std::optional<segment::SegmentSummary>> made = merge();
  if (made.status().code() == StatusCode::kDataLoss && snapshot->tail_operations > 0) {
    // A damaged segment stays as it is: the log is drained all the same, so that writes go on.
    runtime::Log(runtime::LogLevel::kError,
                 "a segment is damaged and not merged; run chroma doctor",
                 {{"collection", id.ToString()}, {"error", made.status().message()}});
    split = SplitParts(policy, activity, *version, *snapshot, true);
    made = merge();
  }
  CHROMA_ASSIGN(std::optional<segment::SegmentSummary> merged, std::move(made));
  manifest.segments = std::move(split.kept);
  if (merged) {
    manifest.segments.push_back(
        {merged->blob, merged->rows, merged->size_bytes, Bitmap(), merged->checksum});
  }
  CHROMA_TEST_POINT("compactor.segment_written");
  if (CHROMA_PLANTED_BUG("compactor.trim_before_publish")) {
    CHROMA_TRY(seams.log->Trim(ctx, id, manifest.log_offset));
  }
  CHROMA_ASSIGN(const segment::VersionRef published,
                Publish(ctx, seams, collection, manifest, merged ? merged->blob : ""));
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
  CHROMA_TRY(
      GiveSpaceBack(ctx, seams, id, manifest.log_offset, Replaced(collection, *version, manifest)));
  CHROMA_TEST_POINT("compactor.space_given_back");
  return Outcome{true, IsSettled(manifest)};
}

}  // namespace chroma::compactor
