#include "catalog/verify.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "base/checksum.h"
#include "base/coding.h"
#include "base/flipped_bit.h"
#include "catalog/collection_row.h"
#include "catalog/connection.h"
#include "catalog/migrations.h"
#include "catalog/wal_check.h"

namespace chroma::catalog {
namespace {

constexpr size_t kPageBytesAt = 16;  // u16 in the header, big-endian; 1: 65536
constexpr uint64_t kPageBytesUsual = 4096;
constexpr int kMessagesMax = 20;

bool IsWhole(BytesView page) {
  const size_t covered = page.size() - kPageReserveBytes;
  return LoadFixed<uint64_t>(page.data() + covered) == Checksum(page.substr(0, covered));
}

class Examiner {
 public:
  explicit Examiner(Connection& connection) : connection_(connection) {}

  CatalogExamination Run() {
    found_.opened = true;
    found_.complete = true;
    Check(CheckIntegrity());
    Check(ReadCollections());
    Check(ReadBlobs());
    Check(FindStrays("collection_versions", kStrayVersions));
    Check(FindStrays("version_blobs", kStrayBlobs));
    for (auto& [id, collection] : collections_) {
      CheckVersion(collection);
      found_.collections.push_back(std::move(collection));
    }
    return std::move(found_);
  }

 private:
  static constexpr const char* kStrayVersions =
      "SELECT collection_id FROM collection_versions WHERE collection_id NOT IN "
      "(SELECT id FROM collections)";
  static constexpr const char* kStrayBlobs =
      "SELECT DISTINCT collection_id FROM version_blobs WHERE collection_id NOT IN "
      "(SELECT id FROM collections)";

  void Add(std::string what, std::optional<Uuid> collection = {}) {
    found_.damages.push_back({std::move(what), collection});
  }
  void Check(const Status& status) {
    if (status.ok()) return;
    found_.complete = false;
    Add(std::string(status.message()));
  }

  Status CheckIntegrity() {
    Statement query = connection_.Query("PRAGMA integrity_check(20)");
    for (int i = 0; i < kMessagesMax; ++i) {
      CHROMA_ASSIGN(const bool row, query.Step());
      if (!row) break;
      if (query.BytesAt(0) != "ok") Add("SQLite finds: " + query.TextAt(0));
    }
    return Status::Ok();
  }

  // One by one and without the joins of the catalog, which leave out what has no partner.
  Status ReadCollections() {
    Statement query = connection_.Query(
        "SELECT c.id, c.name, d.tenant, d.name, c.dimension, v.version, v.log_offset, v.manifest, "
        "c.metadata, c.schema, d.id IS NULL, v.collection_id IS NULL FROM collections c "
        "LEFT JOIN databases d ON d.id = c.database_id "
        "LEFT JOIN collection_versions v ON v.collection_id = c.id");
    for (;;) {
      CHROMA_ASSIGN(const bool more, query.Step());
      if (!more) return Status::Ok();
      Result<CollectionRow> row = ReadRow(connection_, query);
      if (!row.ok()) {
        Check(row.status());
        continue;
      }
      const model::Collection& head = row->head;
      if (query.IntAt(10) != 0) Add("it belongs to no database", head.id);
      if (query.IntAt(11) != 0) Add("it has no row of its version", head.id);
      collections_[head.id] = {head.id,      head.tenant,     head.database, head.name,
                               head.version, head.log_offset, head.manifest, {}};
      const Uuid id = head.id;
      const auto decoded = DecodeRow(*std::move(row));
      if (decoded.ok()) {
        collections_[id].space = decoded->schema.space();
      } else {
        Add(std::string(decoded.status().message()), id);
      }
    }
  }

  Status ReadBlobs() {
    Statement query =
        connection_.Query("SELECT collection_id, blob FROM version_blobs NOT INDEXED");
    for (;;) {
      CHROMA_ASSIGN(const bool more, query.Step());
      if (!more) return Status::Ok();
      CHROMA_ASSIGN(const Uuid id, query.IdAt(0));
      const auto at = collections_.find(id);
      if (at != collections_.end()) at->second.blobs.push_back(query.TextAt(1));
    }
  }

  Status FindStrays(const char* table, const char* sql) {
    Statement query = connection_.Query(sql);
    for (;;) {
      CHROMA_ASSIGN(const bool more, query.Step());
      if (!more) return Status::Ok();
      CHROMA_ASSIGN(const Uuid id, query.IdAt(0));
      Add(std::string("table ") + table + " has rows of a collection that does not exist", id);
    }
  }

  void CheckVersion(const CatalogCollection& collection) {
    const bool named = std::find(collection.blobs.begin(), collection.blobs.end(),
                                 collection.manifest) != collection.blobs.end();
    if (collection.manifest.empty() ? !collection.blobs.empty() : !named) {
      Add("its blobs are not those of its version", collection.id);
    }
    if (collection.manifest.empty() != (collection.version == 0)) {
      Add("version " + std::to_string(collection.version) + " has " +
              (collection.manifest.empty() ? "no manifest" : "a manifest"),
          collection.id);
    }
  }

  Connection& connection_;
  CatalogExamination found_;
  std::map<Uuid, CatalogCollection> collections_;
};

// What every table holds: b a blob, t a text, i an integer, all of which may be NULL.
struct Table {
  const char* select;
  const char* insert;
  const char* columns;
};
constexpr Table kTables[] = {
    {"SELECT name FROM tenants NOT INDEXED", "INSERT INTO tenants VALUES (?)", "t"},
    {"SELECT id, tenant, name FROM databases NOT INDEXED", "INSERT INTO databases VALUES (?, ?, ?)",
     "btt"},
    {"SELECT id, database_id, name, dimension, metadata, schema FROM collections NOT INDEXED",
     "INSERT INTO collections VALUES (?, ?, ?, ?, ?, ?)", "bbtibt"},
    {"SELECT collection_id, version, log_offset, manifest, segments FROM collection_versions "
     "NOT INDEXED",
     "INSERT INTO collection_versions VALUES (?, ?, ?, ?, ?)", "biiti"},
    {"SELECT collection_id, blob FROM version_blobs NOT INDEXED",
     "INSERT INTO version_blobs VALUES (?, ?)", "bt"},
};

Status CopyTable(Connection& from, Connection& to, const Table& table) {
  Statement query = from.Query(table.select);
  for (;;) {
    CHROMA_ASSIGN(const bool more, query.Step());
    if (!more) return Status::Ok();
    Statement insert = to.Query(table.insert);
    for (int column = 0; table.columns[column] != '\0'; ++column) {
      if (query.IsNull(column)) {
        insert.Null();
      } else if (table.columns[column] == 'i') {
        insert.Int(query.IntAt(column));
      } else if (table.columns[column] == 't') {
        insert.Text(query.BytesAt(column));
      } else {
        insert.Blob(query.BytesAt(column));
      }
    }
    CHROMA_TRY(insert.Run());
  }
}

}  // namespace

Result<std::vector<DamagedPage>> FindDamagedPages(runtime::FileSystem& files,
                                                  const std::string& path) {
  std::vector<DamagedPage> damaged;
  auto opened = files.Open(path, runtime::OpenMode::kRead);
  if (!opened.ok()) {
    return opened.status().code() == StatusCode::kNotFound
               ? damaged
               : Result<std::vector<DamagedPage>>(opened.status());
  }
  CHROMA_ASSIGN(const uint64_t size_bytes, (*opened)->Size());
  char header[kPageBytesAt + 2] = {};
  CHROMA_TRY((*opened)->ReadAt(0, header, sizeof(header)).status());
  uint64_t page_bytes = static_cast<uint64_t>(static_cast<uint8_t>(header[kPageBytesAt])) << 8 |
                        static_cast<uint8_t>(header[kPageBytesAt + 1]);
  // The size may be what is damaged: the program writes pages of one size.
  const bool plausible = page_bytes >= 512 && (page_bytes & (page_bytes - 1)) == 0;
  if (!plausible || size_bytes % page_bytes != 0) page_bytes = kPageBytesUsual;
  for (uint64_t offset = 0; offset + page_bytes <= size_bytes; offset += page_bytes) {
    Bytes page(page_bytes, '\0');
    CHROMA_TRY((*opened)->ReadAt(offset, page.data(), page.size()).status());
    if (IsWhole(page)) continue;
    damaged.push_back({offset, FlipBack(page, IsWhole) ? std::move(page) : Bytes()});
  }
  return damaged;
}

Result<CatalogExamination> ExamineCatalog(runtime::Env env, const std::string& path) {
  CatalogExamination unreadable;
  const auto add = [&](const Status& status) -> Result<CatalogExamination> {
    if (status.code() == StatusCode::kFailedPrecondition) return status;
    unreadable.damages.push_back({std::string(status.message()), {}});
    return unreadable;
  };
  CHROMA_ASSIGN(const bool exists, env.files->Exists(path));
  if (!exists) return add(Status::DataLoss(path + " is missing"));
  if (Status ours = CheckIsCatalog(*env.files, path); !ours.ok()) return add(ours);
  const Status log = CheckWriteAheadLog(*env.files, path);
  auto connection = Connection::Open(env, path);
  if (!connection.ok()) return add(connection.status());
  Transaction transaction(**connection);
  if (Status begun = transaction.Begin(); !begun.ok()) return add(begun);
  Result<bool> is_new = Migrate(**connection, Migrations());
  if (!is_new.ok()) return add(is_new.status());
  if (*is_new) return add(Status::DataLoss(path + " is empty"));
  CatalogExamination found = Examiner(**connection).Run();
  if (!log.ok()) {
    found.damages.push_back({std::string(log.message()), {}});
    found.complete = false;
  }
  return found;
}

Result<int> CopyCatalog(runtime::Env env, const std::string& path, const std::string& to,
                        bool readable_only) {
  CHROMA_ASSIGN(const auto source, Connection::Open(env, path));
  CHROMA_ASSIGN(const auto target, Connection::Open(env, to));
  Transaction transaction(*target);
  CHROMA_TRY(transaction.Begin());
  CHROMA_TRY(Migrate(*target, Migrations()).status());
  int lossy = 0;
  for (const Table& table : kTables) {
    const Status copied = CopyTable(*source, *target, table);
    if (!copied.ok() && !readable_only) return copied;
    lossy += copied.ok() ? 0 : 1;
  }
  CHROMA_TRY(transaction.Commit());
  return lossy;
}

}  // namespace chroma::catalog
