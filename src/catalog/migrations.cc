#include "catalog/migrations.h"

#include <string>

#include "base/checksum.h"

namespace chroma::catalog {
namespace {

// At byte 68 of the file, "Chrm" in ASCII.
constexpr uint32_t kApplicationId = 0x4368726d;

// Ids are 16 bytes. `collection_versions` is apart from `collections` because start-up reads all
// of it and publishing writes it, while schemas are large and change seldom.
constexpr const char* k001Catalog = R"sql(
CREATE TABLE tenants (
  name TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE databases (
  id BLOB NOT NULL PRIMARY KEY,
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  UNIQUE (tenant, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE collections (
  id BLOB NOT NULL UNIQUE,
  database_id BLOB NOT NULL,
  name TEXT NOT NULL,
  dimension INTEGER,
  metadata BLOB,
  schema TEXT NOT NULL,
  UNIQUE (database_id, name)
) STRICT;
CREATE INDEX collections_by_id ON collections (database_id, id);

CREATE TABLE collection_versions (
  collection_id BLOB NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL,
  log_offset INTEGER NOT NULL,
  manifest TEXT NOT NULL,
  segments INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE version_blobs (
  collection_id BLOB NOT NULL,
  blob TEXT NOT NULL,
  PRIMARY KEY (collection_id, blob)
) STRICT, WITHOUT ROWID;
CREATE INDEX version_blobs_by_name ON version_blobs (blob);
)sql";

// Changes that processes on the directory may ask for again; times are of the monotonic clock.
constexpr const char* k002Requests = R"sql(
CREATE TABLE requests (
  id INTEGER NOT NULL PRIMARY KEY,
  done_ns INTEGER NOT NULL
) STRICT;
CREATE INDEX requests_by_time ON requests (done_ns);
)sql";

constexpr Migration kMigrations[] = {{1, k001Catalog}, {2, k002Requests}};

int64_t ChecksumOf(const Migration& migration) {
  return static_cast<int64_t>(Checksum(migration.sql));
}

Status WrittenByNewer(const Connection& connection, int64_t theirs, size_t ours) {
  return Status::FailedPrecondition(
      connection.path() + " was written by a newer version of chroma (its schema is number " +
      std::to_string(theirs) + ", this program knows " + std::to_string(ours) +
      "); upgrade this program or use another path");
}

// The steps that the database went through must be ours, unchanged; returns how many they are.
Result<size_t> CountApplied(Connection& connection, std::span<const Migration> migrations) {
  Statement table = connection.Query("SELECT 1 FROM sqlite_schema WHERE name = 'migrations'");
  CHROMA_ASSIGN(bool exists, table.Step());
  if (!exists) {
    Statement any = connection.Query("SELECT 1 FROM sqlite_schema");
    CHROMA_ASSIGN(bool used, any.Step());
    if (used) return connection.Damaged("it has tables but no list of migrations");
    return size_t{0};
  }
  Statement last = connection.Query("SELECT max(number), count(*) FROM migrations");
  CHROMA_ASSIGN(bool row, last.Step());
  int64_t applied = row ? last.IntAt(0) : 0;
  if (applied > static_cast<int64_t>(migrations.size())) {
    return WrittenByNewer(connection, applied, migrations.size());
  }
  if (applied < 1 || applied != last.IntAt(1)) {
    return connection.Damaged("its list of migrations has gaps");
  }
  Statement query = connection.Query("SELECT number, checksum FROM migrations ORDER BY number");
  for (size_t i = 0; i < static_cast<size_t>(applied); ++i) {
    CHROMA_ASSIGN(bool more, query.Step());
    if (!more || query.IntAt(0) != migrations[i].number) {
      return connection.Damaged("its list of migrations has gaps");
    }
    if (query.IntAt(1) != ChecksumOf(migrations[i])) {
      return Status::FailedPrecondition(
          connection.path() + " was written by another build of chroma: its migration " +
          std::to_string(migrations[i].number) +
          " differs from this program's; use the program that made it or another path");
    }
  }
  return static_cast<size_t>(applied);
}

Status Apply(Connection& connection, const Migration& migration) {
  CHROMA_TRY(connection.Execute(migration.sql));
  CHROMA_TRY(connection.Query("INSERT INTO migrations VALUES (?, ?, ?)")
                 .Int(migration.number)
                 .Int(ChecksumOf(migration))
                 .Int(connection.env().clock->UnixNs())
                 .Run());
  return connection.Execute("PRAGMA user_version = " + std::to_string(migration.number));
}

}  // namespace

std::span<const Migration> Migrations() {
  return kMigrations;
}

Status CheckIsCatalog(runtime::FileSystem& files, const std::string& path) {
  CHROMA_ASSIGN(bool exists, files.Exists(path));
  if (!exists) return Status();
  // A journal that still has to be rolled back: the header may be half written.
  CHROMA_ASSIGN(bool unfinished, files.Exists(path + "-journal"));
  if (unfinished) return Status();
  CHROMA_ASSIGN(auto file, files.Open(path, runtime::OpenMode::kRead));
  constexpr std::string_view kMagic("SQLite format 3\0", 16);
  constexpr size_t kPageCountAt = 28;
  constexpr size_t kIdAt = 68;
  char header[kIdAt + 4];
  CHROMA_ASSIGN(size_t n, file->ReadAt(0, header, sizeof(header)));
  if (n == 0) return Status();
  if (n < sizeof(header) || BytesView(header, kMagic.size()) != kMagic) {
    return Status::DataLoss(path + " is not a catalog of chroma: it is damaged or another " +
                            "program's; restore it from a backup or use another path");
  }
  const auto number_at = [&header](size_t at) {
    uint32_t number = 0;
    for (size_t i = 0; i < 4; ++i) number = number << 8 | static_cast<uint8_t>(header[at + i]);
    return number;
  };
  const uint32_t id = number_at(kIdAt);
  if (id == kApplicationId) return Status();
  // SQLite writes the first page, to set up its vacuum, before the transaction that makes it a
  // catalog: where that failed there is this page, and nothing in it.
  if (id == 0 && number_at(kPageCountAt) <= 1) return Status();
  return Status::FailedPrecondition(path + " is the SQLite database of another program; use " +
                                    "another path");
}

Result<bool> Migrate(Connection& connection, std::span<const Migration> migrations) {
  CHROMA_ASSIGN(size_t applied, CountApplied(connection, migrations));
  if (applied == migrations.size()) return false;
  if (applied == 0) {
    CHROMA_TRY(connection.Execute("PRAGMA application_id = " + std::to_string(kApplicationId) +
                                  "; CREATE TABLE migrations (number INTEGER NOT NULL PRIMARY "
                                  "KEY, checksum INTEGER NOT NULL, applied_unix_ns INTEGER NOT "
                                  "NULL) STRICT"));
  }
  for (const Migration& migration : migrations.subspan(applied)) {
    CHROMA_TRY(Apply(connection, migration));
  }
  return applied == 0;
}

}  // namespace chroma::catalog
