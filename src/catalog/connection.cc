#include "catalog/connection.h"

#include <cstring>

namespace chroma::catalog {
namespace {

constexpr int kValueBytesMax = 64 << 20;
constexpr int kPageCacheKilobytes = 16 << 10;

}  // namespace

Statement::~Statement() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

Statement& Statement::Int(int64_t value) {
  if (code_ == SQLITE_OK) code_ = sqlite3_bind_int64(statement_, ++bound_, value);
  return *this;
}

Statement& Statement::Text(std::string_view value) {
  // A null pointer would bind NULL.
  const char* bytes = value.empty() ? "" : value.data();
  if (code_ == SQLITE_OK) {
    code_ =
        sqlite3_bind_text64(statement_, ++bound_, bytes, value.size(), SQLITE_STATIC, SQLITE_UTF8);
  }
  return *this;
}

Statement& Statement::Blob(std::string_view value) {
  const char* bytes = value.empty() ? "" : value.data();
  if (code_ == SQLITE_OK) {
    code_ = sqlite3_bind_blob64(statement_, ++bound_, bytes, value.size(), SQLITE_STATIC);
  }
  return *this;
}

Statement& Statement::Id(const Uuid& id) {
  return Blob({reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()});
}

Statement& Statement::Null() {
  if (code_ == SQLITE_OK) code_ = sqlite3_bind_null(statement_, ++bound_);
  return *this;
}

Result<bool> Statement::Step() {
  if (code_ != SQLITE_OK) return connection_.Error(code_);
  int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return connection_.Error(code);
}

Status Statement::Run() {
  for (;;) {
    CHROMA_ASSIGN(bool row, Step());
    if (!row) return Status();
  }
}

bool Statement::IsNull(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

int64_t Statement::IntAt(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::string_view Statement::BytesAt(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  if (bytes == nullptr) return {};
  return {static_cast<const char*>(bytes),
          static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}

Result<Uuid> Statement::IdAt(int column) const {
  Uuid id;
  std::string_view bytes = BytesAt(column);
  if (bytes.size() != id.bytes.size()) return connection_.Damaged("an id has not 16 bytes");
  std::memcpy(id.bytes.data(), bytes.data(), bytes.size());
  return id;
}

Result<std::unique_ptr<Connection>> Connection::Open(runtime::Env env, const std::string& path) {
  CHROMA_ASSIGN(auto vfs, SqliteVfs::Create(env, path));
  auto connection = std::make_unique<Connection>(std::move(vfs));
  int code = sqlite3_open_v2(
      SqliteVfs::kDatabaseName, &connection->database_,
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE,
      connection->vfs_->name());
  if (code != SQLITE_OK) return connection->Error(code);
  CHROMA_TRY(connection->Configure());
  return connection;
}

Connection::~Connection() {
  if (database_ == nullptr) return;
  if (InTransaction()) (void)Execute("ROLLBACK");
  GiveBackSpace();
  for (auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close_v2(database_);
}

Status Connection::Configure() {
  sqlite3_extended_result_codes(database_, 1);
  sqlite3_limit(database_, SQLITE_LIMIT_LENGTH, kValueBytesMax);
  sqlite3_limit(database_, SQLITE_LIMIT_ATTACHED, 0);
  // The file may have been made to harm: its schema may not run functions, nor may its tables
  // be reached around SQL.
  sqlite3_db_config(database_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(database_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(database_, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(database_, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  int reserve = kPageReserveBytes;
  sqlite3_file_control(database_, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserve);
  // locking_mode comes before anything that reads the file: it is what lets WAL mode do without
  // shared memory. The log is cut to its limit after a transaction that was larger.
  CHROMA_TRY(
      Execute("PRAGMA locking_mode = EXCLUSIVE;"
              "PRAGMA temp_store = MEMORY;"
              "PRAGMA synchronous = FULL;"
              "PRAGMA cell_size_check = ON;"
              "PRAGMA cache_spill = OFF;"  // see VerifyLogPage in sqlite_vfs.cc
              "PRAGMA secure_delete = FAST;"
              "PRAGMA journal_size_limit = 8388608;"
              "PRAGMA cache_size = -" +
              std::to_string(kPageCacheKilobytes)));
  return EnterAutoVacuum();
}

// Fixed when the first table is made. Setting it again would write, which fails on a full disk,
// where reads are still to be served.
Status Connection::EnterAutoVacuum() {
  constexpr int64_t kIncremental = 2;
  {
    Statement mode = Query("PRAGMA auto_vacuum");
    CHROMA_ASSIGN(bool row, mode.Step());
    if (row && mode.IntAt(0) == kIncremental) return Status();
  }
  return Execute("PRAGMA auto_vacuum = INCREMENTAL");
}

Status Connection::EnterWalMode() {
  Statement pragma = Query("PRAGMA journal_mode = WAL");
  CHROMA_ASSIGN(bool row, pragma.Step());
  const bool entered = row && pragma.BytesAt(0) == "wal";
  // SQLite answers before it writes: the change itself is made, and may fail, at the end.
  CHROMA_TRY(pragma.Run());
  if (entered) return Status();
  return Status::Internal(path() + ": SQLite refused write-ahead logging");
}

// Deleted collections leave free pages, which later ones use; a file that is mostly free pages
// is cut here. Failing is harmless.
void Connection::GiveBackSpace() {
  int64_t pages = 0;
  int64_t free_pages = 0;
  {
    Statement query = Query(
        "SELECT page_count, freelist_count FROM pragma_page_count, "
        "pragma_freelist_count");
    Result<bool> row = query.Step();
    if (!row.ok() || !*row) return;
    pages = query.IntAt(0);
    free_pages = query.IntAt(1);
  }
  constexpr int64_t kFreePagesMin = 16;
  if (free_pages >= kFreePagesMin && free_pages * 4 >= pages) {
    (void)Execute("PRAGMA incremental_vacuum");
  }
}

Statement Connection::Query(const char* sql) {
  (void)vfs_->TakeError();  // what SQLite overcame by itself
  sqlite3_stmt*& statement = statements_[sql];
  int code = SQLITE_OK;
  if (statement == nullptr) {
    code = sqlite3_prepare_v3(database_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  }
  return Statement(*this, statement, code);
}

Status Connection::Execute(const std::string& sql) {
  (void)vfs_->TakeError();
  int code = sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? Status() : Error(code);
}

Status Connection::Error(int code) {
  Status cause = vfs_->TakeError();
  switch (code & 0xff) {
    case SQLITE_FULL:
      return Status::ResourceExhausted(
          path() + ": no space left, nothing was changed; free some space and try again" +
          (cause.ok() ? "" : " (" + std::string(cause.message()) + ")"));
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      if (!cause.ok()) return cause.Annotate("catalog " + path());
      break;
    case SQLITE_NOMEM:
      return Status::ResourceExhausted(path() + ": out of memory, nothing was changed");
    case SQLITE_TOOBIG:
      return Status::InvalidArgument("Metadata or schema is larger than " +
                                     std::to_string(kValueBytesMax) + " bytes");
    default:
      break;
  }
  int primary = code & 0xff;
  if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB || primary == SQLITE_FORMAT) {
    return Damaged(sqlite3_errstr(code));
  }
  return Status::Internal("catalog " + path() + ": SQLite failed with code " +
                          std::to_string(code) + " (" + sqlite3_errstr(code) + ")");
}

Status Connection::Damaged(std::string_view what) const {
  return Status::DataLoss("catalog " + path() + " is damaged (" + std::string(what) +
                          "); restore it from a backup");
}

Transaction::~Transaction() {
  // SQLite may have rolled back by itself, as it does when the disk is full.
  if (connection_.InTransaction()) (void)connection_.Execute("ROLLBACK");
}

Status Transaction::Begin() {
  return connection_.Query("BEGIN IMMEDIATE").Run();
}
Status Transaction::Commit() {
  return connection_.Query("COMMIT").Run();
}

}  // namespace chroma::catalog
