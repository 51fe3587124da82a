// What an engine stands on, over files in memory, for tests that put something of their own
// between.
#pragma once

#include <memory>
#include <vector>

#include "catalog/sqlite_catalog.h"
#include "engine/engine.h"
#include "executor/local_node.h"
#include "log/file_log.h"
#include "store/dir_store.h"

namespace chroma::engine {

class Nobody final : public WriteObserver {
  void OnWrite(const Uuid&) override {}
  void OnCollectionsDeleted(const std::vector<Uuid>&) override {}
  Status Compact(runtime::Context&, const Uuid&) override { return Status::Ok(); }
};

struct TestParts {
  TestParts() {
    env.files = files.get();
    static_cast<void>(files->CreateDirectory("/db"));
    catalog = *catalog::OpenSqliteCatalog(env, "/db/catalog.sqlite3");
    log = *log::FileLog::Open(env, "/db");
    store = *store::OpenDirStore(env, "/db/blobs");
    pool = std::make_unique<runtime::ThreadPool>(*env.scheduler, "search", 1, 16);
    node = std::make_unique<executor::LocalNode>(env, *log, *store, *pool);
  }

  const std::unique_ptr<runtime::FileSystem> files = runtime::FileSystem::InMemory();
  runtime::Env env;
  std::unique_ptr<catalog::Catalog> catalog;
  std::unique_ptr<log::FileLog> log;
  std::unique_ptr<store::BlobStore> store;
  std::unique_ptr<runtime::ThreadPool> pool;
  std::unique_ptr<executor::LocalNode> node;
  Nobody nobody;
};

// An add of one record.
inline WriteRequest OneRecord(const std::string& id, std::vector<float> vector) {
  WriteRequest write;
  write.batch.ids = {id};
  write.batch.has_vector = {1};
  write.batch.vectors = {static_cast<uint32_t>(vector.size()), std::move(vector)};
  write.shape = model::ShapeOf(write.batch);
  return write;
}

}  // namespace chroma::engine
