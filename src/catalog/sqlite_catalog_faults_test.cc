// The catalog on full disks, damaged files, files of others, and after power failures.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "catalog/connection.h"
#include "catalog/migrations.h"
#include "catalog/sqlite_catalog.h"
#include "testing/fault_file_system.h"

namespace chroma::catalog {
namespace {

using model::Collection;
using runtime::Context;
using runtime::FileSystem;
using runtime::OpenMode;
using testing::FaultFileSystem;
using ::testing::HasSubstr;
using Call = FaultFileSystem::Call;

constexpr const char* kPath = "/catalog.sqlite3";
constexpr const char* kTenant = model::kDefaultTenant;
constexpr const char* kDatabase = model::kDefaultDatabase;

runtime::Env EnvOn(FileSystem& files) {
  runtime::Env env;
  env.files = &files;
  return env;
}

class SeededRandom final : public runtime::Random {
 public:
  explicit SeededRandom(uint64_t seed) : engine_(seed) {}
  uint64_t Next() override { return engine_(); }

 private:
  std::mt19937_64 engine_;
};

Uuid Id(uint64_t n) {
  return Uuid::FromRandom(n * 0x9e3779b97f4a7c15, n);
}

Collection Make(uint64_t n, size_t metadata_bytes = 10) {
  Collection collection;
  collection.id = Id(n);
  collection.name = "c" + std::to_string(n);
  collection.tenant = kTenant;
  collection.database = kDatabase;
  collection.schema = model::DefaultSchema(2);
  collection.metadata.emplace();
  collection.metadata->Set("text", std::string(metadata_bytes, 'x'));
  return collection;
}

// Everything that the catalog answers, as text; "error: …" when it cannot.
std::string StateOf(Catalog& catalog) {
  Context ctx;
  auto collections = catalog.ListCollections(ctx, kTenant, kDatabase, {});
  auto heads = catalog.ListHeads(ctx);
  auto blobs = catalog.LiveBlobs(ctx);
  auto tenant = catalog.GetTenant(ctx, kTenant);
  for (const Status& status :
       {collections.status(), heads.status(), blobs.status(), tenant.status()}) {
    if (!status.ok()) return "error: " + status.ToString();
  }
  std::string state;
  for (const Collection& c : *collections) {
    const auto* text = std::get_if<std::string>(c.metadata->Find("text"));
    state += c.id.ToString() + " " + c.name + " " + std::to_string(text->size()) + " " +
             std::to_string(c.dimension.value_or(0)) + " " + std::to_string(c.version) + " " +
             std::to_string(c.schema.keys.size()) + "\n";
  }
  for (const auto& head : *heads) {
    state +=
        head.id.ToString() + " " + head.manifest + " " + std::to_string(head.log_offset) + "\n";
  }
  for (const std::string& blob : *blobs) state += blob + "\n";
  return state;
}

// One change of collection 1 + step % 5, or of everything.
Status Change(Catalog& catalog, uint64_t step) {
  Context ctx;
  const uint64_t n = 1 + step % 5;
  switch (step % 7) {
    case 0:
    case 1:
    case 2: {
      const size_t size = step * 7919 % 40'000;
      return catalog.CreateCollection(ctx, Make(n, size), true).status();
    }
    case 3: {
      auto collection = catalog.GetCollectionById(ctx, Id(n));
      if (!collection.ok()) return collection.status();
      std::string tag = std::to_string(step);
      return catalog.PublishVersion(
          ctx, {Id(n), collection->version, "m" + tag, step, {"m" + tag, "s" + tag}});
    }
    case 4: {
      model::Metadata keys;
      keys.Set("k" + std::to_string(step), true);
      return catalog.RegisterWrite(ctx, Id(n), 3, {keys}).status();
    }
    case 5:
      return catalog.DeleteCollection(ctx, kTenant, kDatabase, "c" + std::to_string(n)).status();
    default:
      return step % 49 == 48 ? catalog.Reset(ctx).status()
                             : catalog.CreateTenant(ctx, std::to_string(step));
  }
}

TEST(SqliteCatalogFaultsTest, AFullDiskChangesNothing) {
  bool reached_the_end = false;
  for (int fail_after = 0; !reached_the_end; ++fail_after) {
    ASSERT_LT(fail_after, 500);
    FaultFileSystem files(static_cast<uint64_t>(fail_after));
    int calls_left = -1;  // negative: room for all
    bool failed = false;
    files.SetFault([&](Call call, const std::string& path) {
      if (calls_left < 0 || call == Call::kRemove) return Status();
      if (calls_left > 0) --calls_left;
      if (calls_left > 0) return Status();
      failed = true;
      return Status::ResourceExhausted(std::string(FaultFileSystem::CallName(call)) + " " + path +
                                       ": no space left");
    });
    auto catalog = *OpenSqliteCatalog(EnvOn(files), kPath);
    for (uint64_t step = 0; step < 25; ++step) (void)Change(*catalog, step);
    const std::string before = StateOf(*catalog);
    Context ctx;
    calls_left = fail_after + 1;
    // The page cache holds all of it: failures hit the log, its sync, and the checkpoint.
    Status status = catalog->CreateCollection(ctx, Make(77, 100'000), false).status();
    calls_left = -1;
    reached_the_end = !failed;
    if (status.ok()) {
      EXPECT_TRUE(catalog->GetCollectionById(ctx, Id(77)).ok());
    } else {
      EXPECT_EQ(status.code(), StatusCode::kResourceExhausted) << status.ToString();
      EXPECT_THAT(std::string(status.message()), HasSubstr(kPath));
      EXPECT_EQ(StateOf(*catalog), before);
      EXPECT_EQ(catalog->CreateCollection(ctx, Make(77, 100'000), false).status().ToString(), "OK");
    }
    const std::string after = StateOf(*catalog);
    EXPECT_NE(after, before);
    catalog.reset();
    auto reopened = OpenSqliteCatalog(EnvOn(files), kPath);
    ASSERT_TRUE(reopened.ok()) << reopened.status().ToString();
    EXPECT_EQ(StateOf(**reopened), after) << "failing after " << fail_after;
  }
}

TEST(SqliteCatalogFaultsTest, ATransactionLargerThanTheCacheIsUndoneWhenTheDiskFills) {
  FaultFileSystem files(1);
  bool full = false;
  files.SetFault([&](Call, const std::string&) {
    return full ? Status::ResourceExhausted("no space left") : Status();
  });
  auto catalog = *OpenSqliteCatalog(EnvOn(files), kPath);
  for (uint64_t step = 0; step < 25; ++step) (void)Change(*catalog, step);
  const std::string before = StateOf(*catalog);
  Context ctx;
  full = true;
  EXPECT_EQ(catalog->CreateCollection(ctx, Make(77, 40 << 20), false).status().code(),
            StatusCode::kResourceExhausted);
  EXPECT_EQ(StateOf(*catalog), before);
  EXPECT_EQ(catalog->Reset(ctx).status().code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(StateOf(*catalog), before);
  full = false;
  EXPECT_TRUE(catalog->CreateCollection(ctx, Make(78), false).ok());
  EXPECT_EQ(catalog->CreateCollection(ctx, Make(77, 70 << 20), false).status().code(),
            StatusCode::kInvalidArgument);
}

TEST(SqliteCatalogFaultsTest, OpeningOnAFullDiskCanBeTriedAgain) {
  for (int fail_after = 0;; ++fail_after) {
    ASSERT_LT(fail_after, 200);
    FaultFileSystem files(static_cast<uint64_t>(fail_after));
    int calls_left = fail_after;
    files.SetFault([&](Call call, const std::string&) {
      if (call == Call::kRemove || calls_left-- > 0) return Status();
      return Status::ResourceExhausted("no space left");
    });
    auto opened = OpenSqliteCatalog(EnvOn(files), kPath);
    const bool done = opened.ok();
    if (!done) {
      EXPECT_EQ(opened.status().code(), StatusCode::kResourceExhausted);
    }
    opened = Status::Internal("closed");
    files.SetFault({});
    auto again = OpenSqliteCatalog(EnvOn(files), kPath);
    ASSERT_TRUE(again.ok()) << fail_after << ": " << again.status().ToString();
    Context ctx;
    EXPECT_TRUE((*again)->GetDatabase(ctx, kDatabase, kTenant).ok());
    if (done) break;
  }
}

// A server that starts on a full disk serves reads: nothing is written to a catalog that is whole.
TEST(SqliteCatalogFaultsTest, OpeningAWholeCatalogWritesNothing) {
  for (bool killed : {false, true}) {
    FaultFileSystem files(7);
    std::unique_ptr<FaultFileSystem> found;
    Context ctx;
    {
      auto catalog = OpenSqliteCatalog(EnvOn(files), kPath);
      ASSERT_TRUE(catalog.ok()) << catalog.status().ToString();
      ASSERT_TRUE((*catalog)->CreateCollection(ctx, Make(1), false).ok());
      if (killed) found = files.AfterPowerLoss(8);
    }
    if (!killed) found = files.AfterPowerLoss(8);
    found->SetFault([](Call call, const std::string&) {
      return call == Call::kWrite ? Status::ResourceExhausted("no space left") : Status();
    });
    auto catalog = OpenSqliteCatalog(EnvOn(*found), kPath);
    ASSERT_TRUE(catalog.ok()) << killed << ": " << catalog.status().ToString();
    EXPECT_TRUE((*catalog)->GetCollectionById(ctx, Id(1)).ok());
    EXPECT_FALSE((*catalog)->CreateCollection(ctx, Make(2), false).ok());
    found->SetFault({});
    EXPECT_TRUE((*catalog)->CreateCollection(ctx, Make(2), false).ok());
  }
}

TEST(SqliteCatalogFaultsTest, PowerFailuresKeepWhatWasAcknowledged) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  SeededRandom random(seed);
  FaultFileSystem files(seed);
  std::vector<std::unique_ptr<FaultFileSystem>> images;
  files.SetObserver([&] {
    if (random.Next() % 3 == 0) images.push_back(files.AfterPowerLoss(random.Next()));
  });
  std::unique_ptr<Catalog> catalog;
  std::string before = "none";
  int checked = 0;
  for (uint64_t step = 0; step < 100; ++step) {
    if (step % 30 == 0) {
      catalog.reset();
      catalog = *OpenSqliteCatalog(EnvOn(files), kPath);
    } else {
      (void)Change(*catalog, step);
    }
    const std::string after = StateOf(*catalog);
    for (auto& image : images) {
      auto opened = OpenSqliteCatalog(EnvOn(*image), kPath);
      ASSERT_TRUE(opened.ok()) << "step " << step << ": " << opened.status().ToString();
      const std::string state = StateOf(**opened);
      EXPECT_TRUE(state == after || state == before || before == "none") << "step " << step << "\n"
                                                                         << state << "before\n"
                                                                         << before << "after\n"
                                                                         << after;
      ASSERT_TRUE(Change(**opened, 0).ok());
      ++checked;
    }
    images.clear();
    before = after;
  }
  EXPECT_GT(checked, 50);
}

TEST(SqliteCatalogFaultsTest, DamageIsAnErrorAndNeverACrash) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  auto memory = FileSystem::InMemory();
  std::string good;
  {
    auto catalog = *OpenSqliteCatalog(EnvOn(*memory), kPath);
    for (uint64_t step = 0; step < 40; ++step) (void)Change(*catalog, step);
    good = StateOf(*catalog);
  }
  auto file = *memory->Open(kPath, OpenMode::kReadWrite);
  Bytes pristine(*file->Size(), '\0');
  ASSERT_EQ(*file->ReadAt(0, pristine.data(), pristine.size()), pristine.size());
  int noticed = 0;
  for (int round = 0; round < 300; ++round) {
    Bytes damaged = pristine;
    if (round % 10 == 9) {
      damaged.resize(random() % damaged.size());
    } else {
      const size_t n = size_t{1} << random() % 8;
      const size_t at = random() % (damaged.size() - n);
      for (size_t i = at; i < at + n; ++i) damaged[i] = static_cast<char>(random());
    }
    ASSERT_TRUE(file->Truncate(0).ok());
    ASSERT_TRUE(file->WriteAt(0, damaged).ok());
    auto opened = OpenSqliteCatalog(EnvOn(*memory), kPath);
    if (damaged.size() < 100 && opened.ok()) continue;
    if (opened.ok()) {
      std::string state = StateOf(**opened);
      EXPECT_TRUE(state == good || state.starts_with("error: DATA_LOSS: ")) << state;
      if (state != good) {
        EXPECT_THAT(state, HasSubstr(kPath));
      }
      noticed += state == good ? 0 : 1;
      for (uint64_t step = 0; step < 7; ++step) (void)Change(**opened, step);
    } else {
      EXPECT_THAT(opened.status().code(),
                  ::testing::AnyOf(StatusCode::kDataLoss, StatusCode::kFailedPrecondition))
          << opened.status().ToString();
      EXPECT_THAT(std::string(opened.status().message()), HasSubstr(kPath));
      ++noticed;
    }
    opened = Status::Internal("closed");
    (void)memory->Remove(std::string(kPath) + "-wal");
    (void)memory->Remove(std::string(kPath) + "-journal");
  }
  EXPECT_GT(noticed, 150);
}

// A commit fails, and so does reading the pages again that it had changed: nothing of it may be
// left for the next transaction to commit.
TEST(SqliteCatalogFaultsTest, DamageDuringARollbackCommitsNothing) {
  int failures = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    SeededRandom random(seed);
    FaultFileSystem files(seed);
    FaultFileSystem others(seed);  // where the failed change is not tried
    bool broken = false;
    files.SetFault([&broken](Call call, const std::string& path) {
      const bool fails = broken && call == Call::kWrite && path.ends_with("-wal");
      return fails ? Status::Internal("EIO") : Status();
    });
    auto catalog = *OpenSqliteCatalog(EnvOn(files), kPath);
    auto twin = *OpenSqliteCatalog(EnvOn(others), kPath);
    const auto change_both = [&](uint64_t step) {
      EXPECT_EQ(Change(*catalog, step).ToString(), Change(*twin, step).ToString()) << step;
    };
    for (uint64_t step = 0; step < 12; ++step) change_both(step);
    catalog.reset();
    catalog = *OpenSqliteCatalog(EnvOn(files), kPath);
    EXPECT_EQ(StateOf(*catalog), StateOf(*twin));
    const uint64_t page = random.Next() % 3 == 0 ? random.Next() % 20 : 0;
    ASSERT_TRUE(files.FlipBit(kPath, (page * 4096 + 200 + random.Next() % 3000) * 8));
    broken = true;
    failures += Change(*catalog, 14 + random.Next() % 7).ok() ? 0 : 1;
    broken = false;
    files.MendFlips();
    EXPECT_EQ(StateOf(*catalog), StateOf(*twin));
    for (uint64_t step = 28; step < 36; ++step) change_both(step);
    catalog.reset();
    catalog = *OpenSqliteCatalog(EnvOn(files), kPath);
    EXPECT_EQ(StateOf(*catalog), StateOf(*twin));
  }
  EXPECT_GT(failures, 20);
}

TEST(SqliteCatalogFaultsTest, NewerAndForeignSchemasAreRefused) {
  auto memory = FileSystem::InMemory();
  auto migrate = [&](const std::string& path, const std::vector<Migration>& migrations) {
    auto connection = *Connection::Open(EnvOn(*memory), path);
    Transaction transaction(*connection);
    EXPECT_TRUE(transaction.Begin().ok());
    auto is_new = Migrate(*connection, migrations);
    EXPECT_TRUE(is_new.ok()) << is_new.status().ToString();
    EXPECT_TRUE(transaction.Commit().ok());
  };
  std::vector<Migration> newer(Migrations().begin(), Migrations().end());
  newer.push_back({static_cast<int>(newer.size()) + 1, "CREATE TABLE later (x INTEGER) STRICT"});
  migrate("/newer", newer);
  auto opened = OpenSqliteCatalog(EnvOn(*memory), "/newer");
  EXPECT_EQ(opened.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(opened.status().message()),
              HasSubstr("/newer was written by a newer version of chroma"));
  EXPECT_THAT(std::string(opened.status().message()),
              HasSubstr("upgrade this program or use another path"));

  migrate("/changed", {{1, "CREATE TABLE tenants (x INTEGER) STRICT"}});
  opened = OpenSqliteCatalog(EnvOn(*memory), "/changed");
  EXPECT_EQ(opened.status().code(), StatusCode::kFailedPrecondition);

  // An older database is brought to the present, once.
  migrate("/older", {newer[0]});
  migrate("/older", newer);
  migrate("/older", newer);
  EXPECT_EQ(OpenSqliteCatalog(EnvOn(*memory), "/older").status().code(),
            StatusCode::kFailedPrecondition);
}

TEST(SqliteCatalogFaultsTest, AFailedMigrationLeavesTheDatabaseAsItWas) {
  auto memory = FileSystem::InMemory();
  { auto catalog = *OpenSqliteCatalog(EnvOn(*memory), kPath); }
  {
    auto connection = *Connection::Open(EnvOn(*memory), kPath);
    std::vector<Migration> broken(Migrations().begin(), Migrations().end());
    broken.push_back({static_cast<int>(broken.size()) + 1,
                      "CREATE TABLE later (x INTEGER) STRICT; CREATE TABLE tenants (x INTEGER)"});
    Transaction transaction(*connection);
    ASSERT_TRUE(transaction.Begin().ok());
    EXPECT_EQ(Migrate(*connection, broken).status().code(), StatusCode::kInternal);
  }
  EXPECT_TRUE(OpenSqliteCatalog(EnvOn(*memory), kPath).ok());
}

// What a creation that failed half way left behind is not another program's.
TEST(SqliteCatalogFaultsTest, AFailedCreationCanBeTriedAgain) {
  bool reached_the_end = false;
  for (uint64_t fail_at = 0; !reached_the_end; ++fail_at) {
    ASSERT_LT(fail_at, 500U);
    FaultFileSystem files(fail_at);
    uint64_t calls = 0;
    files.SetFault([&](Call, const std::string& path) {
      return calls++ == fail_at ? Status::Internal(path + ": Input/output error") : Status();
    });
    auto first = OpenSqliteCatalog(EnvOn(files), kPath);
    reached_the_end = calls <= fail_at;
    files.SetFault(nullptr);
    Context ctx;
    const bool created = first.ok();
    if (created) {
      ASSERT_TRUE((*first)->CreateTenant(ctx, "durable").ok());
      for (uint64_t seed = 0; seed < 8; ++seed) {
        auto after = files.AfterPowerLoss(seed);
        auto again = OpenSqliteCatalog(EnvOn(*after), kPath);
        ASSERT_TRUE(again.ok()) << "failed call " << fail_at << ": " << again.status().ToString();
        EXPECT_TRUE((*again)->GetTenant(ctx, "durable").ok()) << "failed call " << fail_at;
      }
    }
    first = Status::Internal("closed");
    auto opened = OpenSqliteCatalog(EnvOn(files), kPath);
    ASSERT_TRUE(opened.ok()) << "failed call " << fail_at << ": " << opened.status().ToString();
  }
}

// The next try begins with what the failed one left, and the power goes in its midst.
TEST(SqliteCatalogFaultsTest, ACreationWhoseSyncFailedLeavesNothingHalfMade) {
  for (uint64_t fail_at = 0; fail_at < 12; ++fail_at) {
    bool reached_the_end = false;
    for (uint64_t stop_at = 0; !reached_the_end; ++stop_at) {
      FaultFileSystem files(fail_at * 1000 + stop_at);
      uint64_t syncs = 0;
      files.SetFault([&](Call call, const std::string& path) {
        return call == Call::kSync && syncs++ == fail_at
                   ? Status::Internal(path + ": Input/output error")
                   : Status();
      });
      (void)OpenSqliteCatalog(EnvOn(files), kPath);
      uint64_t calls = 0;
      files.SetFault([&](Call, const std::string&) {
        return calls++ >= stop_at ? Status::Internal("the power is off") : Status();
      });
      (void)OpenSqliteCatalog(EnvOn(files), kPath);
      reached_the_end = calls <= stop_at;
      files.SetFault(nullptr);
      for (uint64_t seed = 0; seed < 4; ++seed) {
        auto after = files.AfterPowerLoss(seed);
        auto again = OpenSqliteCatalog(EnvOn(*after), kPath);
        ASSERT_TRUE(again.ok()) << "failed sync " << fail_at << ", stopped at call " << stop_at
                                << ", seed " << seed << ": " << again.status().ToString();
      }
    }
  }
}

// After a failed fdatasync the kernel shows bytes that are not on the disk, also to the next
// process: what that acknowledges must not depend on them.
// SQLite answers "wal" before it writes that: without that write commits go to a log which nobody
// reads again.
TEST(SqliteCatalogFaultsTest, AnErrorWhileEnteringWalModeIsNoticed) {
  Context ctx;
  int refused = 0;
  for (int failing = 0; failing < 60; ++failing) {
    SCOPED_TRACE(failing);
    FaultFileSystem files(static_cast<uint64_t>(failing));
    int calls = 0;
    int fails_at = -1;
    files.SetFault([&](Call, const std::string&) {
      return calls++ == fails_at ? Status::Internal("EIO") : Status();
    });
    {
      // Made, but a power failure or an error kept it from entering WAL mode.
      auto connection = *Connection::Open(EnvOn(files), kPath);
      Transaction transaction(*connection);
      ASSERT_TRUE(transaction.Begin().ok());
      ASSERT_TRUE(Migrate(*connection, Migrations()).ok());
      ASSERT_TRUE(transaction.Commit().ok());
    }
    fails_at = calls + failing;
    auto catalog = OpenSqliteCatalog(EnvOn(files), kPath);
    fails_at = -1;
    if (!catalog.ok()) {
      ++refused;
      continue;
    }
    ASSERT_TRUE((*catalog)->CreateTenant(ctx, "acknowledged").ok());
    for (uint64_t seed = 0; seed < 4; ++seed) {
      const auto after = files.AfterPowerLoss(seed);
      auto reopened = OpenSqliteCatalog(EnvOn(*after), kPath);
      ASSERT_TRUE(reopened.ok()) << reopened.status().ToString();
      EXPECT_TRUE((*reopened)->GetTenant(ctx, "acknowledged").ok());
    }
  }
  EXPECT_GT(refused, 1);
}

TEST(SqliteCatalogFaultsTest, BytesOfAFailedSyncAreNotBuiltUpon) {
  Context ctx;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    FaultFileSystem files(seed);
    bool fail = false;
    files.SetFault([&](Call call, const std::string& path) {
      return fail && call == Call::kSync ? Status::Internal(path + ": Input/output error")
                                         : Status();
    });
    auto catalog = OpenSqliteCatalog(EnvOn(files), kPath);
    ASSERT_TRUE(catalog.ok());
    ASSERT_TRUE((*catalog)->CreateTenant(ctx, "first").ok());
    fail = true;
    EXPECT_FALSE((*catalog)->CreateTenant(ctx, "lost").ok());
    catalog = Status::Internal("closed");  // without another sync that works
    fail = false;
    catalog = OpenSqliteCatalog(EnvOn(files), kPath);
    ASSERT_TRUE(catalog.ok()) << catalog.status().ToString();
    ASSERT_TRUE((*catalog)->CreateTenant(ctx, "second").ok());
    auto after = files.AfterPowerLoss(seed);
    auto again = OpenSqliteCatalog(EnvOn(*after), kPath);
    ASSERT_TRUE(again.ok()) << "seed " << seed << ": " << again.status().ToString();
    EXPECT_TRUE((*again)->GetTenant(ctx, "first").ok()) << "seed " << seed;
    EXPECT_TRUE((*again)->GetTenant(ctx, "second").ok()) << "seed " << seed;
  }
}

TEST(SqliteCatalogFaultsTest, OtherFilesAreRefusedAndLeftAlone) {
  auto memory = FileSystem::InMemory();
  const std::string text(5000, 'a');
  auto file = *memory->Open("/text", OpenMode::kCreate);
  ASSERT_TRUE(file->WriteAt(0, text).ok());
  auto opened = OpenSqliteCatalog(EnvOn(*memory), "/text");
  EXPECT_EQ(opened.status().code(), StatusCode::kDataLoss);
  Bytes now(text.size(), '\0');
  EXPECT_EQ(*file->ReadAt(0, now.data(), now.size()), now.size());
  EXPECT_EQ(now, text);
  {
    auto connection = *Connection::Open(EnvOn(*memory), "/foreign");
    ASSERT_TRUE(connection->Execute("CREATE TABLE t (x)").ok());
  }
  opened = OpenSqliteCatalog(EnvOn(*memory), "/foreign");
  EXPECT_EQ(opened.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(opened.status().message()), HasSubstr("another program"));
  EXPECT_EQ(OpenSqliteCatalog(EnvOn(*memory), "/no/such/directory").status().code(),
            StatusCode::kNotFound);
}

}  // namespace
}  // namespace chroma::catalog
