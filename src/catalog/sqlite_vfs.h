// One SQLite database on a runtime::FileSystem: the layer below SQLite that makes the catalog run
// in memory, on disk and in a simulation with the same code.
//
// A SqliteVfs serves exactly one database. SQLite knows it as kDatabaseName; the main file is
// `path`, the write-ahead log `path`-wal, the rollback journal `path`-journal. SQLite's own
// temporary files are refused: connections use temp_store=MEMORY.
//
// Page checksums. SQLite checks its log but not its pages, so this layer does: the last
// kPageReserveBytes of every page of the main file (SQLite leaves them alone once told to, see
// connection.cc) hold the XXH3 of the bytes before them. They are put in when a page is written
// and verified whenever one is read, so that no damaged byte is ever interpreted. The file stays
// readable with SQLite's own tools; a page that those write is damage to us.
//
// File locks are no-ops and there is no shared memory: the caller holds the lock of the data
// directory, and connections set locking_mode=EXCLUSIVE before they enter WAL mode.
#pragma once

#include <sqlite3.h>

#include <memory>
#include <string>

#include "chroma/status.h"
#include "runtime/env.h"

namespace chroma::catalog {

// For SQLITE_FCNTL_RESERVE_BYTES.
inline constexpr int kPageReserveBytes = 8;

// Registered with SQLite under a name of its own while it lives; outlives its connections. Like
// its connection, it may be used by one task at a time.
class SqliteVfs {
 public:
  static constexpr const char* kDatabaseName = "catalog";

  // Null with an error only when SQLite itself cannot start.
  static Result<std::unique_ptr<SqliteVfs>> Create(runtime::Env env, std::string path);
  ~SqliteVfs();
  SqliteVfs(const SqliteVfs&) = delete;
  SqliteVfs& operator=(const SqliteVfs&) = delete;

  // For sqlite3_open_v2.
  const char* name() const { return name_.c_str(); }
  const std::string& path() const { return path_; }
  const runtime::Env& env() const { return env_; }

  // The first failure of a file since the last call, which SQLite can only report as a number.
  Status TakeError();

  // For the callbacks in sqlite_vfs.cc: remembers `status` for TakeError and returns the code
  // that SQLite is to see: SQLITE_FULL when space ran out, else `code`.
  int Report(const Status& status, int code);
  // The file that SQLite calls `name`.
  std::string FilePath(const char* name) const;

 private:
  struct Key {};  // makes the constructor Create's alone

 public:
  SqliteVfs(Key, runtime::Env env, std::string path);

 private:
  const runtime::Env env_;
  const std::string path_;
  const std::string name_;
  sqlite3_vfs vfs_{};
  Status error_;
};

}  // namespace chroma::catalog
