#include "catalog/wal_check.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace chroma::catalog
