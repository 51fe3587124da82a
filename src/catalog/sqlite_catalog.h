// The catalog of one directory: an SQLite database in WAL mode with synchronous=FULL, reached
// through runtime::FileSystem (catalog/sqlite_vfs.h), so that it lives in memory, on disk or in a
// simulation alike. Migrations are numbered, transactional and applied at open; a database of a
// newer version is refused with kFailedPrecondition saying so.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "catalog/catalog.h"
#include "runtime/env.h"

namespace chroma::catalog {

struct SqliteOptions {
  int checkpoint_pages = 1000;  // the log is moved into the main file when it has this many
};

// `path`: the database file, created with the default tenant and database when missing. The
// caller holds the lock of the data directory. Damage is kDataLoss naming the file.
Result<std::unique_ptr<Catalog>> OpenSqliteCatalog(runtime::Env env, const std::string& path,
                                                   SqliteOptions options = {});

// SQLite draws some numbers (salts of its log) from a generator that the whole process shares.
// Makes them follow from `seed`, which is not 0, for a simulation.
void SeedSqlite(uint32_t seed);

}  // namespace chroma::catalog
