// An old directory as a whole: what is in it, and which segments, files and rows make up each
// collection, also where some of that has to be found again.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "chroma/import.h"
#include "chroma/status.h"
#include "importer/old_collection.h"

namespace chroma::importer {

inline constexpr const char* kDatabaseFile = "chroma.sqlite3";

// Whether `path` holds something that Chroma wrote: its database, or HNSW files.
Result<bool> IsOldDirectory(const runtime::Env& env, const std::string& path);

// kNotFound when there is nothing to be read. `ctx`, which outlives the directory, may give up the
// reading, here and later: see SqliteFile::EndWith.
Result<std::unique_ptr<OldDirectory>> OpenOldDirectory(const runtime::Context& ctx,
                                                       const runtime::Env& env,
                                                       const std::string& path, bool salvage,
                                                       DamageList* damage);

// The collections, in the order of their creation. May add to old->tables those that only other
// rows or files tell of.
std::vector<OldShape> FindCollections(uint64_t num_threads, OldDirectory* old,
                                      ImportReport* report);

// Where a collection belongs. A database that is lost becomes the default one.
struct OldScope {
  std::string tenant;
  std::string database;
  std::string database_id;
};
OldScope ScopeOf(const OldTables& tables, const OldCollection& collection);

}  // namespace chroma::importer
