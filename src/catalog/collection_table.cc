#include "catalog/collection_table.h"

#include <utility>

#include "catalog/tenant_table.h"
#include "catalog/version_table.h"

namespace chroma::catalog {
namespace {

// The columns of ReadRow. A macro, because statements are string literals. CROSS JOIN keeps the
// order: a collection is found by index, and leads to one row of each other table.
#define SELECT_COLLECTION                                                                     \
  "SELECT c.id, c.name, d.tenant, d.name, c.dimension, v.version, v.log_offset, v.manifest, " \
  "c.metadata, c.schema FROM collections c "                                                  \
  "CROSS JOIN databases d ON d.id = c.database_id "                                           \
  "CROSS JOIN collection_versions v ON v.collection_id = c.id "

Result<std::optional<CollectionRow>> ReadOnly(const Connection& connection, Statement& query) {
  CHROMA_ASSIGN(bool found, query.Step());
  if (!found) return std::optional<CollectionRow>();
  CHROMA_ASSIGN(CollectionRow row, ReadRow(connection, query));
  return std::optional<CollectionRow>(std::move(row));
}

Status Rename(Connection& connection, const Uuid& id, const std::string& name) {
  // Another one of the same database; its own name is fine.
  Statement taken = connection.Query(
      "SELECT 1 FROM collections mine JOIN collections other USING (database_id) "
      "WHERE mine.id = ? AND other.name = ? AND other.id != mine.id");
  CHROMA_ASSIGN(bool row, taken.Id(id).Text(name).Step());
  if (row) return Status::AlreadyExists("Collection [" + name + "] already exists");
  return connection.Query("UPDATE collections SET name = ? WHERE id = ?").Text(name).Id(id).Run();
}

Status SetMetadata(Connection& connection, const Uuid& id,
                   const std::optional<model::Metadata>& metadata) {
  Statement update = connection.Query("UPDATE collections SET metadata = ? WHERE id = ?");
  Bytes bytes;
  if (metadata.has_value()) {
    bytes = EncodeMetadata(*metadata);
    update.Blob(bytes);
  } else {
    update.Null();
  }
  return update.Id(id).Run();
}

Status SetSchema(Connection& connection, const Uuid& id, const model::Schema& schema) {
  std::string json = EncodeSchema(schema);
  return connection.Query("UPDATE collections SET schema = ? WHERE id = ?").Text(json).Id(id).Run();
}

}  // namespace

Status NoSuchCollection(const std::string& name) {
  return Status::NotFound("Collection [" + name + "] does not exist");
}

Status InsertCollection(Connection& connection, const Uuid& database,
                        const model::Collection& collection) {
  Statement taken = connection.Query("SELECT 1 FROM collections WHERE id = ?");
  CHROMA_ASSIGN(bool row, taken.Id(collection.id).Step());
  if (row) {
    return Status::AlreadyExists("Collection [" + collection.id.ToString() + "] already exists");
  }
  std::string schema = EncodeSchema(collection.schema);
  Bytes metadata;
  Statement insert = connection.Query(
      "INSERT INTO collections (id, database_id, name, schema, dimension, metadata) "
      "VALUES (?, ?, ?, ?, ?, ?)");
  insert.Id(collection.id).Id(database).Text(collection.name).Text(schema);
  collection.dimension.has_value() ? insert.Int(*collection.dimension) : insert.Null();
  if (collection.metadata.has_value()) {
    metadata = EncodeMetadata(*collection.metadata);
    insert.Blob(metadata);
  } else {
    insert.Null();
  }
  CHROMA_TRY(insert.Run());
  return InsertFirstVersion(connection, collection.id);
}

Result<std::optional<CollectionRow>> FindByName(Connection& connection, const Uuid& database,
                                                const std::string& name) {
  Statement query = connection.Query(SELECT_COLLECTION "WHERE c.database_id = ? AND c.name = ?");
  return ReadOnly(connection, query.Id(database).Text(name));
}

Result<std::optional<CollectionRow>> FindById(Connection& connection, const Uuid& id) {
  Statement query = connection.Query(SELECT_COLLECTION "WHERE c.id = ?");
  return ReadOnly(connection, query.Id(id));
}

Result<std::vector<CollectionRow>> SelectCollections(Connection& connection, const Uuid& database,
                                                     Page page) {
  std::vector<CollectionRow> rows;
  Statement query =
      connection.Query(SELECT_COLLECTION "WHERE c.database_id = ? ORDER BY c.id LIMIT ? OFFSET ?");
  BindPage(query.Id(database), page);
  for (;;) {
    CHROMA_ASSIGN(bool more, query.Step());
    if (!more) return rows;
    CHROMA_ASSIGN(CollectionRow row, ReadRow(connection, query));
    rows.push_back(std::move(row));
  }
}

Result<uint64_t> CountRows(Connection& connection, const Uuid& database) {
  Statement query = connection.Query("SELECT count(*) FROM collections WHERE database_id = ?");
  CHROMA_ASSIGN(bool row, query.Id(database).Step());
  return row ? query.UintAt(0) : uint64_t{0};
}

Status UpdateRow(Connection& connection, const Uuid& id, const Catalog::CollectionUpdate& update) {
  {
    Statement query = connection.Query("SELECT 1 FROM collections WHERE id = ?");
    CHROMA_ASSIGN(bool exists, query.Id(id).Step());
    if (!exists) return NoSuchCollection(id.ToString());
  }
  if (update.name.has_value()) CHROMA_TRY(Rename(connection, id, *update.name));
  if (update.metadata.has_value()) CHROMA_TRY(SetMetadata(connection, id, *update.metadata));
  if (update.schema.has_value()) {
    CHROMA_TRY(SetSchema(connection, id, *update.schema));
    CHROMA_TRY(Unsettle(connection, id));
  }
  return Status();
}

Result<model::Collection> RegisterWriteInRow(Connection& connection, const Uuid& id,
                                             std::optional<uint32_t> dimension,
                                             const std::vector<model::Metadata>& metadatas) {
  CHROMA_ASSIGN(std::optional<CollectionRow> row, FindById(connection, id));
  if (!row.has_value()) return NoSuchCollection(id.ToString());
  CHROMA_ASSIGN(model::Collection collection, DecodeRow(*std::move(row)));
  if (dimension.has_value() && !collection.dimension.has_value()) {
    collection.dimension = dimension;
    CHROMA_TRY(connection.Query("UPDATE collections SET dimension = ? WHERE id = ?")
                   .Int(*dimension)
                   .Id(id)
                   .Run());
  }
  bool extended = false;
  for (const model::Metadata& metadata : metadatas) {
    extended |= model::ExtendSchema(collection.schema, metadata);
  }
  if (extended) CHROMA_TRY(SetSchema(connection, id, collection.schema));
  return collection;
}

Status ForgetDimensionOfRow(Connection& connection, const Uuid& id) {
  return connection.Query("UPDATE collections SET dimension = NULL WHERE id = ?").Id(id).Run();
}

Status DeleteCollectionRows(Connection& connection, const Uuid& id) {
  CHROMA_TRY(connection.Query("DELETE FROM collections WHERE id = ?").Id(id).Run());
  return DeleteVersion(connection, id);
}

Result<std::vector<Uuid>> DeleteCollectionsOf(Connection& connection, const Uuid& database) {
  std::vector<Uuid> ids;
  Statement query =
      connection.Query("SELECT id FROM collections WHERE database_id = ? ORDER BY id");
  query.Id(database);
  for (;;) {
    CHROMA_ASSIGN(bool row, query.Step());
    if (!row) break;
    CHROMA_ASSIGN(Uuid id, query.IdAt(0));
    ids.push_back(id);
  }
  for (const Uuid& id : ids) CHROMA_TRY(DeleteVersion(connection, id));
  CHROMA_TRY(connection.Query("DELETE FROM collections WHERE database_id = ?").Id(database).Run());
  return ids;
}

}  // namespace chroma::catalog
