#include "sweeper/sweeper.h"

#include <unordered_set>
#include <utility>

#include "runtime/log.h"
#include "runtime/test_points.h"

namespace chroma::sweeper {
namespace {

// Vector indexes: searches do without, and they are built again (compactor/indexer.h).
bool IsDerived(const std::string& blob) {
  return blob.ends_with(".index");
}

}  // namespace

Status SweepBlobs(runtime::Context& ctx, catalog::Catalog& catalog, store::BlobStore& store,
                  const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    CHROMA_ASSIGN(bool live, catalog.IsBlobLive(ctx, name));
    if (!live || CHROMA_PLANTED_BUG("sweeper.sweep_live")) CHROMA_TRY(store.Delete(ctx, name));
    CHROMA_TEST_POINT("sweeper.blob_swept");
  }
  return Status::Ok();
}

Status SweepCollection(runtime::Context& ctx, catalog::Catalog& catalog, store::BlobStore& store,
                       const Uuid& collection) {
  CHROMA_ASSIGN(std::vector<store::BlobInfo> blobs, store.List(ctx, collection.ToString() + "/"));
  std::vector<std::string> names;
  for (store::BlobInfo& blob : blobs) names.push_back(std::move(blob.name));
  return SweepBlobs(ctx, catalog, store, names);
}

Status CheckBlobsBelong(runtime::Context& ctx, catalog::Catalog& catalog, store::BlobStore& store) {
  CHROMA_ASSIGN(std::vector<std::string> names, catalog.LiveBlobs(ctx));
  for (const std::string& name : names) {
    if (store.Open(ctx, name).status().code() != StatusCode::kNotFound) return Status::Ok();
  }
  if (names.empty()) return Status::Ok();
  CHROMA_ASSIGN(std::vector<store::BlobInfo> blobs, store.List(ctx, ""));
  if (blobs.empty()) return Status::Ok();
  return Status::DataLoss("none of the " + std::to_string(names.size()) +
                          " blobs that the catalog names is there, but others are, such as blob " +
                          blobs[0].name +
                          ": catalog and blobs are of different directories or times; restore "
                          "both from one backup");
}

Status SweepAll(runtime::Context& ctx, catalog::Catalog& catalog, store::BlobStore& store) {
  CHROMA_TRY(store.RemoveUnfinished(ctx));
  // Listed before the catalog is asked: a blob that appears later is not looked at.
  CHROMA_ASSIGN(std::vector<store::BlobInfo> blobs, store.List(ctx, ""));
  CHROMA_ASSIGN(std::vector<std::string> names, catalog.LiveBlobs(ctx));
  const std::unordered_set<std::string> live(names.begin(), names.end());
  size_t missing = 0;
  size_t missing_indexes = 0;
  std::unordered_set<std::string> lost = live;
  for (const store::BlobInfo& blob : blobs) lost.erase(blob.name);
  for (const std::string& name : lost) ++(IsDerived(name) ? missing_indexes : missing);
  if (missing > 0) {
    runtime::Log(runtime::LogLevel::kError,
                 "blobs are missing, so none is deleted; chroma doctor says which",
                 {{"missing", missing}});
    return Status::Ok();
  }
  if (missing_indexes > 0) {
    runtime::Log(runtime::LogLevel::kWarning,
                 "vector indexes are missing; they are built again when their rows are searched",
                 {{"missing", missing_indexes}});
  }
  size_t count = 0;
  uint64_t size_bytes = 0;
  for (const store::BlobInfo& blob : blobs) {
    if (live.contains(blob.name)) continue;
    CHROMA_TRY(ctx.Check());
    CHROMA_TRY(store.Delete(ctx, blob.name));
    CHROMA_TEST_POINT("sweeper.orphan_deleted");
    ++count;
    size_bytes += blob.size_bytes;
  }
  if (count > 0) {
    runtime::Log(runtime::LogLevel::kInfo, "space given back",
                 {{"blobs", count}, {"bytes", size_bytes}});
  }
  return Status::Ok();
}

}  // namespace chroma::sweeper
