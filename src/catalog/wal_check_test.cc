#include "catalog/wal_check.h"

#include <gtest/gtest.h>

#include "catalog/connection.h"
#include "catalog/sqlite_catalog.h"
#include "testing/fault_file_system.h"

namespace chroma::catalog {
namespace {

constexpr const char* kPath = "/catalog";
constexpr int kTenants = 6;

class WalCheckTest : public ::testing::Test {
 protected:
  WalCheckTest() {
    env_.files = &files_;
    auto catalog = OpenSqliteCatalog(env_, kPath);
    EXPECT_TRUE(catalog.ok());
    for (int i = 0; i < kTenants; ++i) {
      EXPECT_TRUE((*catalog)->CreateTenant(ctx_, "tenant" + std::to_string(i)).ok());
    }
    // As a kill leaves them.
    database_ = files_.Content(kPath);
    log_ = files_.Content(std::string(kPath) + "-wal");
  }

  // How many tenants a catalog with this log has; -1: it is refused.
  int Tenants(const Bytes& log) {
    testing::FaultFileSystem files(2);
    files.SetContent(kPath, database_);
    files.SetContent(std::string(kPath) + "-wal", log);
    runtime::Env env;
    env.files = &files;
    auto catalog = OpenSqliteCatalog(env, kPath);
    if (!catalog.ok()) {
      EXPECT_EQ(catalog.status().code(), StatusCode::kDataLoss) << catalog.status().ToString();
      return -1;
    }
    int found = 0;
    for (int i = 0; i < kTenants; ++i) {
      found += (*catalog)->GetTenant(ctx_, "tenant" + std::to_string(i)).ok() ? 1 : 0;
    }
    return found;
  }

  testing::FaultFileSystem files_{1};
  runtime::Env env_;
  runtime::Context ctx_;
  Bytes database_;
  Bytes log_;
};

TEST_F(WalCheckTest, DamageIsToldFromTheEnd) {
  ASSERT_EQ(Tenants(log_), kTenants);
  int refused = 0;
  for (size_t at = 0; at < log_.size(); at += at < 100 ? 1 : 61) {
    Bytes log = log_;
    log[at] = static_cast<char>(log[at] ^ (1 << at % 8));
    const int tenants = Tenants(log);
    // Of the last two commits nothing is known.
    EXPECT_TRUE(tenants == -1 || tenants >= kTenants - 2) << at << ": " << tenants;
    refused += tenants == -1 ? 1 : 0;
  }
  EXPECT_GT(refused, 100);
}

TEST_F(WalCheckTest, ATornEndIsNoDamage) {
  for (size_t size = 0; size < log_.size(); size += size < 200 ? 1 : 97) {
    EXPECT_GE(Tenants(log_.substr(0, size)), 0) << size;
  }
  // The frames of one commit, of which the first did not reach the disk.
  Bytes log = log_;
  const size_t frame = 4096 + 24;
  const size_t last = log.size() - frame;
  std::fill_n(log.begin() + static_cast<ptrdiff_t>(last), 24, '\0');
  EXPECT_EQ(Tenants(log), kTenants - 1);
}

// What is left of a commit that a power failure tore must not be there when the next one is
// written over it: a second power failure could make the first one whole.
TEST_F(WalCheckTest, ATornEndIsCutOffBeforeTheNextCommit) {
  const std::string log_path = std::string(kPath) + "-wal";
  Bytes torn = log_;
  torn[torn.size() - 100] = static_cast<char>(torn[torn.size() - 100] ^ 1);
  const size_t committed = log_.size() - (4096 + 24);
  for (const size_t left : {torn.size(), size_t{32} + 24 + 4096}) {
    testing::FaultFileSystem files(2);
    files.SetContent(kPath, database_);
    if (left < torn.size()) torn[left - 100] = static_cast<char>(torn[left - 100] ^ 1);
    files.SetContent(log_path, torn.substr(0, left));
    runtime::Env env;
    env.files = &files;
    int syncs = 0;  // outlives the catalog, which writes until the end
    auto catalog = OpenSqliteCatalog(env, kPath);
    ASSERT_TRUE(catalog.ok()) << catalog.status().ToString();
    EXPECT_EQ(files.Content(log_path).size(), left) << "reading cuts nothing";
    // The power fails at the first write of the commit.
    files.SetFault([&](testing::FaultFileSystem::Call call, const std::string& path) {
      if (path == log_path && call == testing::FaultFileSystem::Call::kSync) ++syncs;
      const bool write = call == testing::FaultFileSystem::Call::kWrite;
      return write && syncs > 0 ? Status::Internal("EIO") : Status();
    });
    EXPECT_FALSE((*catalog)->CreateTenant(ctx_, "new").ok());
    EXPECT_GE(syncs, 1);
    EXPECT_LE(files.Content(log_path).size(), left < torn.size() ? 32 : committed + 24);
  }
}

// SQLite believes what it reads from its log later, and copies it to the main file.
TEST_F(WalCheckTest, DamageWhileItIsOpenIsNoticed) {
  int noticed = 0;
  for (size_t at = 32; at < log_.size(); at += 997) {
    testing::FaultFileSystem files(2);
    files.SetContent(kPath, database_);
    files.SetContent(std::string(kPath) + "-wal", log_);
    runtime::Env env;
    env.files = &files;
    auto catalog = OpenSqliteCatalog(env, kPath);
    ASSERT_TRUE(catalog.ok());
    ASSERT_TRUE(files.FlipBit(std::string(kPath) + "-wal", at * 8));
    bool all_right = true;
    for (int i = 0; i < kTenants; ++i) {
      const Status status = (*catalog)->GetTenant(ctx_, "tenant" + std::to_string(i)).status();
      EXPECT_TRUE(status.ok() || status.code() == StatusCode::kDataLoss) << status.ToString();
      all_right &= status.ok();
    }
    // Before anything is written, the log is compared with what it was.
    const Status written = (*catalog)->CreateTenant(ctx_, "new");
    EXPECT_EQ(written.code(), StatusCode::kDataLoss) << written.ToString();
    noticed += all_right ? 0 : 1;
    catalog->reset();  // which would copy the log
    files.MendFlips();
    catalog = OpenSqliteCatalog(env, kPath);
    ASSERT_TRUE(catalog.ok()) << at << ": " << catalog.status().ToString();
    for (int i = 0; i < kTenants; ++i) {
      EXPECT_TRUE((*catalog)->GetTenant(ctx_, "tenant" + std::to_string(i)).ok()) << at;
    }
  }
  EXPECT_GT(noticed, 0);
}

// A header is written anew when all that the log held is in the main file. When that write is torn,
// nothing is lost: also when the log has pages that its last commit cut off.
TEST_F(WalCheckTest, ATornHeaderOfALogThatCutTheFileIsNoDamage) {
  testing::FaultFileSystem files(3);
  runtime::Env env;
  env.files = &files;
  const std::string log_path = std::string(kPath) + "-wal";
  Bytes log;
  Bytes database;
  {
    auto connection = *Connection::Open(env, kPath);
    ASSERT_TRUE(connection->Execute("CREATE TABLE t (x BLOB)").ok());
    ASSERT_TRUE(connection->EnterWalMode().ok());
    ASSERT_TRUE(connection->Execute("INSERT INTO t VALUES (zeroblob(200000))").ok());
    const size_t large = files.Content(log_path).size();
    ASSERT_TRUE(connection->Execute("DELETE FROM t; PRAGMA incremental_vacuum").ok());
    ASSERT_TRUE(connection->Execute("PRAGMA wal_checkpoint(FULL)").ok());
    log = files.Content(log_path);
    database = files.Content(kPath);
    ASSERT_GT(log.size(), large);
    ASSERT_LT(database.size(), 100'000U) << "the commit cut the file";
  }
  log.replace(10, 10, 10, 'x');
  files.SetContent(kPath, database);
  files.SetContent(log_path, log);
  const Status checked = CheckWriteAheadLog(files, kPath);
  EXPECT_TRUE(checked.ok()) << checked.ToString();
  EXPECT_TRUE(files.Content(log_path).empty());
  // But where the main file lacks something, it is lost.
  database[database.size() - 1000] = static_cast<char>(database[database.size() - 1000] ^ 1);
  files.SetContent(kPath, database);
  files.SetContent(log_path, log);
  EXPECT_EQ(CheckWriteAheadLog(files, kPath).code(), StatusCode::kDataLoss);
  EXPECT_TRUE(files.Content(log_path) == log);
}

}  // namespace
}  // namespace chroma::catalog
