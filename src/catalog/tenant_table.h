// The tables `tenants` and `databases`. Each function is a step of the caller's transaction; the
// messages of kNotFound and kAlreadyExists are the wire contract's (rest-api.md §5.2, §5.3).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "catalog/connection.h"
#include "model/collection.h"

namespace chroma::catalog {

Status InsertTenant(Connection& connection, const std::string& name);
Result<model::Tenant> SelectTenant(Connection& connection, const std::string& name);

Status InsertDatabase(Connection& connection, const Uuid& id, const std::string& name,
                      const std::string& tenant);
// Absent when there is none.
Result<std::optional<Uuid>> FindDatabase(Connection& connection, const std::string& tenant,
                                         const std::string& name);
Result<std::vector<model::Database>> SelectDatabases(Connection& connection,
                                                     const std::string& tenant, Page page);
// The row alone; its collections are the caller's (collection_table.h).
Status DeleteDatabaseRow(Connection& connection, const Uuid& id);

// LIMIT and OFFSET of a page, as the next two parameters.
void BindPage(Statement& query, Page page);

}  // namespace chroma::catalog
