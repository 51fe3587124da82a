#include "catalog/version_table.h"

#include "catalog/collection_table.h"

namespace chroma::catalog {
namespace {

// The column `segments`: more than this says that something is left to be done for the version.
constexpr uint64_t kSettledSegments = 1;

Status ReplaceBlobs(Connection& connection, const VersionUpdate& update) {
  CHROMA_TRY(connection.Query("DELETE FROM version_blobs WHERE collection_id = ?")
                 .Id(update.collection)
                 .Run());
  for (const std::string& blob : update.blobs) {
    CHROMA_TRY(
        connection.Query("INSERT OR IGNORE INTO version_blobs (collection_id, blob) VALUES (?, ?)")
            .Id(update.collection)
            .Text(blob)
            .Run());
  }
  return Status();
}

Result<bool> IsSettled(Connection& connection, const VersionUpdate& update) {
  if (!update.settled || update.schema == nullptr) return update.settled;
  Statement query = connection.Query("SELECT schema FROM collections WHERE id = ?");
  CHROMA_ASSIGN(const bool exists, query.Id(update.collection).Step());
  return exists && query.TextAt(0) == EncodeSchema(*update.schema);
}

}  // namespace

Status InsertFirstVersion(Connection& connection, const Uuid& collection) {
  return connection
      .Query(
          "INSERT INTO collection_versions "
          "(collection_id, version, log_offset, manifest, segments) VALUES (?, 0, 0, '', 0)")
      .Id(collection)
      .Run();
}

Status Unsettle(Connection& connection, const Uuid& collection) {
  return connection.Query("UPDATE collection_versions SET segments = ? WHERE collection_id = ?")
      .Uint(kSettledSegments + 1)
      .Id(collection)
      .Run();
}

Status Publish(Connection& connection, const VersionUpdate& update) {
  {
    Statement query =
        connection.Query("SELECT version FROM collection_versions WHERE collection_id = ?");
    CHROMA_ASSIGN(bool exists, query.Id(update.collection).Step());
    if (!exists) return NoSuchCollection(update.collection.ToString());
    uint64_t published = query.UintAt(0);
    if (published != update.expected_version) {
      return Status::Aborted("Collection [" + update.collection.ToString() + "] is at version " +
                             std::to_string(published) + ", not " +
                             std::to_string(update.expected_version) +
                             "; another version was published meanwhile");
    }
  }
  CHROMA_ASSIGN(const bool settled, IsSettled(connection, update));
  CHROMA_TRY(connection
                 .Query("UPDATE collection_versions SET version = ?, log_offset = ?, "
                        "manifest = ?, segments = ? WHERE collection_id = ?")
                 .Uint(update.expected_version + 1)
                 .Uint(update.log_offset)
                 .Text(update.manifest)
                 .Uint(settled ? kSettledSegments : kSettledSegments + 1)
                 .Id(update.collection)
                 .Run());
  return ReplaceBlobs(connection, update);
}

Status DeleteVersion(Connection& connection, const Uuid& collection) {
  CHROMA_TRY(
      connection.Query("DELETE FROM version_blobs WHERE collection_id = ?").Id(collection).Run());
  return connection.Query("DELETE FROM collection_versions WHERE collection_id = ?")
      .Id(collection)
      .Run();
}

Result<std::vector<Catalog::CollectionHead>> SelectHeads(Connection& connection) {
  std::vector<Catalog::CollectionHead> heads;
  Statement query = connection.Query(
      "SELECT collection_id, version, log_offset, manifest, segments "
      "FROM collection_versions ORDER BY collection_id");
  for (;;) {
    CHROMA_ASSIGN(bool row, query.Step());
    if (!row) return heads;
    CHROMA_ASSIGN(Uuid id, query.IdAt(0));
    heads.push_back({id, query.UintAt(1), query.UintAt(2), query.TextAt(3),
                     query.UintAt(4) <= kSettledSegments});
  }
}

Result<std::vector<std::string>> SelectLiveBlobs(Connection& connection) {
  std::vector<std::string> blobs;
  Statement query = connection.Query("SELECT DISTINCT blob FROM version_blobs ORDER BY blob");
  for (;;) {
    CHROMA_ASSIGN(bool row, query.Step());
    if (!row) return blobs;
    blobs.push_back(query.TextAt(0));
  }
}

Result<bool> IsBlobNamed(Connection& connection, const std::string& name) {
  return connection.Query("SELECT 1 FROM version_blobs WHERE blob = ?").Text(name).Step();
}

}  // namespace chroma::catalog
