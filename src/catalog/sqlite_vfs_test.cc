#include "catalog/sqlite_vfs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <memory>
#include <string>

#include "testing/fault_file_system.h"

namespace chroma::catalog {
namespace {

using runtime::FileSystem;
using runtime::OpenMode;
using testing::FaultFileSystem;
using ::testing::HasSubstr;

class FixedClock final : public runtime::Clock {
 public:
  int64_t MonotonicNs() override { return 0; }
  int64_t UnixNs() override { return 1'700'000'000 * runtime::kSecond; }
  void SleepNs(int64_t duration_ns) override { slept_ns += duration_ns; }
  int64_t slept_ns = 0;
};

class FixedRandom final : public runtime::Random {
 public:
  uint64_t Next() override { return 0x0102030405060708; }
};

class SqliteVfsTest : public ::testing::Test {
 protected:
  SqliteVfsTest() {
    env_.files = files_.get();
    env_.clock = &clock_;
    env_.random = &random_;
    EXPECT_TRUE(files_->CreateDirectory("/d").ok());
    Create();
  }

  void Create() {
    vfs_.reset();
    auto created = SqliteVfs::Create(env_, "/d/file: ?x=1");
    EXPECT_TRUE(created.ok());
    vfs_ = *std::move(created);
  }

  // A connection with page checksums; null on failure, with the code in `code_`.
  sqlite3* Open() {
    sqlite3* db = nullptr;
    code_ = sqlite3_open_v2(SqliteVfs::kDatabaseName, &db,
                            SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs_->name());
    EXPECT_EQ(code_, SQLITE_OK);
    int reserve = kPageReserveBytes;
    sqlite3_file_control(db, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserve);
    return db;
  }

  int Run(sqlite3* db, const std::string& sql) {
    return sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr);
  }

  static int64_t Number(sqlite3* db, const char* sql) {
    sqlite3_stmt* statement = nullptr;
    EXPECT_EQ(sqlite3_prepare_v2(db, sql, -1, &statement, nullptr), SQLITE_OK);
    int64_t number =
        sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : -1;
    sqlite3_finalize(statement);
    return number;
  }

  std::unique_ptr<FileSystem> files_ = FileSystem::InMemory();
  FixedClock clock_;
  FixedRandom random_;
  runtime::Env env_;
  std::unique_ptr<SqliteVfs> vfs_;
  int code_ = SQLITE_OK;
};

// Rows are larger than a page, so overflow pages are checked too.
constexpr const char* kFill =
    "CREATE TABLE t (x BLOB); WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n "
    "WHERE i < 50) INSERT INTO t SELECT zeroblob(5000) FROM n";

TEST_F(SqliteVfsTest, BothJournalModesSurviveReopening) {
  sqlite3* db = Open();
  ASSERT_EQ(Run(db, kFill), SQLITE_OK);
  ASSERT_EQ(Run(db, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL"), SQLITE_OK);
  ASSERT_EQ(Run(db, "BEGIN; DELETE FROM t WHERE rowid > 5; ROLLBACK"), SQLITE_OK);
  ASSERT_EQ(Run(db, "UPDATE t SET x = zeroblob(6000)"), SQLITE_OK);
  EXPECT_TRUE(*files_->Exists("/d/file: ?x=1-wal"));
  ASSERT_EQ(sqlite3_close(db), SQLITE_OK);
  EXPECT_FALSE(*files_->Exists("/d/file: ?x=1-wal"));
  Create();
  db = Open();
  ASSERT_EQ(Run(db, "PRAGMA locking_mode = EXCLUSIVE"), SQLITE_OK);
  EXPECT_EQ(Number(db, "SELECT sum(length(x)) FROM t"), 50 * 6000);
  EXPECT_EQ(sqlite3_close(db), SQLITE_OK);
}

TEST_F(SqliteVfsTest, TwoDatabasesAreApart) {
  auto other = *SqliteVfs::Create(env_, "/d/other");
  EXPECT_STRNE(other->name(), vfs_->name());
  sqlite3* db = Open();
  ASSERT_EQ(Run(db, kFill), SQLITE_OK);
  EXPECT_FALSE(*files_->Exists("/d/other"));
  EXPECT_EQ(sqlite3_close(db), SQLITE_OK);
}

TEST_F(SqliteVfsTest, EveryPageIsChecked) {
  sqlite3* db = Open();
  ASSERT_EQ(Run(db, kFill), SQLITE_OK);
  ASSERT_EQ(sqlite3_close(db), SQLITE_OK);
  auto file = *files_->Open("/d/file: ?x=1", OpenMode::kReadWrite);
  const uint64_t pages = *file->Size() / 4096;
  ASSERT_GT(pages, 50U);
  for (uint64_t page = 0; page < pages; ++page) {
    const uint64_t at = page * 4096 + (page * 131 + 200) % 4096;
    char byte = 0;
    ASSERT_EQ(*file->ReadAt(at, &byte, 1), 1U);
    const char damaged = static_cast<char>(byte ^ 0x10);
    ASSERT_TRUE(file->WriteAt(at, BytesView(&damaged, 1)).ok());
    Create();
    db = Open();
    // The primary code: see kWrongBytes in sqlite_vfs.cc why it is not SQLITE_CORRUPT.
    EXPECT_EQ(Run(db, "SELECT sum(length(hex(x))) FROM t"), SQLITE_IOERR) << "page " << page;
    Status error = vfs_->TakeError();
    EXPECT_EQ(error.code(), StatusCode::kDataLoss);
    EXPECT_THAT(std::string(error.message()), HasSubstr("byte " + std::to_string(page * 4096)));
    EXPECT_TRUE(vfs_->TakeError().ok());
    sqlite3_close(db);
    ASSERT_TRUE(file->WriteAt(at, BytesView(&byte, 1)).ok());
  }
}

TEST_F(SqliteVfsTest, TimeSleepAndChanceAreOfTheEnvironment) {
  sqlite3_vfs* vfs = sqlite3_vfs_find(vfs_->name());
  ASSERT_NE(vfs, nullptr);
  sqlite3* db = Open();
  EXPECT_EQ(Number(db, "SELECT unixepoch('now')"), 1'700'000'000);
  EXPECT_EQ(sqlite3_close(db), SQLITE_OK);
  double days = 0;
  EXPECT_EQ(vfs->xCurrentTime(vfs, &days), SQLITE_OK);
  EXPECT_NEAR(days, 2'440'587.5 + 1.7e9 / 86400, 1e-6);
  EXPECT_EQ(vfs->xSleep(vfs, 5), 5);
  EXPECT_EQ(clock_.slept_ns, 5000);
  char bytes[11];
  EXPECT_EQ(vfs->xRandomness(vfs, sizeof(bytes), bytes), 11);
  EXPECT_EQ(std::string(bytes, 11), "\x08\x07\x06\x05\x04\x03\x02\x01\x08\x07\x06");
}

TEST_F(SqliteVfsTest, NoTemporaryFiles) {
  sqlite3_vfs* vfs = sqlite3_vfs_find(vfs_->name());
  alignas(8) char space[512];
  ASSERT_LE(static_cast<size_t>(vfs->szOsFile), sizeof(space));
  auto* file = reinterpret_cast<sqlite3_file*>(space);
  EXPECT_EQ(vfs->xOpen(vfs, nullptr, file, SQLITE_OPEN_TEMP_DB | SQLITE_OPEN_READWRITE, nullptr),
            SQLITE_CANTOPEN);
  EXPECT_EQ(file->pMethods, nullptr);
}

TEST_F(SqliteVfsTest, IsForgottenWhenDestroyed) {
  std::string name = vfs_->name();
  vfs_.reset();
  EXPECT_EQ(sqlite3_vfs_find(name.c_str()), nullptr);
}

TEST_F(SqliteVfsTest, NewFilesAreSyncedWithTheirDirectory) {
  std::string calls;
  FaultFileSystem traced(1);
  traced.SetFault([&](FaultFileSystem::Call call, const std::string& path) {
    calls += std::string(FaultFileSystem::CallName(call)) + " " + path + "\n";
    return Status();
  });
  env_.files = &traced;
  Create();
  sqlite3* db = Open();
  ASSERT_EQ(Run(db, kFill), SQLITE_OK);
  ASSERT_EQ(
      Run(db, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; CREATE TABLE u(x)"),
      SQLITE_OK);
  for (const char* file : {"", "-journal", "-wal"}) {
    EXPECT_THAT(calls,
                HasSubstr("sync /d/file: ?x=1" + std::string(file) + "\nsync directory /d\n"));
  }
  sqlite3_close(db);
  env_.files = files_.get();
}

TEST_F(SqliteVfsTest, AMainFileThatOnceFailedToSyncKeepsItsLog) {
  bool fail = false;
  FaultFileSystem faulty(1);
  faulty.SetFault([&](FaultFileSystem::Call call, const std::string& path) {
    bool hit = fail && call == FaultFileSystem::Call::kSync && path == "/d/file: ?x=1";
    if (hit) fail = false;  // the next one would succeed, without the lost pages
    return hit ? Status::Internal("EIO") : Status();
  });
  env_.files = &faulty;
  Create();
  sqlite3* db = Open();
  ASSERT_EQ(Run(db, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL"), SQLITE_OK);
  ASSERT_EQ(Run(db, kFill), SQLITE_OK);
  fail = true;
  EXPECT_NE(Run(db, "PRAGMA wal_checkpoint(TRUNCATE)"), SQLITE_OK);
  EXPECT_NE(Run(db, "PRAGMA wal_checkpoint(TRUNCATE)"), SQLITE_OK);
  EXPECT_EQ(Run(db, "DELETE FROM t WHERE rowid <= 10"), SQLITE_OK);
  sqlite3_close(db);
  EXPECT_TRUE(*faulty.Exists("/d/file: ?x=1-wal"));
  Create();
  db = Open();
  ASSERT_EQ(Run(db, "PRAGMA locking_mode = EXCLUSIVE"), SQLITE_OK);
  EXPECT_EQ(Number(db, "SELECT count(*) FROM t"), 40);
  EXPECT_EQ(sqlite3_close(db), SQLITE_OK);
  env_.files = files_.get();
}

}  // namespace
}  // namespace chroma::catalog
