#include "catalog/sqlite_catalog.h"

#include <stdlib.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/scheduler.h"

namespace chroma::catalog {
namespace {

using model::Collection;
using runtime::Context;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kTenant = model::kDefaultTenant;
constexpr const char* kDatabase = model::kDefaultDatabase;

Uuid Id(uint64_t n) {
  return Uuid::FromRandom(n * 0x9e3779b97f4a7c15, n);
}

Collection Make(uint64_t n, const std::string& name) {
  Collection collection;
  collection.id = Id(n);
  collection.name = name;
  collection.tenant = kTenant;
  collection.database = kDatabase;
  collection.schema = model::DefaultSchema(2);
  return collection;
}

using Update = Catalog::CollectionUpdate;

Update Rename(const std::string& name) {
  Update update;
  update.name = name;
  return update;
}

Update Rename(const std::string& name, std::optional<model::Metadata> metadata) {
  Update update = Rename(name);
  update.metadata.emplace(std::move(metadata));
  return update;
}

#define EXPECT_STATUS(expression, expected_code, expected_message)              \
  do {                                                                          \
    const Status expect_status = ToStatus(expression);                          \
    EXPECT_EQ(expect_status.code(), expected_code) << expect_status.ToString(); \
    EXPECT_EQ(expect_status.message(), expected_message);                       \
  } while (false)
#define EXPECT_OK(expression) EXPECT_EQ(ToStatus(expression).ToString(), "OK")
#define ASSERT_OK(expression) ASSERT_EQ(ToStatus(expression).ToString(), "OK")

Status ToStatus(const Status& status) {
  return status;
}
template <typename T>
Status ToStatus(const Result<T>& result) {
  return result.status();
}

void ExpectSame(const Collection& a, const Collection& b) {
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.tenant, b.tenant);
  EXPECT_EQ(a.database, b.database);
  EXPECT_EQ(a.metadata, b.metadata);
  EXPECT_EQ(a.schema, b.schema);
  EXPECT_EQ(a.dimension, b.dimension);
  EXPECT_EQ(a.manifest, b.manifest);
  EXPECT_EQ(a.version, b.version);
  EXPECT_EQ(a.log_offset, b.log_offset);
}

enum class Place { kMemory, kDisk };

class SqliteCatalogTest : public testing::TestWithParam<Place> {
 protected:
  void SetUp() override {
    if (GetParam() == Place::kMemory) {
      memory_ = runtime::FileSystem::InMemory();
      env_.files = memory_.get();
      directory_ = "/data";
      ASSERT_OK(env_.files->CreateDirectory(directory_));
    } else {
      std::string name = testing::TempDir() + "chroma-catalog-XXXXXX";
      ASSERT_NE(mkdtemp(name.data()), nullptr);
      directory_ = name;
    }
    path_ = runtime::JoinPath(directory_, "catalog.sqlite3");
    Reopen();
  }

  void TearDown() override {
    catalog_.reset();
    if (GetParam() == Place::kMemory) return;
    auto listed = env_.files->List(directory_);
    for (const auto& entry : *listed) {
      EXPECT_OK(env_.files->Remove(runtime::JoinPath(directory_, entry.name)));
    }
    EXPECT_EQ(rmdir(directory_.c_str()), 0);
  }

  void Reopen() {
    catalog_.reset();
    auto opened = OpenSqliteCatalog(env_, path_);
    ASSERT_OK(opened);
    catalog_ = *std::move(opened);
  }

  Collection Create(uint64_t n, const std::string& name) {
    auto created = catalog_->CreateCollection(ctx_, Make(n, name), false);
    EXPECT_OK(created);
    return created.ok() ? created->collection : Collection();
  }

  Context ctx_;
  std::unique_ptr<runtime::FileSystem> memory_;
  runtime::Env env_;
  std::string directory_;
  std::string path_;
  std::unique_ptr<Catalog> catalog_;
};

INSTANTIATE_TEST_SUITE_P(Places, SqliteCatalogTest, testing::Values(Place::kMemory, Place::kDisk),
                         [](const auto& instance) {
                           return instance.param == Place::kMemory ? "Memory" : "Disk";
                         });

TEST_P(SqliteCatalogTest, Tenants) {
  EXPECT_EQ(catalog_->GetTenant(ctx_, kTenant)->name, kTenant);
  EXPECT_STATUS(catalog_->GetTenant(ctx_, "acme"), StatusCode::kNotFound,
                "Tenant [acme] not found");
  EXPECT_OK(catalog_->CreateTenant(ctx_, "acme"));
  EXPECT_STATUS(catalog_->CreateTenant(ctx_, "acme"), StatusCode::kAlreadyExists,
                "Tenant [acme] already exists");
  EXPECT_OK(catalog_->CreateTenant(ctx_, std::string("a\0b", 3)));
  EXPECT_STATUS(catalog_->GetTenant(ctx_, "a"), StatusCode::kNotFound, "Tenant [a] not found");
  Reopen();
  EXPECT_EQ(catalog_->GetTenant(ctx_, "acme")->name, "acme");
}

TEST_P(SqliteCatalogTest, Databases) {
  auto standard = catalog_->GetDatabase(ctx_, kDatabase, kTenant);
  ASSERT_OK(standard);
  EXPECT_EQ(standard->id, Uuid{});
  EXPECT_EQ(standard->tenant, kTenant);
  // The tenant need not exist; the same name is free in another tenant.
  EXPECT_OK(catalog_->CreateDatabase(ctx_, Id(1), "beta", "nobody"));
  EXPECT_OK(catalog_->CreateDatabase(ctx_, Id(2), "beta", kTenant));
  EXPECT_STATUS(catalog_->CreateDatabase(ctx_, Id(3), "beta", kTenant), StatusCode::kAlreadyExists,
                "Database [beta] already exists");
  EXPECT_EQ(catalog_->CreateDatabase(ctx_, Id(2), "gamma", kTenant).code(),
            StatusCode::kAlreadyExists);
  EXPECT_EQ(catalog_->GetDatabase(ctx_, "beta", "nobody")->id, Id(1));
  EXPECT_STATUS(catalog_->GetDatabase(ctx_, "beta", "acme"), StatusCode::kNotFound,
                "Database [beta] not found. Are you sure it exists?");
  EXPECT_STATUS(catalog_->DeleteDatabase(ctx_, "x", kTenant), StatusCode::kNotFound,
                "Database [x] not found");
  EXPECT_THAT(*catalog_->DeleteDatabase(ctx_, "beta", "nobody"), IsEmpty());
  EXPECT_EQ(catalog_->GetDatabase(ctx_, "beta", "nobody").status().code(), StatusCode::kNotFound);
}

TEST_P(SqliteCatalogTest, DatabasesAreListedByName) {
  uint64_t n = 1;
  for (const char* name : {"b", "\xc3\xa4", "a", "B", "a1"}) {
    ASSERT_OK(catalog_->CreateDatabase(ctx_, Id(n++), name, "t"));
  }
  auto names = [&](Page page) {
    std::vector<std::string> list;
    auto listed = catalog_->ListDatabases(ctx_, "t", page);
    for (const auto& database : *listed) {
      list.push_back(database.name);
    }
    return list;
  };
  EXPECT_THAT(names({}), ElementsAre("B", "a", "a1", "b", "\xc3\xa4"));
  EXPECT_THAT(names({.limit = 2, .offset = 1}), ElementsAre("a", "a1"));
  EXPECT_THAT(names({.limit = std::nullopt, .offset = 4}), ElementsAre("\xc3\xa4"));
  EXPECT_THAT(names({.limit = 0, .offset = 0}), IsEmpty());
  EXPECT_THAT(names({.limit = UINT32_MAX, .offset = UINT32_MAX}), IsEmpty());
  EXPECT_THAT(*catalog_->ListDatabases(ctx_, "nobody", {}), IsEmpty());
}

TEST_P(SqliteCatalogTest, TheDefaultDatabaseStaysDeletedUntilReset) {
  Create(1, "first");
  EXPECT_THAT(*catalog_->DeleteDatabase(ctx_, kDatabase, kTenant), ElementsAre(Id(1)));
  Reopen();
  EXPECT_EQ(catalog_->GetDatabase(ctx_, kDatabase, kTenant).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(catalog_->GetCollectionById(ctx_, Id(1)).status().code(), StatusCode::kNotFound);
  EXPECT_OK(catalog_->Reset(ctx_));
  EXPECT_EQ(catalog_->GetDatabase(ctx_, kDatabase, kTenant)->id, Uuid{});
}

TEST_P(SqliteCatalogTest, CollectionsComeBackAsTheyWere) {
  Collection full = Make(1, "full");
  full.metadata.emplace();
  full.metadata->Set("answer", int64_t{42});
  full.metadata->Set("tags", std::vector<std::string>{"a", ""});
  full.metadata->Set("weights", model::SparseVector{{1, 7}, {0.5F, -2.0F}, {}});
  full.dimension = 384;
  full.version = 9;  // ignored, as is the rest of the version
  full.manifest = "ignored";
  auto created = catalog_->CreateCollection(ctx_, full, false);
  ASSERT_OK(created);
  EXPECT_TRUE(created->created);
  full.version = 0;
  full.manifest.clear();
  ExpectSame(created->collection, full);
  for (int round = 0; round < 2; ++round) {
    ExpectSame(*catalog_->GetCollection(ctx_, kTenant, kDatabase, "full"), full);
    ExpectSame(*catalog_->GetCollectionById(ctx_, Id(1)), full);
    Reopen();
  }
}

TEST_P(SqliteCatalogTest, CollectionMessages) {
  Create(1, "one");
  EXPECT_STATUS(catalog_->CreateCollection(ctx_, Make(2, "one"), false), StatusCode::kAlreadyExists,
                "Collection [one] already exists");
  EXPECT_STATUS(catalog_->CreateCollection(ctx_, Make(1, "two"), true), StatusCode::kAlreadyExists,
                "Collection [" + Id(1).ToString() + "] already exists");
  Collection lost = Make(3, "lost");
  lost.database = "nowhere";
  EXPECT_STATUS(catalog_->CreateCollection(ctx_, lost, true), StatusCode::kInvalidArgument,
                "Database [nowhere] does not exist");
  lost = Make(3, "lost");
  lost.tenant = "nobody";
  EXPECT_STATUS(catalog_->CreateCollection(ctx_, lost, false), StatusCode::kInvalidArgument,
                "Database [default_database] does not exist");
  EXPECT_STATUS(catalog_->GetCollection(ctx_, kTenant, kDatabase, "x"), StatusCode::kNotFound,
                "Collection [x] does not exist");
  EXPECT_STATUS(catalog_->GetCollection(ctx_, kTenant, "nowhere", "one"), StatusCode::kNotFound,
                "Collection [one] does not exist");
  const std::string unknown = "Collection [" + Id(7).ToString() + "] does not exist";
  EXPECT_STATUS(catalog_->GetCollectionById(ctx_, Id(7)), StatusCode::kNotFound, unknown);
  EXPECT_STATUS(catalog_->UpdateCollection(ctx_, Id(7), {}), StatusCode::kNotFound, unknown);
  EXPECT_STATUS(catalog_->RegisterWrite(ctx_, Id(7), 3, {}), StatusCode::kNotFound, unknown);
  EXPECT_STATUS(catalog_->PublishVersion(ctx_, {.collection = Id(7), .manifest = "m", .blobs = {}}),
                StatusCode::kNotFound, unknown);
  EXPECT_STATUS(catalog_->DeleteCollection(ctx_, kTenant, kDatabase, "x"), StatusCode::kNotFound,
                "Collection [x] does not exist");
  EXPECT_STATUS(catalog_->DeleteCollection(ctx_, kTenant, "nowhere", "one"), StatusCode::kNotFound,
                "Collection [one] does not exist");
}

// A change that comes again after others have changed the same leaves what those did.
TEST_P(SqliteCatalogTest, WhatComesAgainTakesEffectOnce) {
  const int64_t now_ns = runtime::Clock::System().MonotonicNs();
  const auto tag = [&](uint64_t id, bool repeated) {
    return model::RequestTag{id, now_ns, repeated};
  };
  const Collection one = Make(1, "one");
  ASSERT_OK(catalog_->CreateCollection(ctx_, one, false, tag(1, false)));
  Update first, second;
  first.metadata.emplace().emplace().Set("by", std::string("first"));
  second.metadata.emplace().emplace().Set("by", std::string("second"));
  second.name = "renamed";
  ASSERT_OK(catalog_->UpdateCollection(ctx_, Id(1), first, tag(UINT64_MAX, false)));
  ASSERT_OK(catalog_->UpdateCollection(ctx_, Id(1), second));
  Reopen();
  ASSERT_OK(catalog_->UpdateCollection(ctx_, Id(1), first, tag(UINT64_MAX, true)));
  EXPECT_EQ(catalog_->GetCollectionById(ctx_, Id(1))->metadata, *second.metadata);
  const auto created = catalog_->CreateCollection(ctx_, one, false, tag(1, true));
  ASSERT_OK(created);
  EXPECT_EQ(created->collection.name, "renamed");

  EXPECT_EQ(*catalog_->DeleteCollection(ctx_, kTenant, kDatabase, "renamed", tag(2, false)), Id(1));
  ASSERT_OK(catalog_->CreateCollection(ctx_, Make(2, "renamed"), false));
  EXPECT_EQ(*catalog_->DeleteCollection(ctx_, kTenant, kDatabase, "renamed", tag(2, true)),
            std::nullopt);
  ASSERT_OK(catalog_->CreateCollection(ctx_, one, false, tag(1, true)));  // is gone, and stays so
  EXPECT_EQ(catalog_->GetCollectionById(ctx_, Id(1)).status().code(), StatusCode::kNotFound);

  ASSERT_OK(catalog_->CreateTenant(ctx_, "t", tag(3, false)));
  ASSERT_OK(catalog_->CreateTenant(ctx_, "t", tag(3, true)));
  ASSERT_OK(catalog_->CreateDatabase(ctx_, Id(9), "d", "t", tag(4, false)));
  ASSERT_OK(catalog_->CreateDatabase(ctx_, Id(9), "d", "t", tag(4, true)));
  EXPECT_THAT(*catalog_->Reset(ctx_, tag(5, false)), ElementsAre(Id(2)));
  Create(3, "three");
  EXPECT_THAT(*catalog_->Reset(ctx_, tag(5, true)), IsEmpty());
  EXPECT_OK(catalog_->GetCollectionById(ctx_, Id(3)));
  EXPECT_THAT(*catalog_->DeleteDatabase(ctx_, kDatabase, kTenant, tag(6, false)),
              ElementsAre(Id(3)));
  ASSERT_OK(catalog_->CreateDatabase(ctx_, Id(10), kDatabase, kTenant));
  EXPECT_THAT(*catalog_->DeleteDatabase(ctx_, kDatabase, kTenant, tag(6, true)), IsEmpty());
  EXPECT_EQ(catalog_->GetDatabase(ctx_, kDatabase, kTenant)->id, Id(10));
}

// A creation that finds what was there has made nothing: it is the same the second time.
TEST_P(SqliteCatalogTest, ARepeatedCreationFindsWhatTheFirstFound) {
  const int64_t now_ns = runtime::Clock::System().MonotonicNs();
  Create(1, "one");
  for (const bool repeated : {false, true}) {
    const auto found =
        catalog_->CreateCollection(ctx_, Make(2, "one"), true, {9, now_ns, repeated});
    ASSERT_OK(found);
    EXPECT_FALSE(found->created);
    EXPECT_EQ(found->collection.id, Id(1));
    EXPECT_EQ(catalog_->CreateCollection(ctx_, Make(3, "one"), false, {10, now_ns, repeated})
                  .status()
                  .code(),
              StatusCode::kAlreadyExists);
  }
}

TEST_P(SqliteCatalogTest, WhatFailedMayComeAgain) {
  const model::RequestTag tag{7, runtime::Clock::System().MonotonicNs(), false};
  EXPECT_EQ(catalog_->UpdateCollection(ctx_, Id(1), {}, tag).code(), StatusCode::kNotFound);
  Create(1, "one");
  Update update;
  update.name = "two";
  EXPECT_OK(catalog_->UpdateCollection(ctx_, Id(1), update, {7, tag.sent_ns, true}));
  EXPECT_EQ(catalog_->GetCollectionById(ctx_, Id(1))->name, "two");
}

TEST_P(SqliteCatalogTest, WhatComesAgainTooLateIsNotDone) {
  Create(1, "one");
  Update update;
  update.name = "two";
  const int64_t long_ago_ns =
      runtime::Clock::System().MonotonicNs() - model::kTagKeptNs - runtime::kSecond;
  EXPECT_EQ(catalog_->UpdateCollection(ctx_, Id(1), update, {8, long_ago_ns, true}).code(),
            StatusCode::kDeadlineExceeded);
  EXPECT_EQ(catalog_->GetCollectionById(ctx_, Id(1))->name, "one");
}

TEST_P(SqliteCatalogTest, GetOrCreateReturnsWhatIsStored) {
  Create(1, "one");
  Collection other = Make(2, "one");
  other.dimension = 5;
  auto found = catalog_->CreateCollection(ctx_, other, true);
  ASSERT_OK(found);
  EXPECT_FALSE(found->created);
  ExpectSame(found->collection, Make(1, "one"));
  auto made = catalog_->CreateCollection(ctx_, Make(3, "three"), true);
  ASSERT_OK(made);
  EXPECT_TRUE(made->created);
  EXPECT_EQ(*catalog_->CountCollections(ctx_, kTenant, kDatabase), 2U);
}

TEST_P(SqliteCatalogTest, CollectionsAreListedById) {
  ASSERT_OK(catalog_->CreateDatabase(ctx_, Id(100), "other", kTenant));
  Collection foreign = Make(50, "c3");
  foreign.database = "other";
  ASSERT_OK(catalog_->CreateCollection(ctx_, foreign, false));
  std::vector<Uuid> ids;
  for (uint64_t n = 1; n <= 20; ++n) ids.push_back(Create(n, "c" + std::to_string(n)).id);
  std::sort(ids.begin(), ids.end());
  auto list = [&](const char* database, Page page) {
    std::vector<Uuid> found;
    auto listed = catalog_->ListCollections(ctx_, kTenant, database, page);
    for (const auto& c : *listed) {
      EXPECT_EQ(c.database, database);
      found.push_back(c.id);
    }
    return found;
  };
  EXPECT_EQ(list(kDatabase, {}), ids);
  EXPECT_EQ(list(kDatabase, {.limit = 3, .offset = 5}),
            std::vector<Uuid>(ids.begin() + 5, ids.begin() + 8));
  EXPECT_THAT(list(kDatabase, {.limit = 0, .offset = 0}), IsEmpty());
  EXPECT_THAT(list(kDatabase, {.limit = 5, .offset = 20}), IsEmpty());
  EXPECT_THAT(list("other", {}), ElementsAre(Id(50)));
  EXPECT_THAT(list("nowhere", {}), IsEmpty());
  EXPECT_EQ(*catalog_->CountCollections(ctx_, kTenant, kDatabase), 20U);
  EXPECT_EQ(*catalog_->CountCollections(ctx_, "nobody", kDatabase), 0U);
}

TEST_P(SqliteCatalogTest, Update) {
  Create(1, "one");
  Create(2, "two");
  model::Metadata metadata;
  metadata.Set("k", true);
  EXPECT_OK(catalog_->UpdateCollection(ctx_, Id(1), Rename("uno", metadata)));
  EXPECT_EQ(catalog_->GetCollection(ctx_, kTenant, kDatabase, "uno")->metadata, metadata);
  EXPECT_EQ(catalog_->GetCollection(ctx_, kTenant, kDatabase, "one").status().code(),
            StatusCode::kNotFound);
  // Its own name is fine; a taken one changes nothing at all.
  EXPECT_OK(catalog_->UpdateCollection(ctx_, Id(1), Rename("uno")));
  EXPECT_STATUS(catalog_->UpdateCollection(ctx_, Id(1), Rename("two", std::nullopt)),
                StatusCode::kAlreadyExists, "Collection [two] already exists");
  EXPECT_EQ(catalog_->GetCollectionById(ctx_, Id(1))->metadata, metadata);
  Update clear;
  clear.metadata.emplace(std::nullopt);
  clear.schema = model::DefaultSchema(77);
  EXPECT_OK(catalog_->UpdateCollection(ctx_, Id(1), clear));
  Reopen();
  Collection expected = Make(1, "uno");
  expected.schema = model::DefaultSchema(77);
  ExpectSame(*catalog_->GetCollectionById(ctx_, Id(1)), expected);
  // The same name in another database is free.
  ASSERT_OK(catalog_->CreateDatabase(ctx_, Id(100), "other", kTenant));
  Collection foreign = Make(3, "three");
  foreign.database = "other";
  ASSERT_OK(catalog_->CreateCollection(ctx_, foreign, false));
  EXPECT_OK(catalog_->UpdateCollection(ctx_, Id(3), Rename("two")));
}

TEST_P(SqliteCatalogTest, RegisterWrite) {
  Create(1, "one");
  model::Metadata first;
  first.Set("year", int64_t{1999});
  model::Metadata second;
  second.Set("title", std::string("x"));
  auto written = catalog_->RegisterWrite(ctx_, Id(1), 3, {first, second});
  ASSERT_OK(written);
  EXPECT_EQ(written->dimension, 3U);
  EXPECT_TRUE(written->schema.keys.at("year").has_int);
  EXPECT_TRUE(written->schema.keys.at("title").has_string);
  // The first dimension stays; a write without vectors does not touch it.
  EXPECT_EQ(catalog_->RegisterWrite(ctx_, Id(1), 4, {})->dimension, 3U);
  EXPECT_EQ(catalog_->RegisterWrite(ctx_, Id(1), std::nullopt, {first})->dimension, 3U);
  ExpectSame(*catalog_->GetCollectionById(ctx_, Id(1)), *written);
  Reopen();
  ExpectSame(*catalog_->GetCollectionById(ctx_, Id(1)), *written);
  EXPECT_OK(catalog_->ForgetDimension(ctx_, Id(1)));
  EXPECT_EQ(catalog_->GetCollectionById(ctx_, Id(1))->dimension, std::nullopt);
  EXPECT_EQ(catalog_->RegisterWrite(ctx_, Id(1), 4, {})->dimension, 4U);
}

TEST_P(SqliteCatalogTest, PublishAndLiveBlobs) {
  Create(1, "one");
  Create(2, "two");
  EXPECT_THAT(*catalog_->LiveBlobs(ctx_), IsEmpty());
  EXPECT_OK(catalog_->PublishVersion(ctx_, {Id(1), 0, "m1", 10, {"m1", "shared", "a", "a"}}));
  EXPECT_OK(catalog_->PublishVersion(ctx_, {Id(2), 0, "m2", UINT64_MAX, {"m2", "shared"}}));
  EXPECT_EQ(catalog_->PublishVersion(ctx_, {Id(1), 0, "late", 11, {"late"}}).code(),
            StatusCode::kAborted);
  EXPECT_THAT(*catalog_->LiveBlobs(ctx_), ElementsAre("a", "m1", "m2", "shared"));
  EXPECT_OK(catalog_->PublishVersion(ctx_, {Id(1), 1, "m3", 20, {"m3"}}));
  Reopen();
  EXPECT_THAT(*catalog_->LiveBlobs(ctx_), ElementsAre("m2", "m3", "shared"));
  EXPECT_TRUE(*catalog_->IsBlobLive(ctx_, "shared"));
  EXPECT_FALSE(*catalog_->IsBlobLive(ctx_, "a"));
  Collection one = *catalog_->GetCollectionById(ctx_, Id(1));
  EXPECT_EQ(one.version, 2U);
  EXPECT_EQ(one.manifest, "m3");
  EXPECT_EQ(one.log_offset, 20U);
  auto heads = *catalog_->ListHeads(ctx_);
  ASSERT_EQ(heads.size(), 2U);
  const auto& two = heads[0].id == Id(2) ? heads[0] : heads[1];
  EXPECT_EQ(two.version, 1U);
  EXPECT_EQ(two.manifest, "m2");
  EXPECT_EQ(two.log_offset, UINT64_MAX);
  EXPECT_FALSE(two.settled);
  EXPECT_EQ(*catalog_->DeleteCollection(ctx_, kTenant, kDatabase, "two"), Id(2));
  EXPECT_THAT(*catalog_->LiveBlobs(ctx_), ElementsAre("m3"));
  EXPECT_EQ(catalog_->ListHeads(ctx_)->size(), 1U);
}

TEST_P(SqliteCatalogTest, ResetDropsEverything) {
  ASSERT_OK(catalog_->CreateTenant(ctx_, "acme"));
  ASSERT_OK(catalog_->CreateDatabase(ctx_, Id(9), "extra", kTenant));
  Create(1, "one");
  ASSERT_OK(catalog_->PublishVersion(ctx_, {Id(1), 0, "m1", 10, {"m1"}}));
  EXPECT_OK(catalog_->Reset(ctx_));
  for (int round = 0; round < 2; ++round) {
    EXPECT_OK(catalog_->GetTenant(ctx_, kTenant));
    EXPECT_FALSE(catalog_->GetTenant(ctx_, "acme").ok());
    EXPECT_EQ(catalog_->ListDatabases(ctx_, kTenant, {})->size(), 1U);
    EXPECT_THAT(*catalog_->ListHeads(ctx_), IsEmpty());
    EXPECT_THAT(*catalog_->LiveBlobs(ctx_), IsEmpty());
    Reopen();
  }
  Create(1, "one");
}

TEST_P(SqliteCatalogTest, CancelledCallsDoNothing) {
  ctx_.Cancel();
  EXPECT_EQ(catalog_->CreateTenant(ctx_, "acme").code(), StatusCode::kCancelled);
  Context fresh;
  EXPECT_EQ(catalog_->GetTenant(fresh, "acme").status().code(), StatusCode::kNotFound);
}

TEST_P(SqliteCatalogTest, ExactlyOnePublisherWins) {
  Create(1, "one");
  constexpr int kTasks = 4;
  constexpr uint64_t kVersions = 25;
  std::atomic<int> won{0};
  std::atomic<int> failed{0};
  std::vector<std::unique_ptr<runtime::Task>> tasks;
  for (int task = 0; task < kTasks; ++task) {
    tasks.push_back(env_.scheduler->Start("publisher", [&, task] {
      Context ctx;
      for (uint64_t version = 0; version < kVersions; ++version) {
        std::string blob = std::to_string(version) + "-" + std::to_string(task);
        Status status = catalog_->PublishVersion(ctx, {Id(1), version, blob, version, {blob}});
        if (status.ok()) won.fetch_add(1);
        if (!status.ok() && status.code() != StatusCode::kAborted) failed.fetch_add(1);
        // Nobody goes on before the version exists, so that each is contended.
        while (catalog_->GetCollectionById(ctx, Id(1))->version <= version) {
        }
      }
    }));
  }
  tasks.clear();
  EXPECT_EQ(won.load(), static_cast<int>(kVersions));
  EXPECT_EQ(failed.load(), 0);
  EXPECT_EQ(catalog_->GetCollectionById(ctx_, Id(1))->version, kVersions);
  EXPECT_EQ(catalog_->LiveBlobs(ctx_)->size(), 1U);
}

TEST_P(SqliteCatalogTest, OneOfManyCreatorsWins) {
  std::atomic<int> created{0};
  std::vector<std::unique_ptr<runtime::Task>> tasks;
  for (uint64_t task = 0; task < 8; ++task) {
    tasks.push_back(env_.scheduler->Start("creator", [&, task] {
      Context ctx;
      auto result = catalog_->CreateCollection(ctx, Make(task + 1, "same"), true);
      if (result.ok() && result->created) created.fetch_add(1);
    }));
  }
  tasks.clear();
  EXPECT_EQ(created.load(), 1);
}

TEST_P(SqliteCatalogTest, TheLogIsGoneAfterClosing) {
  Create(1, "one");
  EXPECT_TRUE(*env_.files->Exists(path_ + "-wal"));
  catalog_.reset();
  EXPECT_EQ(env_.files->List(directory_)->size(), 1U);
}

TEST_P(SqliteCatalogTest, SpaceOfDeletedCollectionsComesBack) {
  auto size = [&] { return env_.files->List(directory_)->front().size_bytes; };
  catalog_.reset();
  const uint64_t empty = size();
  Reopen();
  for (uint64_t n = 1; n <= 100; ++n) Create(n, "c" + std::to_string(n));
  catalog_.reset();
  EXPECT_GT(size(), 2 * empty);
  Reopen();
  ASSERT_OK(catalog_->Reset(ctx_));
  catalog_.reset();
  EXPECT_EQ(size(), empty);
  Reopen();
  Create(1, "one");
}

}  // namespace
}  // namespace chroma::catalog
