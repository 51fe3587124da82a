#include "catalog/tenant_table.h"

#include <utility>

namespace chroma::catalog {

Status InsertTenant(Connection& connection, const std::string& name) {
  Statement query = connection.Query("SELECT 1 FROM tenants WHERE name = ?");
  CHROMA_ASSIGN(bool exists, query.Text(name).Step());
  if (exists) return Status::AlreadyExists("Tenant [" + name + "] already exists");
  return connection.Query("INSERT INTO tenants (name) VALUES (?)").Text(name).Run();
}

Result<model::Tenant> SelectTenant(Connection& connection, const std::string& name) {
  Statement query = connection.Query("SELECT 1 FROM tenants WHERE name = ?");
  CHROMA_ASSIGN(bool exists, query.Text(name).Step());
  if (!exists) return Status::NotFound("Tenant [" + name + "] not found");
  return model::Tenant{name};
}

Status InsertDatabase(Connection& connection, const Uuid& id, const std::string& name,
                      const std::string& tenant) {
  CHROMA_ASSIGN(std::optional<Uuid> same_name, FindDatabase(connection, tenant, name));
  if (same_name.has_value()) {
    return Status::AlreadyExists("Database [" + name + "] already exists");
  }
  Statement same_id = connection.Query("SELECT 1 FROM databases WHERE id = ?");
  CHROMA_ASSIGN(bool exists, same_id.Id(id).Step());
  if (exists) return Status::AlreadyExists("Database [" + id.ToString() + "] already exists");
  return connection.Query("INSERT INTO databases (id, tenant, name) VALUES (?, ?, ?)")
      .Id(id)
      .Text(tenant)
      .Text(name)
      .Run();
}

Result<std::optional<Uuid>> FindDatabase(Connection& connection, const std::string& tenant,
                                         const std::string& name) {
  Statement query = connection.Query("SELECT id FROM databases WHERE tenant = ? AND name = ?");
  CHROMA_ASSIGN(bool row, query.Text(tenant).Text(name).Step());
  if (!row) return std::optional<Uuid>();
  CHROMA_ASSIGN(Uuid id, query.IdAt(0));
  return std::optional<Uuid>(id);
}

Result<std::vector<model::Database>> SelectDatabases(Connection& connection,
                                                     const std::string& tenant, Page page) {
  std::vector<model::Database> databases;
  Statement query = connection.Query(
      "SELECT id, name FROM databases WHERE tenant = ? ORDER BY name LIMIT ? OFFSET ?");
  BindPage(query.Text(tenant), page);
  for (;;) {
    CHROMA_ASSIGN(bool row, query.Step());
    if (!row) return databases;
    CHROMA_ASSIGN(Uuid id, query.IdAt(0));
    databases.push_back({id, query.TextAt(1), tenant});
  }
}

Status DeleteDatabaseRow(Connection& connection, const Uuid& id) {
  return connection.Query("DELETE FROM databases WHERE id = ?").Id(id).Run();
}

void BindPage(Statement& query, Page page) {
  constexpr int64_t kNoLimit = -1;
  query.Int(page.limit.has_value() ? static_cast<int64_t>(*page.limit) : kNoLimit);
  query.Int(page.offset);
}

}  // namespace chroma::catalog
