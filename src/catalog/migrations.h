// The catalog's SQL schema, as the numbered steps that made it. A database remembers the steps it
// went through with their checksums, so a program knows exactly which tables it meets.
//
// A released step never changes; a change of the schema is a new step at the end.
#pragma once

#include <cstdint>
#include <span>

#include "catalog/connection.h"
#include "chroma/status.h"

namespace chroma::catalog {

struct Migration {
  int number;  // 1, 2, 3, …
  const char* sql;
};

// Of this program, in order.
std::span<const Migration> Migrations();

// What the file is, read before SQLite touches it: kFailedPrecondition for the database of
// another program, kDataLoss for a file that is no database, OK when ours, empty or missing.
Status CheckIsCatalog(runtime::FileSystem& files, const std::string& path);

// Brings the database to the last of `migrations`, all of it or nothing, and says whether it was
// new. kFailedPrecondition when it went through steps that are not among `migrations`.
Result<bool> Migrate(Connection& connection, std::span<const Migration> migrations);

}  // namespace chroma::catalog
