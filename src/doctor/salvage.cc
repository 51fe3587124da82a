#include <algorithm>
#include <utility>

#include "catalog/sqlite_catalog.h"
#include "compactor/merge.h"
#include "compactor/publish.h"
#include "doctor/inspection.h"
#include "store/dir_store.h"

namespace chroma::doctor {
namespace {

bool IsWhole(const ExaminedSegment& segment) {
  const segment::SegmentExamination& found = segment.found;
  const bool mended =
      std::all_of(found.damages.begin(), found.damages.end(),
                  [](const segment::SegmentDamage& damage) { return damage.mended; });
  return found.readable != nullptr && mended;
}

Status PublishRepaired(runtime::Context& ctx, const runtime::Env& env, const std::string& directory,
                       store::BlobStore& store, const catalog::CatalogCollection& collection,
                       const format::Manifest& next, Repairs& repairs) {
  catalog::VersionUpdate update;
  update.collection = collection.id;
  update.expected_version = collection.version;
  update.manifest = compactor::NewBlobName(*env.random, collection.id, "manifest");
  update.log_offset = next.log_offset;
  update.blobs.push_back(update.manifest);
  for (std::string& blob : format::BlobsOf(next)) update.blobs.push_back(std::move(blob));
  CHROMA_TRY(store::WriteBlob(ctx, store, update.manifest, format::EncodeManifest(next)));
  CHROMA_TRY(repairs.Keep("catalog.sqlite3"));
  CHROMA_TRY(repairs.Keep("catalog.sqlite3-wal"));
  {
    CHROMA_ASSIGN(const auto catalog,
                  catalog::OpenSqliteCatalog(env, runtime::JoinPath(directory, "catalog.sqlite3")));
    CHROMA_TRY(catalog->PublishVersion(ctx, update));
  }
  return Status::Ok();
}

}  // namespace

Result<std::string> DropIndexes(runtime::Context& ctx, const runtime::Env& env,
                                const std::string& directory,
                                const catalog::CatalogCollection& collection,
                                const format::Manifest& manifest,
                                const std::set<std::string>& dropped, Repairs& repairs) {
  CHROMA_ASSIGN(const auto store, store::OpenDirStore(env, runtime::JoinPath(directory, "blobs")));
  format::Manifest next = manifest;
  next.version = manifest.version + 1;
  for (format::ManifestSegment& segment : next.segments) {
    std::erase_if(segment.indexes,
                  [&](const format::ManifestIndex& index) { return dropped.contains(index.blob); });
  }
  CHROMA_TRY(PublishRepaired(ctx, env, directory, *store, collection, next, repairs));
  for (const std::string& blob : dropped) {
    CHROMA_ASSIGN(const bool exists,
                  env.files->Exists(runtime::JoinPath(directory, "blobs/" + blob)));
    if (exists) CHROMA_TRY(repairs.MoveAside("blobs/" + blob));
  }
  CHROMA_TRY(repairs.MoveAside("blobs/" + collection.manifest));
  return std::string("the collection goes on without it; the next start builds it again");
}

Result<std::string> SalvageVersion(runtime::Context& ctx, const runtime::Env& env,
                                   const std::string& directory,
                                   const catalog::CatalogCollection& collection,
                                   const format::Manifest& manifest,
                                   const std::vector<std::shared_ptr<ExaminedSegment>>& segments,
                                   Repairs& repairs) {
  CHROMA_ASSIGN(const auto store, store::OpenDirStore(env, runtime::JoinPath(directory, "blobs")));
  format::Manifest next = manifest;
  next.version = manifest.version + 1;
  next.segments.clear();
  std::vector<std::string> replaced{collection.manifest};
  uint64_t lost = 0;
  for (const auto& segment : segments) {
    if (IsWhole(*segment)) {
      next.segments.push_back(segment->named);
      continue;
    }
    const uint64_t live = segment->named.rows - segment->named.deleted.Count();
    if (!segment->missing) replaced.push_back(segment->named.blob);
    if (segment->found.readable == nullptr) {
      lost += live;
      continue;
    }
    auto dead = std::make_shared<Bitmap>(segment->named.deleted);
    *dead |= segment->found.damaged_rows;
    lost += live - (segment->named.rows - dead->Count());
    CHROMA_ASSIGN(const auto written,
                  compactor::MergeParts(
                      ctx, *store, compactor::NewBlobName(*env.random, collection.id, "segment"),
                      manifest.dimension, {{segment->found.readable, dead}}));
    if (written) next.segments.push_back(*written);
  }
  CHROMA_TRY(PublishRepaired(ctx, env, directory, *store, collection, next, repairs));
  for (const std::string& blob : replaced) CHROMA_TRY(repairs.MoveAside("blobs/" + blob));
  return "version " + std::to_string(next.version) + " of the collection was published" +
         (lost == 0 ? ", with all of its records"
                    : " without " + std::to_string(lost) + " records");
}

}  // namespace chroma::doctor
