#include "api/shared_backend.h"

#include <utility>

#include "api/call_context.h"
#include "api/engine_backend.h"
#include "api/http_backend.h"
#include "service/import_directory.h"
#include "service/shared_directory.h"

namespace chroma::api {
namespace {

class DirectoryTransport final : public Transport {
 public:
  explicit DirectoryTransport(std::shared_ptr<service::SharedDirectory> directory)
      : directory_(std::move(directory)) {}

  Result<HttpAnswer> Send(HttpRequest request) override {
    http::Request sent;
    sent.method_token = request.method;
    sent.method = http::ParseMethod(sent.method_token);
    sent.target = std::move(request.path);
    sent.headers = {{"content-type", "application/json"}};
    sent.remote = "unix";
    sent.body = std::move(request.body);
    CallContext context;
    http::Response response = directory_->Send(std::move(sent), context);
    return HttpAnswer{response.status, std::move(response.body)};
  }

 private:
  const std::shared_ptr<service::SharedDirectory> directory_;
};

class SharedBackend final : public Backend {
 public:
  explicit SharedBackend(std::shared_ptr<service::SharedDirectory> directory)
      : directory_(directory),
        remote_(MakeHttpBackend(std::make_unique<DirectoryTransport>(std::move(directory)))) {}

  Result<int64_t> Heartbeat() override {
    return Run([&](Backend& backend) { return backend.Heartbeat(); });
  }
  Result<std::string> Version() override {
    return Run([&](Backend& backend) { return backend.Version(); });
  }
  Result<uint32_t> MaxBatchSize() override {
    return Run([&](Backend& backend) { return backend.MaxBatchSize(); });
  }
  Status Reset() override {
    return Run([&](Backend& backend) { return backend.Reset(); });
  }
  Status CreateTenant(const std::string& name) override {
    return Run([&](Backend& backend) { return backend.CreateTenant(name); });
  }
  Result<model::Tenant> GetTenant(const std::string& name) override {
    return Run([&](Backend& backend) { return backend.GetTenant(name); });
  }
  Status CreateDatabase(const Scope& scope) override {
    return Run([&](Backend& backend) { return backend.CreateDatabase(scope); });
  }
  Result<model::Database> GetDatabase(const Scope& scope) override {
    return Run([&](Backend& backend) { return backend.GetDatabase(scope); });
  }
  Result<std::vector<model::Database>> ListDatabases(const std::string& tenant,
                                                     catalog::Page page) override {
    return Run([&](Backend& backend) { return backend.ListDatabases(tenant, page); });
  }
  Status DeleteDatabase(const Scope& scope) override {
    return Run([&](Backend& backend) { return backend.DeleteDatabase(scope); });
  }
  Result<CollectionInfo> CreateCollection(const Scope& scope,
                                          const engine::CreateCollectionRequest& request) override {
    return Run([&](Backend& backend) { return backend.CreateCollection(scope, request); });
  }
  Result<CollectionInfo> GetCollection(const Scope& scope, const std::string& name) override {
    return Run([&](Backend& backend) { return backend.GetCollection(scope, name); });
  }
  Result<CollectionInfo> GetCollectionById(const Scope& scope, const Uuid& id) override {
    return Run([&](Backend& backend) { return backend.GetCollectionById(scope, id); });
  }
  Result<std::vector<CollectionInfo>> ListCollections(const Scope& scope,
                                                      catalog::Page page) override {
    return Run([&](Backend& backend) { return backend.ListCollections(scope, page); });
  }
  Result<uint64_t> CountCollections(const Scope& scope) override {
    return Run([&](Backend& backend) { return backend.CountCollections(scope); });
  }
  Status DeleteCollection(const Scope& scope, const std::string& name) override {
    return Run([&](Backend& backend) { return backend.DeleteCollection(scope, name); });
  }
  Status Modify(const CollectionInfo& collection,
                const engine::ModifyCollectionRequest& request) override {
    return Run([&](Backend& backend) { return backend.Modify(collection, request); });
  }
  Result<uint64_t> Delete(const CollectionInfo& collection,
                          const engine::DeleteRequest& request) override {
    return Run([&](Backend& backend) { return backend.Delete(collection, request); });
  }
  Result<executor::Records> Get(const CollectionInfo& collection,
                                const engine::GetRequest& request) override {
    return Run([&](Backend& backend) { return backend.Get(collection, request); });
  }
  Result<executor::QueryResult> Query(const CollectionInfo& collection,
                                      const engine::QueryRequest& request) override {
    return Run([&](Backend& backend) { return backend.Query(collection, request); });
  }
  Result<executor::SearchResult> Search(const CollectionInfo& collection,
                                        const engine::SearchRequest& request) override {
    return Run([&](Backend& backend) { return backend.Search(collection, request); });
  }
  Result<uint64_t> Count(const CollectionInfo& collection) override {
    return Run([&](Backend& backend) { return backend.Count(collection); });
  }
  Result<executor::ListResult> List(const CollectionInfo& collection,
                                    const engine::ListRequest& request) override {
    return Run([&](Backend& backend) { return backend.List(collection, request); });
  }
  Result<std::string> Explain(const CollectionInfo& collection,
                              const engine::ExplainRequest& request) override {
    return Run([&](Backend& backend) { return backend.Explain(collection, request); });
  }
  Result<UserIdentity> Identity() override {
    return Run([&](Backend& backend) { return backend.Identity(); });
  }
  Result<executor::CollectionStatus> Describe(const CollectionInfo& collection) override {
    return Run([&](Backend& backend) { return backend.Describe(collection); });
  }
  Status Compact(const CollectionInfo& collection) override {
    return Run([&](Backend& backend) { return backend.Compact(collection); });
  }
  Result<executor::FacetResult> Facets(const CollectionInfo& collection,
                                       const engine::FacetsRequest& request) override {
    return Run([&](Backend& backend) { return backend.Facets(collection, request); });
  }
  Result<RecallReport> MeasureRecall(const CollectionInfo& collection,
                                     const RecallOptions& options) override {
    return Run([&](Backend& backend) { return backend.MeasureRecall(collection, options); });
  }
  Result<IndexingStatus> GetIndexingStatus(const CollectionInfo& collection) override {
    return Run([&](Backend& backend) { return backend.GetIndexingStatus(collection); });
  }
  Status Write(const CollectionInfo& collection, engine::WriteRequest request) override {
    return Run([&](Backend& backend) { return backend.Write(collection, std::move(request)); });
  }

 private:
  template <typename Call>
  auto Run(Call call) -> decltype(call(std::declval<Backend&>())) {
    if (std::shared_ptr<service::LocalService> service = directory_->Local()) {
      auto result = call(*MakeEngineBackend(service));
      // A failure may come of files that another process has taken over and changed. (Only where
      // this one just reads, so that no request is made twice that was given away.)
      if (result.ok() || directory_->IsCurrent(*service)) return result;
    }
    return call(*remote_);
  }

  const std::shared_ptr<service::SharedDirectory> directory_;
  const std::shared_ptr<Backend> remote_;
};

}  // namespace

Result<std::shared_ptr<Backend>> OpenSharedBackend(const std::string& path,
                                                   const LocalOptions& options) {
  service::LocalOptions local = ToServiceOptions(path, options);
  CallContext ctx;
  if (options.import_upstream) {
    service::LocalOptions import = local;
    import.read_only = false;
    CHROMA_ASSIGN(local.path, service::ImportIfUpstream(ctx, runtime::Env(), path, import));
  }
  CHROMA_ASSIGN(std::shared_ptr<service::SharedDirectory> directory,
                service::SharedDirectory::Open(ctx, runtime::Env(), std::move(local)));
  return std::shared_ptr<Backend>(std::make_shared<SharedBackend>(std::move(directory)));
}

}  // namespace chroma::api
