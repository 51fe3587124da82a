// Tenants, databases and collections as the catalog keeps them. Plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "model/metadata.h"
#include "model/schema.h"

namespace chroma::model {

inline constexpr const char* kDefaultTenant = "default_tenant";
inline constexpr const char* kDefaultDatabase = "default_database";

struct Tenant {
  std::string name;
};

struct Database {
  Uuid id;
  std::string name;
  std::string tenant;
};

struct Collection {
  Uuid id;
  std::string name;
  std::string tenant;
  std::string database;
  std::optional<Metadata> metadata;
  Schema schema;
  std::optional<uint32_t> dimension;  // fixed by the first write with vectors

  // The published version: the name of its manifest blob, empty before the first compaction,
  // and the log offset up to which it covers the log (exclusive).
  std::string manifest;
  uint64_t version = 0;
  uint64_t log_offset = 0;
};

}  // namespace chroma::model
