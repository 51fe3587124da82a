#include <utility>

#include "catalog/sqlite_catalog.h"
#include "compactor/merge.h"
#include "doctor/inspection.h"
#include "store/dir_store.h"

namespace chroma::doctor {
namespace {

std::string NewName(runtime::Random& random, const Uuid& collection, std::string_view kind) {
  const uint64_t high = random.Next();
  return collection.ToString() + "/" + Uuid::FromRandom(high, random.Next()).ToString() + "." +
         std::string(kind);
}

bool IsWhole(const ExaminedSegment& segment) {
  const segment::SegmentExamination& found = segment.found;
  return found.readable != nullptr && found.damaged_rows.Empty() && found.damaged_keys.empty();
}

}  // namespace

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
                  compactor::MergeParts(ctx, *store, NewName(*env.random, collection.id, "segment"),
                                        manifest.dimension, {{segment->found.readable, dead}}));
    if (written) {
      next.segments.push_back({written->blob, written->rows, written->size_bytes, Bitmap(), written->checksum});
    }
  }
  catalog::VersionUpdate update;
  update.collection = collection.id;
  update.expected_version = collection.version;
  update.manifest = NewName(*env.random, collection.id, "manifest");
  update.log_offset = manifest.log_offset;
  update.blobs.push_back(update.manifest);
  for (const format::ManifestSegment& segment : next.segments) update.blobs.push_back(segment.blob);
  CHROMA_TRY(store::WriteBlob(ctx, *store, update.manifest, format::EncodeManifest(next)));
  CHROMA_TRY(repairs.Keep("catalog.sqlite3"));
  CHROMA_TRY(repairs.Keep("catalog.sqlite3-wal"));
  {
    CHROMA_ASSIGN(const auto catalog,
                  catalog::OpenSqliteCatalog(env, runtime::JoinPath(directory, "catalog.sqlite3")));
    CHROMA_TRY(catalog->PublishVersion(ctx, update));
  }
  for (const std::string& blob : replaced) CHROMA_TRY(repairs.MoveAside("blobs/" + blob));
  return "version " + std::to_string(next.version) + " of the collection was published" +
         (lost == 0 ? ", with all of its records"
                    : " without " + std::to_string(lost) + " records");
}

}  // namespace chroma::doctor
