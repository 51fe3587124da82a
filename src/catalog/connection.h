// One connection to one SQLite database: statements prepared once, transactions that always end,
// and SQLite's numbers turned into Status. Used by one task at a time (its owner holds a lock).
//
// Errors: kResourceExhausted when the disk is full (nothing was changed), kDataLoss when the file
// is damaged, what the file system reported where it did, else kInternal. Each names the file;
// none shows SQL.
#pragma once

#include <sqlite3.h>

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/uuid.h"
#include "catalog/sqlite_vfs.h"
#include "chroma/status.h"

namespace chroma::catalog {

class Connection;

// A prepared statement in use, given back when destroyed. Parameters count from 1 in the order of
// the calls; columns count from 0. Text and blobs are bound without a copy: they outlive this.
// A failed Bind or Prepare shows at Step. Column accessors give an empty value for a wrong type.
class Statement {
 public:
  Statement(Connection& connection, sqlite3_stmt* statement, int code)
      : connection_(connection), statement_(statement), code_(code) {}
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& Int(int64_t value);
  Statement& Uint(uint64_t value) { return Int(static_cast<int64_t>(value)); }
  Statement& Text(std::string_view value);
  Statement& Blob(std::string_view value);
  Statement& Id(const Uuid& id);
  Statement& Null();

  // True: a row is there to be read. False: no more.
  Result<bool> Step();
  // For a statement without rows, or whose rows do not matter.
  Status Run();

  bool IsNull(int column) const;
  int64_t IntAt(int column) const;
  uint64_t UintAt(int column) const { return static_cast<uint64_t>(IntAt(column)); }
  // Text or blob; valid until the next Step.
  std::string_view BytesAt(int column) const;
  std::string TextAt(int column) const { return std::string(BytesAt(column)); }
  // kDataLoss when it has not 16 bytes.
  Result<Uuid> IdAt(int column) const;

 private:
  Connection& connection_;
  sqlite3_stmt* statement_;  // owned by the connection
  int code_;
  int bound_ = 0;
};

class Connection {
 public:
  // Not open; for Open.
  explicit Connection(std::unique_ptr<SqliteVfs> vfs) : vfs_(std::move(vfs)) {}
  // Opens or creates the database; a new one is empty and not yet on disk. Changes nothing.
  static Result<std::unique_ptr<Connection>> Open(runtime::Env env, const std::string& path);
  // Rolls back what is open, moves the log into the main file and removes it. A failure there
  // loses nothing: the next Open goes on from the log.
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // `sql` is one statement in a string literal; it is prepared at its first use.
  Statement Query(const char* sql);
  // Any number of statements, once; for pragmas and migrations.
  Status Execute(const std::string& sql);
  // From now on commits are appended to a log. Call outside a transaction.
  Status EnterWalMode();

  bool InTransaction() const { return sqlite3_get_autocommit(database_) == 0; }
  // What a failure with `code` is to the caller. Clears what the file system had reported.
  Status Error(int code);
  // kDataLoss naming the file: `what` cannot be right.
  Status Damaged(std::string_view what) const;
  const std::string& path() const { return vfs_->path(); }
  const runtime::Env& env() const { return vfs_->env(); }

 private:
  Status Configure();
  Status EnterAutoVacuum();
  void GiveBackSpace();

  std::unique_ptr<SqliteVfs> vfs_;
  sqlite3* database_ = nullptr;
  std::unordered_map<const char*, sqlite3_stmt*> statements_;  // by the address of the literal
};

// Everything between Begin and Commit happens or nothing does. Rolls back when destroyed without
// a successful Commit, after which the connection is as it was before.
class Transaction {
 public:
  explicit Transaction(Connection& connection) : connection_(connection) {}
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  Status Begin();
  // Durable when OK.
  Status Commit();

 private:
  Connection& connection_;
};

}  // namespace chroma::catalog
