#include "sweeper/sweeper.h"

#include <gtest/gtest.h>

#include <set>

#include "catalog/sqlite_catalog.h"
#include "store/dir_store.h"
#include "testing/fault_file_system.h"

namespace chroma::sweeper {
namespace {

class SweeperTest : public ::testing::Test {
 protected:
  SweeperTest() {
    env_.files = &files_;
    EXPECT_TRUE(files_.CreateDirectory("/db").ok());
    catalog_ = *catalog::OpenSqliteCatalog(env_, "/db/catalog");
    store_ = *store::OpenDirStore(env_, "/db/blobs");
    model::Collection collection;
    collection.id = id_;
    collection.name = "things";
    collection.tenant = model::kDefaultTenant;
    collection.database = model::kDefaultDatabase;
    EXPECT_TRUE(catalog_->CreateCollection(ctx_, collection, false).ok());
  }

  std::string Name(const std::string& blob) const { return id_.ToString() + "/" + blob; }
  void Store(const std::string& blob) {
    ASSERT_TRUE(store::WriteBlob(ctx_, *store_, Name(blob), "content").ok());
  }
  void Publish(const std::vector<std::string>& blobs) {
    catalog::VersionUpdate update;
    update.collection = id_;
    update.manifest = Name(blobs.front());
    for (const std::string& blob : blobs) update.blobs.push_back(Name(blob));
    ASSERT_TRUE(catalog_->PublishVersion(ctx_, update).ok());
  }
  std::set<std::string> Blobs() {
    std::set<std::string> names;
    for (const store::BlobInfo& blob : *store_->List(ctx_, "")) {
      names.insert(blob.name.substr(blob.name.find('/') + 1));
    }
    return names;
  }

  using Names = std::set<std::string>;
  testing::FaultFileSystem files_{1};
  runtime::Env env_;
  runtime::Context ctx_;
  const Uuid id_ = Uuid::FromRandom(1, 2);
  std::unique_ptr<catalog::Catalog> catalog_;
  std::unique_ptr<store::BlobStore> store_;
};

TEST_F(SweeperTest, WhatNoVersionNamesGoes) {
  for (const char* blob : {"1.manifest", "1.segment", "1.index", "2.segment", "2.index"}) {
    Store(blob);
  }
  Publish({"1.manifest", "1.segment", "1.index"});
  ASSERT_TRUE(SweepAll(ctx_, *catalog_, *store_).ok());
  EXPECT_EQ(Blobs(), (Names{"1.manifest", "1.segment", "1.index"}));
  // Asked about by name, what is named stays as well.
  ASSERT_TRUE(SweepBlobs(ctx_, *catalog_, *store_, {Name("1.segment"), Name("none")}).ok());
  EXPECT_EQ(Blobs().size(), 3u);
}

TEST_F(SweeperTest, ALostSegmentKeepsWhatARepairMayNeed) {
  Store("1.manifest");
  Store("2.segment");
  Publish({"1.manifest", "1.segment"});
  ASSERT_TRUE(SweepAll(ctx_, *catalog_, *store_).ok());
  EXPECT_EQ(Blobs(), (Names{"1.manifest", "2.segment"}));
}

TEST_F(SweeperTest, ALostIndexKeepsNothing) {
  for (const char* blob : {"1.manifest", "1.segment", "2.segment"}) Store(blob);
  Publish({"1.manifest", "1.segment", "1.index"});
  ASSERT_TRUE(CheckBlobsBelong(ctx_, *catalog_, *store_).ok());
  ASSERT_TRUE(SweepAll(ctx_, *catalog_, *store_).ok());
  EXPECT_EQ(Blobs(), (Names{"1.manifest", "1.segment"}));
}

TEST_F(SweeperTest, ADeletedCollectionLeavesNothing) {
  Store("1.manifest");
  Store("1.segment");
  Publish({"1.manifest", "1.segment"});
  ASSERT_TRUE(SweepCollection(ctx_, *catalog_, *store_, id_).ok());
  EXPECT_EQ(Blobs().size(), 2u);
  ASSERT_TRUE(
      catalog_->DeleteCollection(ctx_, model::kDefaultTenant, model::kDefaultDatabase, "things")
          .ok());
  ASSERT_TRUE(SweepCollection(ctx_, *catalog_, *store_, id_).ok());
  EXPECT_TRUE(Blobs().empty());
}

}  // namespace
}  // namespace chroma::sweeper
