#include "service/wiring.h"

#include <algorithm>
#include <unordered_map>
#include <utility>
#include <vector>

#include "compactor/scheduler.h"
#include "executor/local_node.h"
#include "runtime/memory_usage.h"
#include "runtime/test_points.h"
#include "runtime/thread_pool.h"
#include "service/completeness.h"
#include "store/dir_store.h"
#include "sweeper/sweeper.h"

namespace chroma::service {
namespace {

constexpr const char* kMemoryPath = "/memory";

// Members are destroyed in reverse order: the background first, the lock of the directory last.
class Local : public LocalService, public engine::WriteObserver {
 public:
  // `files`: of this service alone, or null.
  Local(runtime::Env env, std::unique_ptr<runtime::FileSystem> files, DataDirectory directory)
      : env_(env), files_(std::move(files)), directory_(std::move(directory)) {}

  Status Init(runtime::Context& ctx, const LocalOptions& options) {
    CHROMA_TRY(CheckNothingMissing(env_, directory_));
    CHROMA_ASSIGN(catalog_,
                  catalog::OpenSqliteCatalog(env_, directory_.catalog_path(), options.catalog));
    CHROMA_TRY(CheckLogExists(ctx, env_, directory_, *catalog_));
    CHROMA_ASSIGN(store_, store::OpenDirStore(env_, directory_.blobs_path()));
    CHROMA_ASSIGN(auto log, log::FileLog::Open(ctx, env_, directory_.path(), options.log));
    const uint64_t log_end = log->opening_offset();
    log_ = std::move(log);
    CHROMA_ASSIGN(std::vector<Uuid> unsettled, Recover(ctx, log_end));
    CHROMA_TEST_POINT("service.log_recovered");
    CHROMA_TRY(sweeper::CheckBlobsBelong(ctx, *catalog_, *store_));

    const int threads =
        options.search_threads > 0 ? options.search_threads : env_.scheduler->Parallelism();
    pool_ =
        std::make_unique<runtime::ThreadPool>(*env_.scheduler, "search", threads, kSearchJobsMax);
    executor::LocalNodeOptions node;
    node.index = options.compaction.index;
    const uint64_t memory_bytes_max =
        options.memory_bytes_max.value_or(runtime::MachineMemoryBytes() / 2);
    node.memory_bytes_max = memory_bytes_max;
    node.on_damaged_index = [this](const Uuid& id) { compactor_->NotifyDamagedIndex(id); };
    node_ = std::make_unique<executor::LocalNode>(env_, *log_, *store_, *pool_, std::move(node));
    engine::EngineOptions engine = options.engine;
    engine.read_only = options.read_only;
    // The tails are a part of what is resident; they are compacted before writers have to wait.
    if (memory_bytes_max > 0) {
      engine.backlog.all_bytes_max =
          std::min(engine.backlog.all_bytes_max, memory_bytes_max / kTailsShareOfMemory);
    }
    compactor::Policy compaction = options.compaction;
    compaction.tail_bytes_max = std::min(compaction.tail_bytes_max, engine.backlog.bytes_max);
    compaction.all_tails_bytes_max =
        std::min(compaction.all_tails_bytes_max, engine.backlog.all_bytes_max / 2);
    engine_ = std::make_unique<engine::Engine>(env_, *catalog_, *log_, *node_, *this, engine);
    // A merge, and building its vector index, takes memory in proportion to the segment.
    compaction.segment_bytes_max =
        std::min(compaction.segment_bytes_max,
                 std::max(runtime::MachineMemoryBytes() / 4, kSegmentBytesMaxAtLeast));
    compactor::Seams seams{env_, catalog_.get(), log_.get(), store_.get(), node_.get(), {}};
    seams.on_published = [this](const Uuid& id) { engine_->OnVersionPublished(id); };
    seams.on_trimmed = [this] { engine_->OnLogTrimmed(); };
    compactor_ = std::make_unique<compactor::Scheduler>(std::move(seams), compaction);
    return options.read_only ? Status::Ok() : compactor_->Start(unsettled);
  }

  engine::Engine& engine() override { return *engine_; }
  Status Compact(runtime::Context& ctx, const Uuid& collection) override {
    return compactor_->CompactFully(ctx, collection);
  }
  void CloseIdleCollections() override { node_->CloseIdle(); }

 private:
  static constexpr size_t kSearchJobsMax = 1 << 16;
  static constexpr uint64_t kSegmentBytesMaxAtLeast = 256u << 20;
  static constexpr uint64_t kTailsShareOfMemory = 4;

  // What the catalog says of the log: versions cover parts of it, and entries of collections
  // that were deleted are garbage. Returns the collections that the compactor should look at.
  Result<std::vector<Uuid>> Recover(runtime::Context& ctx, uint64_t log_end) {
    std::vector<Uuid> unsettled;
    CHROMA_ASSIGN(std::vector<catalog::Catalog::CollectionHead> heads, catalog_->ListHeads(ctx));
    std::unordered_map<Uuid, const catalog::Catalog::CollectionHead*, UuidHash> by_id;
    for (const catalog::Catalog::CollectionHead& head : heads) {
      // A log that began anew would give offsets again that versions cover already: writes would
      // be acknowledged and not seen.
      if (head.log_offset > log_end) {
        return Status::DataLoss("the log in " + directory_.path() + " ends at " +
                                std::to_string(log_end) + ", but collection " + head.id.ToString() +
                                " has read it up to " + std::to_string(head.log_offset) +
                                ": files of it are missing; restore the directory from a backup");
      }
      by_id[head.id] = &head;
      if (!head.settled) unsettled.push_back(head.id);
    }
    for (const log::Log::Backlog& backlog : log_->Backlogs()) {
      auto found = by_id.find(backlog.collection);
      const Status trimmed = found == by_id.end()
                                 ? log_->Forget(ctx, backlog.collection)
                                 : log_->Trim(ctx, backlog.collection, found->second->log_offset);
      // On a full disk there may be no room to give space back with: a later trim does it.
      if (!trimmed.ok() && trimmed.code() != StatusCode::kResourceExhausted) return trimmed;
    }
    for (const log::Log::Backlog& backlog : log_->Backlogs()) {
      if (backlog.records > 0) unsettled.push_back(backlog.collection);
    }
    return unsettled;
  }

  void OnWrite(const Uuid& collection) override { compactor_->NotifyWrite(collection); }
  void OnCollectionsDeleted(const std::vector<Uuid>& collections) override {
    compactor_->NotifyDeleted(collections);
  }

  runtime::Env env_;
  std::unique_ptr<runtime::FileSystem> files_;
  DataDirectory directory_;
  std::unique_ptr<catalog::Catalog> catalog_;
  std::unique_ptr<store::BlobStore> store_;
  std::unique_ptr<log::Log> log_;
  std::unique_ptr<runtime::ThreadPool> pool_;
  std::unique_ptr<executor::LocalNode> node_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<compactor::Scheduler> compactor_;
};

}  // namespace

namespace {

Result<std::unique_ptr<LocalService>> OpenOn(runtime::Context& ctx, runtime::Env env,
                                             const LocalOptions& options,
                                             std::unique_ptr<runtime::FileSystem> files,
                                             DataDirectory directory) {
  auto local = std::make_unique<Local>(env, std::move(files), std::move(directory));
  CHROMA_TRY(local->Init(ctx, options));
  return std::unique_ptr<LocalService>(std::move(local));
}

}  // namespace

Result<std::unique_ptr<LocalService>> LocalService::Open(runtime::Context& ctx, runtime::Env env,
                                                         const LocalOptions& options) {
  std::unique_ptr<runtime::FileSystem> files;
  std::string path = options.path;
  if (path.empty()) {
    files = runtime::FileSystem::InMemory();
    path = kMemoryPath;
  } else if (options.read_only) {
    CHROMA_ASSIGN(bool exists, DataDirectory::Check(env, path));
    if (!exists) {
      return Status::NotFound(path +
                              " holds no database, and opening it for reading only makes none");
    }
    files = runtime::FileSystem::Overlay(*env.files);
  }
  if (files) env.files = files.get();
  CHROMA_ASSIGN(DataDirectory directory, DataDirectory::Open(env, path));
  return OpenOn(ctx, env, options, std::move(files), std::move(directory));
}

Result<std::unique_ptr<LocalService>> LocalService::Open(runtime::Context& ctx, runtime::Env env,
                                                         const LocalOptions& options,
                                                         DataDirectory directory) {
  return OpenOn(ctx, env, options, nullptr, std::move(directory));
}

}  // namespace chroma::service
