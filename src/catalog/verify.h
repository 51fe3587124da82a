// Examining a catalog that may be damaged: its pages, SQLite's own check, what rows hold and what
// they refer to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/uuid.h"
#include "chroma/status.h"
#include "model/schema.h"
#include "runtime/env.h"

namespace chroma::catalog {

// A page of the main file whose checksum is wrong.
struct DamagedPage {
  uint64_t offset = 0;
  Bytes repaired;  // what was written, when one bit of it flipped
};
// Nothing when the file is missing or so damaged that its pages cannot be told.
Result<std::vector<DamagedPage>> FindDamagedPages(runtime::FileSystem& files,
                                                  const std::string& path);

struct CatalogDamage {
  std::string what;
  std::optional<Uuid> collection;
};

// A collection with its published version, as far as its rows can be read.
struct CatalogCollection {
  Uuid id;
  std::string tenant;
  std::string database;
  std::string name;
  uint64_t version = 0;
  uint64_t log_offset = 0;
  std::string manifest;  // empty: nothing was compacted yet
  std::vector<std::string> blobs;
  std::optional<model::Space> space = {};  // none: its schema cannot be read
};

struct CatalogExamination {
  std::vector<CatalogDamage> damages;
  std::vector<CatalogCollection> collections;
  // It could be opened.
  bool opened = false;
  // Every row could be read: what is not here does not exist.
  bool complete = false;
};

// Opening a catalog writes to it (it takes over what a killed process left in its log), so `env`
// has files that keep that away from the disk. kFailedPrecondition when a newer program wrote it.
Result<CatalogExamination> ExamineCatalog(runtime::Env env, const std::string& path);

// Writes the rows of every table into a new catalog `to`, which gets new indexes by it. Fails when
// a row cannot be read, unless `readable_only`. Returns how many tables lost rows.
Result<int> CopyCatalog(runtime::Env env, const std::string& path, const std::string& to,
                        bool readable_only);

}  // namespace chroma::catalog
