// A directory with one collection, for tests that compact it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "catalog/sqlite_catalog.h"
#include "compactor/compaction.h"
#include "log/file_log.h"
#include "log/record_codec.h"
#include "store/dir_store.h"
#include "testing/fault_file_system.h"

namespace chroma::compactor {

class CompactorTest : public ::testing::Test {
 protected:
  CompactorTest() {
    env_.files = &files_;
    EXPECT_TRUE(files_.CreateDirectory("/db").ok());
    catalog_ = *catalog::OpenSqliteCatalog(env_, "/db/catalog");
    log_ = *log::FileLog::Open(env_, "/db");
    store_ = *store::OpenDirStore(env_, "/db/blobs");
    Reopen();
    CreateCollection(id_, "things");
  }

  void CreateCollection(const Uuid& id, const std::string& name) {
    model::Collection collection;
    collection.id = id;
    collection.name = name;
    collection.tenant = model::kDefaultTenant;
    collection.database = model::kDefaultDatabase;
    EXPECT_TRUE(catalog_->CreateCollection(ctx_, collection, false).ok());
  }
  void DeleteCollection(const std::string& name) {
    EXPECT_TRUE(
        catalog_->DeleteCollection(ctx_, model::kDefaultTenant, model::kDefaultDatabase, name)
            .ok());
  }

  void Reopen() { node_ = std::make_unique<executor::LocalNode>(env_, *log_, *store_, pool_); }

  Seams SeamsHere() {
    return {env_,         catalog_.get(), log_.get(),
            store_.get(), node_.get(),    [this](const Uuid& id) { OnPublished(id); }};
  }
  virtual void OnPublished(const Uuid&) {}
  Result<Outcome> CompactOnce(Activity activity = Activity::kSettled) {
    return Compact(ctx_, SeamsHere(), merging_, id_, activity);
  }

  // The vector that `Write` gives a record, of dimension_ numbers.
  virtual std::vector<float> VectorOf(int record) {
    return std::vector<float>(dimension_, static_cast<float>(record));
  }
  // `request`: a tag's id.
  void Write(model::Operation operation, int first, int n, uint64_t request = 0) {
    WriteTo(id_, operation, first, n, request);
  }
  void WriteTo(const Uuid& id, model::Operation operation, int first, int n,
               uint64_t request = 0) {
    const bool has_vectors = operation != model::Operation::kDelete;
    model::RecordBatch batch;
    batch.operation = operation;
    if (has_vectors) batch.vectors.dimension = dimension_;
    for (int i = first; i < first + n; ++i) {
      batch.ids.push_back("id" + std::to_string(i));
      if (!has_vectors) continue;
      const std::vector<float> vector = VectorOf(i);
      batch.vectors.values.insert(batch.vectors.values.end(), vector.begin(), vector.end());
    }
    auto offset =
        log_->Append(ctx_, id, log::EncodeBatch(batch, request), static_cast<uint32_t>(n));
    ASSERT_TRUE(offset.ok()) << offset.status().ToString();
  }

  segment::VersionRef Published() { return PublishedOf(id_); }
  segment::VersionRef PublishedOf(const Uuid& id) {
    auto row = catalog_->GetCollectionById(ctx_, id);
    EXPECT_TRUE(row.ok());
    return {id, row->version, row->manifest, row->log_offset};
  }
  // The ids of the live records, in the order of `get`.
  std::vector<std::string> Ids() { return IdsOf(id_); }
  std::vector<std::string> IdsOf(const Uuid& id) {
    auto records = node_->Get(ctx_, PublishedOf(id), planner::GetPlan());
    EXPECT_TRUE(records.ok()) << records.status().ToString();
    return records.ok() ? records->ids : std::vector<std::string>();
  }
  static std::vector<std::string> Numbered(int first, int n) {
    std::vector<std::string> ids;
    for (int i = first; i < first + n; ++i) ids.push_back("id" + std::to_string(i));
    return ids;
  }
  std::vector<std::string> Blobs() {
    std::vector<std::string> names;
    for (const store::BlobInfo& blob : *store_->List(ctx_, "")) names.push_back(blob.name);
    return names;
  }
  // Fails what changes files whose path contains `part`.
  void FailOn(const std::string& part, StatusCode code) {
    files_.SetFault([part, code](testing::FaultFileSystem::Call, const std::string& path) {
      return path.find(part) == std::string::npos ? Status::Ok() : Status(code, "made to fail");
    });
  }

  uint32_t dimension_ = 1;
  Policy merging_;
  testing::FaultFileSystem files_{1};
  runtime::Env env_;
  runtime::Context ctx_;
  runtime::ThreadPool pool_{*env_.scheduler, "search", 0, 1};
  const Uuid id_ = Uuid::FromRandom(1, 2);
  std::unique_ptr<catalog::Catalog> catalog_;
  std::unique_ptr<log::Log> log_;
  std::unique_ptr<store::BlobStore> store_;
  std::unique_ptr<executor::LocalNode> node_;
};

}  // namespace chroma::compactor
