// Which tables a SQLite database has, where they begin, and the names of their columns.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "importer/sqlite_file.h"
#include "importer/sqlite_rows.h"

namespace chroma::importer {

struct SqliteTable {
  uint32_t root = 0;  // 0: not known
  std::vector<std::string> columns = {};
  // The column that is another name of the rowid, and null in records; or columns.size().
  size_t rowid_column = 0;

  // Its place in records; beyond all of them when there is no such column.
  size_t Column(std::string_view name) const;
};

struct SqliteTables {
  std::map<std::string, SqliteTable, std::less<>> tables;  // the ordinary ones, by name
  std::map<std::string, uint32_t, std::less<>> indexes;    // by name, where they begin
};
SqliteTables ReadSqliteSchema(const SqliteFile& file, std::vector<bool>* visited,
                              DamageList* damage);

// The columns that a CREATE TABLE statement names; none when it cannot be understood.
SqliteTable ParseCreateTable(std::string_view sql);

}  // namespace chroma::importer
