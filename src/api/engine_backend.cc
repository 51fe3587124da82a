#include "api/engine_backend.h"

#include <utility>

#include "api/call_context.h"
#include "api/result.h"
#include "gateway/encode_extensions.h"
#include "model/limits.h"
#include "runtime/env.h"
#include "service/wiring.h"

namespace chroma::api {
namespace {

// What servers of this API answer.
constexpr const char* kApiVersion = "1.0.0";

class EngineBackend : public Backend {
 public:
  explicit EngineBackend(std::shared_ptr<service::LocalService> service)
      : service_(std::move(service)), engine_(service_->engine()) {}

  Result<int64_t> Heartbeat() override { return runtime::Clock::System().UnixNs(); }
  Result<std::string> Version() override { return std::string(kApiVersion); }
  Result<uint32_t> MaxBatchSize() override { return model::kBatchSizeMax; }
  Result<UserIdentity> Identity() override {
    return UserIdentity{"", kDefaultTenant, {kDefaultDatabase}};
  }
  Status Reset() override {
    CallContext ctx;
    return engine_.Reset(ctx);
  }

  Status CreateTenant(const std::string& name) override {
    CallContext ctx;
    return engine_.CreateTenant(ctx, name);
  }
  Result<model::Tenant> GetTenant(const std::string& name) override {
    CallContext ctx;
    return engine_.GetTenant(ctx, name);
  }
  Status CreateDatabase(const Scope& scope) override {
    CallContext ctx;
    return engine_.CreateDatabase(ctx, scope.tenant, scope.database);
  }
  Result<model::Database> GetDatabase(const Scope& scope) override {
    CallContext ctx;
    return engine_.GetDatabase(ctx, scope.tenant, scope.database);
  }
  Result<std::vector<model::Database>> ListDatabases(const std::string& tenant,
                                                     catalog::Page page) override {
    CallContext ctx;
    return engine_.ListDatabases(ctx, tenant, page);
  }
  Status DeleteDatabase(const Scope& scope) override {
    CallContext ctx;
    return engine_.DeleteDatabase(ctx, scope.tenant, scope.database);
  }

  Result<CollectionInfo> CreateCollection(const Scope& scope,
                                          const engine::CreateCollectionRequest& request) override {
    CallContext ctx;
    CHROMA_ASSIGN(engine::CollectionRef collection,
                  engine_.CreateCollection(ctx, scope.tenant, scope.database, request));
    return ToInfo(*collection);
  }
  Result<CollectionInfo> GetCollection(const Scope& scope, const std::string& name) override {
    CallContext ctx;
    CHROMA_ASSIGN(engine::CollectionRef collection,
                  engine_.GetCollection(ctx, scope.tenant, scope.database, name));
    return ToInfo(*collection);
  }
  Result<CollectionInfo> GetCollectionById(const Scope& scope, const Uuid& id) override {
    CallContext ctx;
    CHROMA_ASSIGN(engine::CollectionRef collection,
                  engine_.FindCollection(ctx, scope.tenant, scope.database, id));
    return ToInfo(*collection);
  }
  Result<std::vector<CollectionInfo>> ListCollections(const Scope& scope,
                                                      catalog::Page page) override {
    CallContext ctx;
    CHROMA_ASSIGN(std::vector<model::Collection> collections,
                  engine_.ListCollections(ctx, scope.tenant, scope.database, page));
    std::vector<CollectionInfo> infos;
    infos.reserve(collections.size());
    for (const model::Collection& collection : collections) infos.push_back(ToInfo(collection));
    return infos;
  }
  Result<uint64_t> CountCollections(const Scope& scope) override {
    CallContext ctx;
    return engine_.CountCollections(ctx, scope.tenant, scope.database);
  }
  Status DeleteCollection(const Scope& scope, const std::string& name) override {
    CallContext ctx;
    return engine_.DeleteCollection(ctx, scope.tenant, scope.database, name);
  }

  Status Modify(const CollectionInfo& info,
                const engine::ModifyCollectionRequest& request) override {
    CallContext ctx;
    CHROMA_ASSIGN(engine::CollectionRef collection, Find(ctx, info));
    return engine_.ModifyCollection(ctx, collection, request);
  }
  Status Write(const CollectionInfo& info, engine::WriteRequest request) override {
    CallContext ctx;
    CHROMA_ASSIGN(engine::CollectionRef collection, Find(ctx, info));
    return engine_.Write(ctx, collection, std::move(request));
  }
  Result<uint64_t> Delete(const CollectionInfo& info,
                          const engine::DeleteRequest& request) override {
    CallContext ctx;
    CHROMA_ASSIGN(engine::CollectionRef collection, Find(ctx, info));
    return engine_.Delete(ctx, collection, request);
  }
  Result<executor::Records> Get(const CollectionInfo& info,
                                const engine::GetRequest& request) override {
    CallContext ctx;
    CHROMA_ASSIGN(engine::CollectionRef collection, Find(ctx, info));
    return engine_.Get(ctx, collection, request);
  }
  Result<executor::QueryResult> Query(const CollectionInfo& info,
                                      const engine::QueryRequest& request) override {
    CallContext ctx;
    CHROMA_ASSIGN(engine::CollectionRef collection, Find(ctx, info));
    return engine_.Query(ctx, collection, request);
  }
  Result<executor::SearchResult> Search(const CollectionInfo& info,
                                        const engine::SearchRequest& request) override {
    CallContext ctx;
    CHROMA_ASSIGN(engine::CollectionRef collection, Find(ctx, info));
    return engine_.Search(ctx, collection, request);
  }
  Result<uint64_t> Count(const CollectionInfo& info) override {
    CallContext ctx;
    CHROMA_ASSIGN(engine::CollectionRef collection, Find(ctx, info));
    return engine_.Count(ctx, collection);
  }
  Result<executor::ListResult> List(const CollectionInfo& info,
                                    const engine::ListRequest& request) override {
    CallContext ctx;
    CHROMA_ASSIGN(engine::CollectionRef collection, Find(ctx, info));
    return engine_.List(ctx, collection, request);
  }
  Result<std::string> Explain(const CollectionInfo& info,
                              const engine::ExplainRequest& request) override {
    CallContext ctx;
    CHROMA_ASSIGN(engine::CollectionRef collection, Find(ctx, info));
    CHROMA_ASSIGN(const executor::Explanation explained, engine_.Explain(ctx, collection, request));
    return gateway::EncodeExplanation(explained);
  }
  Result<executor::CollectionStatus> Describe(const CollectionInfo& info) override {
    CallContext ctx;
    CHROMA_ASSIGN(engine::CollectionRef collection, Find(ctx, info));
    return engine_.Describe(ctx, collection);
  }
  Status Compact(const CollectionInfo& info) override {
    CallContext ctx;
    CHROMA_ASSIGN(engine::CollectionRef collection, Find(ctx, info));
    return engine_.Compact(ctx, collection);
  }
  Result<executor::FacetResult> Facets(const CollectionInfo& info,
                                       const engine::FacetsRequest& request) override {
    CallContext ctx;
    CHROMA_ASSIGN(engine::CollectionRef collection, Find(ctx, info));
    return engine_.Facets(ctx, collection, request);
  }
  Result<RecallReport> MeasureRecall(const CollectionInfo& info,
                                     const RecallOptions& options) override {
    CallContext ctx;
    CHROMA_ASSIGN(engine::CollectionRef collection, Find(ctx, info));
    CHROMA_ASSIGN(const executor::RecallReport report,
                  engine_.MeasureRecall(ctx, collection, options.queries, options.n_results));
    return ToReport(report);
  }
  Result<IndexingStatus> GetIndexingStatus(const CollectionInfo& info) override {
    CallContext ctx;
    CHROMA_ASSIGN(engine::CollectionRef collection, Find(ctx, info));
    CHROMA_ASSIGN(const engine::IndexingStatus status, engine_.GetIndexingStatus(ctx, collection));
    return IndexingStatus{status.indexed_operations, status.unindexed_operations};
  }

 private:
  Result<engine::CollectionRef> Find(CallContext& ctx, const CollectionInfo& info) {
    const std::optional<Uuid> id = Uuid::Parse(info.id);
    if (!id) return Status::Internal("Collection ID is not a UUID: " + info.id);
    return engine_.FindCollection(ctx, info.tenant, info.database, *id);
  }

  std::shared_ptr<service::LocalService> service_;
  engine::Engine& engine_;
};

}  // namespace

service::LocalOptions ToServiceOptions(const std::string& path, const LocalOptions& options) {
  service::LocalOptions local;
  local.path = path;
  local.engine.allow_reset = options.allow_reset;
  local.search_threads = options.search_threads;
  local.read_only = options.read_only;
  if (options.memory_limit_bytes > 0) local.memory_bytes_max = options.memory_limit_bytes;
  return local;
}

std::unique_ptr<Backend> MakeEngineBackend(std::shared_ptr<service::LocalService> service) {
  return std::make_unique<EngineBackend>(std::move(service));
}

Result<std::shared_ptr<Backend>> OpenMemoryBackend(const LocalOptions& options) {
  service::LocalOptions local = ToServiceOptions("", options);
  local.read_only = false;
  CHROMA_ASSIGN(std::shared_ptr<service::LocalService> service,
                service::LocalService::Open(runtime::Env(), local));
  return std::shared_ptr<Backend>(MakeEngineBackend(std::move(service)));
}

}  // namespace chroma::api
