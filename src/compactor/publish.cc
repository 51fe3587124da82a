#include "compactor/publish.h"

#include <algorithm>
#include <utility>

#include "runtime/test_points.h"
#include "sweeper/sweeper.h"

namespace chroma::compactor {

std::string NewBlobName(runtime::Random& random, const Uuid& collection, std::string_view kind) {
  const uint64_t high = random.Next();
  return collection.ToString() + "/" + Uuid::FromRandom(high, random.Next()).ToString() + "." +
         std::string(kind);
}

void Discard(const Seams& seams, const std::vector<std::string>& blobs) {
  runtime::Context ctx(*seams.env.clock);  // the attempt's own may be what failed
  for (const std::string& blob : blobs) static_cast<void>(seams.store->Delete(ctx, blob));
}

Result<segment::VersionRef> Publish(runtime::Context& ctx, const Seams& seams,
                                    const model::Collection& collection,
                                    const format::Manifest& manifest, bool settled,
                                    std::vector<std::string> written) {
  catalog::VersionUpdate update;
  update.collection = collection.id;
  update.expected_version = collection.version;
  update.manifest = NewBlobName(*seams.env.random, collection.id, "manifest");
  update.log_offset = manifest.log_offset;
  update.settled = settled;
  update.schema = &collection.schema;
  update.blobs.push_back(update.manifest);
  for (std::string& blob : format::BlobsOf(manifest)) update.blobs.push_back(std::move(blob));
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

Status GiveSpaceBack(runtime::Context& ctx, const Seams& seams, const Uuid& collection,
                     uint64_t log_offset, const std::vector<std::string>& replaced) {
  const Status trimmed = seams.log->Trim(ctx, collection, log_offset);
  if (seams.on_trimmed) seams.on_trimmed();
  CHROMA_TEST_POINT("compactor.log_trimmed");
  const Status swept = sweeper::SweepBlobs(ctx, *seams.catalog, *seams.store, replaced);
  return trimmed.ok() ? swept : trimmed;
}

Result<std::shared_ptr<segment::LiveCollection>> OpenPublished(runtime::Context& ctx,
                                                               const Seams& seams,
                                                               const segment::VersionRef& ref) {
  auto live = seams.node->Open(ctx, ref, /*prepares=*/true);
  if (live.ok() || live.status().code() != StatusCode::kNotFound) return live;
  return Status::DataLoss(
      "the published version of collection " + ref.collection.ToString() +
      " names what is missing; restore it from a backup: " + std::string(live.status().message()));
}

std::vector<std::string> Replaced(const model::Collection& collection,
                                  const format::Manifest& before, const format::Manifest& now) {
  std::vector<std::string> replaced;
  if (!collection.manifest.empty()) replaced.push_back(collection.manifest);
  const std::vector<std::string> kept = format::BlobsOf(now);
  for (std::string& old : format::BlobsOf(before)) {
    const bool is_kept = std::find(kept.begin(), kept.end(), old) != kept.end();
    if (!is_kept || CHROMA_PLANTED_BUG("sweeper.sweep_live")) replaced.push_back(std::move(old));
  }
  return replaced;
}

Status IfStillThere(runtime::Context& ctx, const Seams& seams, const Uuid& id, Status status) {
  CHROMA_TRY(seams.catalog->GetCollectionById(ctx, id).status());
  return status;
}

}  // namespace chroma::compactor
