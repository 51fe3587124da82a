#include "catalog/sqlite_catalog.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "catalog/collection_table.h"
#include "catalog/connection.h"
#include "catalog/migrations.h"
#include "catalog/request_table.h"
#include "catalog/tenant_table.h"
#include "catalog/version_table.h"
#include "catalog/wal_check.h"
#include "runtime/fork.h"
#include "runtime/mutex.h"
#include "runtime/test_points.h"

namespace chroma::catalog {
namespace {

using model::Collection;
using runtime::Context;

Status NoSuchDatabase(const std::string& name) {
  return Status::NotFound("Database [" + name + "] not found");
}

Status InsertDefaults(Connection& connection) {
  CHROMA_TRY(InsertTenant(connection, model::kDefaultTenant));
  // The all-zero id is part of the wire contract.
  return InsertDatabase(connection, Uuid{}, model::kDefaultDatabase, model::kDefaultTenant);
}

class SqliteCatalog final : public Catalog {
 public:
  explicit SqliteCatalog(std::unique_ptr<Connection> connection)
      : connection_(std::move(connection)) {}
  ~SqliteCatalog() override {
    const runtime::NoFork no_fork;
    connection_.reset();
  }

  Status CreateTenant(Context& ctx, const std::string& name,
                      const model::RequestTag& tag) override {
    return WriteOnce(ctx, tag, [&](Connection& c) { return InsertTenant(c, name); });
  }

  Result<model::Tenant> GetTenant(Context& ctx, const std::string& name) override {
    return Read(ctx, [&](Connection& c) { return SelectTenant(c, name); });
  }

  Status CreateDatabase(Context& ctx, const Uuid& id, const std::string& name,
                        const std::string& tenant, const model::RequestTag& tag) override {
    return WriteOnce(ctx, tag, [&](Connection& c) { return InsertDatabase(c, id, name, tenant); });
  }

  Result<model::Database> GetDatabase(Context& ctx, const std::string& name,
                                      const std::string& tenant) override {
    CHROMA_ASSIGN(std::optional<Uuid> id,
                  Read(ctx, [&](Connection& c) { return FindDatabase(c, tenant, name); }));
    if (!id.has_value()) {
      return Status::NotFound("Database [" + name + "] not found. Are you sure it exists?");
    }
    return model::Database{*id, name, tenant};
  }

  Result<std::vector<model::Database>> ListDatabases(Context& ctx, const std::string& tenant,
                                                     Page page) override {
    return Read(ctx, [&](Connection& c) { return SelectDatabases(c, tenant, page); });
  }

  Result<std::vector<Uuid>> DeleteDatabase(Context& ctx, const std::string& name,
                                           const std::string& tenant,
                                           const model::RequestTag& tag) override {
    return WriteOnce(ctx, tag, [&](Connection& c) -> Result<std::vector<Uuid>> {
      CHROMA_ASSIGN(std::optional<Uuid> id, FindDatabase(c, tenant, name));
      if (!id.has_value()) return NoSuchDatabase(name);
      CHROMA_ASSIGN(std::vector<Uuid> collections, DeleteCollectionsOf(c, *id));
      CHROMA_TRY(DeleteDatabaseRow(c, *id));
      return collections;
    });
  }

  Result<CreateResult> CreateCollection(Context& ctx, const Collection& collection,
                                        bool get_or_create, const model::RequestTag& tag) override {
    bool took_place = false;
    CHROMA_ASSIGN(std::optional<CollectionRow> existing,
                  Write(ctx, [&](Connection& c) -> Result<std::optional<CollectionRow>> {
                    CHROMA_ASSIGN(took_place, WasDone(c, tag));
                    if (took_place) return FindById(c, collection.id);
                    CHROMA_ASSIGN(std::optional<CollectionRow> row, InsertOrFind(c, collection));
                    // One that finds what was there changes nothing.
                    if (!row.has_value()) CHROMA_TRY(NoteDone(c, tag));
                    return row;
                  }));
    if (took_place && existing.has_value()) get_or_create = true;
    if (existing.has_value()) {
      if (!get_or_create) {
        return Status::AlreadyExists("Collection [" + collection.name + "] already exists");
      }
      CHROMA_ASSIGN(Collection found, DecodeRow(*std::move(existing)));
      return CreateResult{std::move(found), false};
    }
    Collection created = collection;
    created.manifest.clear();
    created.version = 0;
    created.log_offset = 0;
    return CreateResult{std::move(created), true};
  }

  Result<Collection> GetCollection(Context& ctx, const std::string& tenant,
                                   const std::string& database, const std::string& name) override {
    using Found = Result<std::optional<CollectionRow>>;
    CHROMA_ASSIGN(std::optional<CollectionRow> row, Read(ctx, [&](Connection& c) -> Found {
                    CHROMA_ASSIGN(std::optional<Uuid> id, FindDatabase(c, tenant, database));
                    if (!id.has_value()) return std::optional<CollectionRow>();
                    return FindByName(c, *id, name);
                  }));
    if (!row.has_value()) return NoSuchCollection(name);
    return DecodeRow(*std::move(row));
  }

  Result<Collection> GetCollectionById(Context& ctx, const Uuid& id) override {
    CHROMA_ASSIGN(std::optional<CollectionRow> row,
                  Read(ctx, [&](Connection& c) { return FindById(c, id); }));
    if (!row.has_value()) return NoSuchCollection(id.ToString());
    return DecodeRow(*std::move(row));
  }

  Result<std::vector<Collection>> ListCollections(Context& ctx, const std::string& tenant,
                                                  const std::string& database, Page page) override {
    using Rows = Result<std::vector<CollectionRow>>;
    CHROMA_ASSIGN(std::vector<CollectionRow> rows, Read(ctx, [&](Connection& c) -> Rows {
                    CHROMA_ASSIGN(std::optional<Uuid> id, FindDatabase(c, tenant, database));
                    if (!id.has_value()) return std::vector<CollectionRow>();
                    return SelectCollections(c, *id, page);
                  }));
    RowDecoder decoder;
    std::vector<Collection> collections;
    collections.reserve(rows.size());
    for (CollectionRow& row : rows) {
      constexpr size_t kRowsPerCheck = 1024;
      if (collections.size() % kRowsPerCheck == 0) CHROMA_TRY(ctx.Check());
      CHROMA_ASSIGN(Collection collection, decoder.Decode(std::move(row)));
      collections.push_back(std::move(collection));
    }
    return collections;
  }

  Result<uint64_t> CountCollections(Context& ctx, const std::string& tenant,
                                    const std::string& database) override {
    return Read(ctx, [&](Connection& c) -> Result<uint64_t> {
      CHROMA_ASSIGN(std::optional<Uuid> id, FindDatabase(c, tenant, database));
      if (!id.has_value()) return uint64_t{0};
      return CountRows(c, *id);
    });
  }

  Status UpdateCollection(Context& ctx, const Uuid& id, const CollectionUpdate& update,
                          const model::RequestTag& tag) override {
    return WriteOnce(ctx, tag, [&](Connection& c) { return UpdateRow(c, id, update); });
  }

  Result<Collection> RegisterWrite(Context& ctx, const Uuid& id, std::optional<uint32_t> dimension,
                                   const std::vector<model::Metadata>& metadatas) override {
    return Write(ctx,
                 [&](Connection& c) { return RegisterWriteInRow(c, id, dimension, metadatas); });
  }

  Status ForgetDimension(Context& ctx, const Uuid& id) override {
    return Write(ctx, [&](Connection& c) { return ForgetDimensionOfRow(c, id); });
  }

  Result<std::optional<Uuid>> DeleteCollection(Context& ctx, const std::string& tenant,
                                               const std::string& database, const std::string& name,
                                               const model::RequestTag& tag) override {
    return WriteOnce(ctx, tag, [&](Connection& c) -> Result<std::optional<Uuid>> {
      CHROMA_ASSIGN(std::optional<Uuid> parent, FindDatabase(c, tenant, database));
      if (!parent.has_value()) return NoSuchCollection(name);
      CHROMA_ASSIGN(std::optional<CollectionRow> row, FindByName(c, *parent, name));
      if (!row.has_value()) return NoSuchCollection(name);
      CHROMA_TRY(DeleteCollectionRows(c, row->head.id));
      return std::optional(row->head.id);
    });
  }

  Status PublishVersion(Context& ctx, const VersionUpdate& update) override {
    return Write(ctx, [&](Connection& c) { return Publish(c, update); });
  }

  Result<std::vector<CollectionHead>> ListHeads(Context& ctx) override {
    return Read(ctx, [](Connection& c) { return SelectHeads(c); });
  }

  Result<std::vector<std::string>> LiveBlobs(Context& ctx) override {
    return Read(ctx, [](Connection& c) { return SelectLiveBlobs(c); });
  }

  Result<bool> IsBlobLive(Context& ctx, const std::string& name) override {
    return Read(ctx, [&](Connection& c) { return IsBlobNamed(c, name); });
  }

  Result<std::vector<Uuid>> Reset(Context& ctx, const model::RequestTag& tag) override {
    return WriteOnce(ctx, tag, [](Connection& c) -> Result<std::vector<Uuid>> {
      CHROMA_ASSIGN(std::vector<CollectionHead> heads, SelectHeads(c));
      std::vector<Uuid> dropped;
      for (const CollectionHead& head : heads) dropped.push_back(head.id);
      CHROMA_TRY(
          c.Execute("DELETE FROM version_blobs; DELETE FROM collection_versions; "
                    "DELETE FROM collections; DELETE FROM databases; DELETE FROM tenants"));
      CHROMA_TRY(InsertDefaults(c));
      return dropped;
    });
  }

 private:
  // `body` sees one state: the connection is its alone.
  template <typename Body>
  std::invoke_result_t<Body, Connection&> Read(Context& ctx, Body body) {
    CHROMA_TRY(ctx.Check());
    const runtime::NoFork no_fork;  // SQLite has locks of the whole process
    runtime::MutexLock lock(mutex_);
    return body(*connection_);
  }

  // What `body` does is durable when OK is returned, and undone when it or the commit fails.
  template <typename Body>
  std::invoke_result_t<Body, Connection&> Write(Context& ctx, Body body) {
    CHROMA_TRY(ctx.Check());
    const runtime::NoFork no_fork;  // SQLite has locks of the whole process
    runtime::MutexLock lock(mutex_);
    Transaction transaction(*connection_);
    CHROMA_TRY(transaction.Begin());
    auto result = body(*connection_);
    if (!result.ok()) return result;
    CHROMA_TEST_POINT("catalog.transaction_ready");
    CHROMA_TRY(transaction.Commit());
    CHROMA_TEST_POINT("catalog.committed");
    return result;
  }

  // Write, unless it took place already: then OK, or an empty result.
  template <typename Body>
  std::invoke_result_t<Body, Connection&> WriteOnce(Context& ctx, const model::RequestTag& tag,
                                                    Body body) {
    using Answer = std::invoke_result_t<Body, Connection&>;
    return Write(ctx, [&](Connection& c) -> Answer {
      CHROMA_ASSIGN(const bool done, WasDone(c, tag));
      if (!done) {
        Answer answer = body(c);
        if (answer.ok()) CHROMA_TRY(NoteDone(c, tag));
        return answer;
      }
      if constexpr (std::is_same_v<Answer, Status>) {
        return Status::Ok();
      } else {
        return std::decay_t<decltype(*std::declval<Answer&>())>{};
      }
    });
  }

  // Absent when it was inserted.
  static Result<std::optional<CollectionRow>> InsertOrFind(Connection& connection,
                                                           const Collection& collection) {
    CHROMA_ASSIGN(std::optional<Uuid> parent,
                  FindDatabase(connection, collection.tenant, collection.database));
    if (!parent.has_value()) {
      return Status::InvalidArgument("Database [" + collection.database + "] does not exist");
    }
    CHROMA_ASSIGN(std::optional<CollectionRow> row,
                  FindByName(connection, *parent, collection.name));
    if (!row.has_value()) CHROMA_TRY(InsertCollection(connection, *parent, collection));
    return row;
  }

  runtime::Mutex mutex_;
  std::unique_ptr<Connection> connection_;  // used under mutex_
};

// A new database comes into being with its tables and defaults in one transaction, before it
// enters WAL mode.
Status Prepare(Connection& connection) {
  Transaction transaction(connection);
  CHROMA_TRY(transaction.Begin());
  CHROMA_ASSIGN(bool is_new, Migrate(connection, Migrations()));
  if (is_new) CHROMA_TRY(InsertDefaults(connection));
  return transaction.Commit();
}

Status RemoveIfThere(runtime::FileSystem& files, const std::string& path) {
  Status removed = files.Remove(path);
  return removed.code() == StatusCode::kNotFound ? Status::Ok() : removed;
}

// Makes a catalog under another name first, so that nothing under its own is ever half made: a sync
// that failed leaves bytes that may be on the disk, and SQLite forgets how to undo them when it has
// undone them in memory.
Status CreateIfMissing(const runtime::Env& env, const std::string& path) {
  runtime::FileSystem& files = *env.files;
  const auto existing = files.Open(path, runtime::OpenMode::kRead);
  if (existing.status().code() != StatusCode::kNotFound) {
    CHROMA_TRY(existing.status());
    CHROMA_ASSIGN(const uint64_t size_bytes, (*existing)->Size());
    if (size_bytes > 0) return Status::Ok();
  }
  const std::string directory = path.substr(0, std::max<size_t>(path.rfind('/'), 1));
  const std::string fresh = path + ".new";
  for (const std::string& name : {path, fresh}) {
    CHROMA_TRY(RemoveIfThere(files, name + "-journal"));
    CHROMA_TRY(RemoveIfThere(files, name + "-wal"));
  }
  CHROMA_TRY(RemoveIfThere(files, fresh));
  CHROMA_TRY(files.SyncDirectory(directory));
  {
    CHROMA_ASSIGN(const std::unique_ptr<Connection> connection, Connection::Open(env, fresh));
    CHROMA_TRY(Prepare(*connection));
  }
  CHROMA_TRY(files.Rename(fresh, path));
  return files.SyncDirectory(directory);
}

}  // namespace

Result<std::unique_ptr<Catalog>> OpenSqliteCatalog(runtime::Env env, const std::string& path,
                                                   SqliteOptions options) {
  CHROMA_TRY(CheckIsCatalog(*env.files, path));
  CHROMA_TRY(CheckWriteAheadLog(*env.files, path));
  const runtime::NoFork no_fork;
  CHROMA_TRY(CreateIfMissing(env, path));
  CHROMA_ASSIGN(std::unique_ptr<Connection> connection, Connection::Open(env, path));
  CHROMA_TRY(Prepare(*connection));
  CHROMA_TEST_POINT("catalog.prepared");
  CHROMA_TRY(connection->EnterWalMode());
  CHROMA_TRY(connection->Execute("PRAGMA wal_autocheckpoint = " +
                                 std::to_string(options.checkpoint_pages)));
  return std::unique_ptr<Catalog>(std::make_unique<SqliteCatalog>(std::move(connection)));
}

void SeedSqlite(uint32_t seed) {
  sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, static_cast<int>(seed), nullptr);
}

}  // namespace chroma::catalog
