// The table `collections`, read together with database and version. Each function is a step of
// the caller's transaction.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "catalog/collection_row.h"
#include "catalog/connection.h"

namespace chroma::catalog {

// kNotFound "Collection [name] does not exist".
Status NoSuchCollection(const std::string& name);

// With a version row of zeros. kAlreadyExists when the id is taken; names are the caller's.
Status InsertCollection(Connection& connection, const Uuid& database,
                        const model::Collection& collection);
// Absent when there is none.
Result<std::optional<CollectionRow>> FindByName(Connection& connection, const Uuid& database,
                                                const std::string& name);
Result<std::optional<CollectionRow>> FindById(Connection& connection, const Uuid& id);
// Ordered by id.
Result<std::vector<CollectionRow>> SelectCollections(Connection& connection, const Uuid& database,
                                                     Page page);
Result<uint64_t> CountRows(Connection& connection, const Uuid& database);

// Changes what `update` gives. kNotFound; kAlreadyExists when the new name is taken.
Status UpdateRow(Connection& connection, const Uuid& id, const Catalog::CollectionUpdate& update);
// See Catalog::RegisterWrite. Writes only when something changes.
Result<model::Collection> RegisterWriteInRow(Connection& connection, const Uuid& id,
                                             std::optional<uint32_t> dimension,
                                             const std::vector<model::Metadata>& metadatas);
// See Catalog::ForgetDimension.
Status ForgetDimensionOfRow(Connection& connection, const Uuid& id);
// With version and blob names.
Status DeleteCollectionRows(Connection& connection, const Uuid& id);
// All of one database; their ids in order.
Result<std::vector<Uuid>> DeleteCollectionsOf(Connection& connection, const Uuid& database);

}  // namespace chroma::catalog
