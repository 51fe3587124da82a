#include "api/http_backend.h"

#include <utility>

#include "api/http_decode.h"
#include "api/http_encode.h"
#include "api/http_transport.h"

namespace chroma::api {
namespace {

std::string DatabasesPath(const std::string& tenant) {
  return "/api/v2/tenants/" + EncodeSegment(tenant) + "/databases";
}

std::string DatabasePath(const Scope& scope) {
  return DatabasesPath(scope.tenant) + "/" + EncodeSegment(scope.database);
}

std::string CollectionsPath(const Scope& scope) {
  return DatabasePath(scope) + "/collections";
}

std::string PathOf(const CollectionInfo& collection) {
  return CollectionsPath({collection.tenant, collection.database}) + "/" + collection.id;
}

const char* RouteOf(model::Operation operation) {
  switch (operation) {
    case model::Operation::kUpdate:
      return "/update";
    case model::Operation::kUpsert:
      return "/upsert";
    default:
      return "/add";
  }
}

class HttpBackend : public Backend {
 public:
  explicit HttpBackend(std::unique_ptr<Transport> transport) : transport_(std::move(transport)) {}

  Result<int64_t> Heartbeat() override {
    CHROMA_ASSIGN(std::string body, Get("/api/v2/heartbeat"));
    CHROMA_ASSIGN(uint64_t ns, DecodeCountIn(body, "nanosecond heartbeat"));
    return static_cast<int64_t>(ns);
  }
  Result<std::string> Version() override {
    CHROMA_ASSIGN(std::string body, Get("/api/v2/version"));
    return DecodeVersion(body);
  }
  Result<uint32_t> MaxBatchSize() override {
    CHROMA_ASSIGN(std::string body, Get("/api/v2/pre-flight-checks"));
    CHROMA_ASSIGN(uint64_t size, DecodeCountIn(body, "max_batch_size"));
    return static_cast<uint32_t>(std::min<uint64_t>(size, UINT32_MAX));
  }
  Result<UserIdentity> Identity() override {
    CHROMA_ASSIGN(std::string body, Get("/api/v2/auth/identity"));
    return DecodeIdentity(body);
  }
  Status Reset() override { return Change("POST", "/api/v2/reset", ""); }

  Status CreateTenant(const std::string& name) override {
    return Change("POST", "/api/v2/tenants", EncodeName(name));
  }
  Result<model::Tenant> GetTenant(const std::string& name) override {
    CHROMA_ASSIGN(std::string body, Get("/api/v2/tenants/" + EncodeSegment(name)));
    return DecodeTenant(body);
  }
  Status CreateDatabase(const Scope& scope) override {
    return Change("POST", DatabasesPath(scope.tenant), EncodeName(scope.database));
  }
  Result<model::Database> GetDatabase(const Scope& scope) override {
    CHROMA_ASSIGN(std::string body, Get(DatabasePath(scope)));
    return DecodeDatabase(body);
  }
  Result<std::vector<model::Database>> ListDatabases(const std::string& tenant,
                                                     catalog::Page page) override {
    CHROMA_ASSIGN(std::string body, Get(DatabasesPath(tenant) + EncodePage(page)));
    return DecodeDatabases(body);
  }
  Status DeleteDatabase(const Scope& scope) override {
    return Change("DELETE", DatabasePath(scope), "");
  }

  Result<CollectionInfo> CreateCollection(const Scope& scope,
                                          const engine::CreateCollectionRequest& request) override {
    CHROMA_ASSIGN(std::string body,
                  Ask("POST", CollectionsPath(scope), EncodeCreateCollection(request), false));
    return DecodeCollection(body);
  }
  Result<CollectionInfo> GetCollection(const Scope& scope, const std::string& name) override {
    CHROMA_ASSIGN(std::string body, Get(CollectionsPath(scope) + "/" + EncodeSegment(name)));
    return DecodeCollection(body);
  }
  Result<CollectionInfo> GetCollectionById(const Scope& scope, const Uuid& id) override {
    CHROMA_ASSIGN(std::string body, Get(CollectionsPath(scope) + "/by-id/" + id.ToString()));
    return DecodeCollection(body);
  }
  Result<std::vector<CollectionInfo>> ListCollections(const Scope& scope,
                                                      catalog::Page page) override {
    CHROMA_ASSIGN(std::string body, Get(CollectionsPath(scope) + EncodePage(page)));
    return DecodeCollections(body);
  }
  Result<uint64_t> CountCollections(const Scope& scope) override {
    CHROMA_ASSIGN(std::string body, Get(DatabasePath(scope) + "/collections_count"));
    return DecodeCount(body);
  }
  Status DeleteCollection(const Scope& scope, const std::string& name) override {
    return Change("DELETE", CollectionsPath(scope) + "/" + EncodeSegment(name), "");
  }

  Status Modify(const CollectionInfo& collection,
                const engine::ModifyCollectionRequest& request) override {
    return Change("PUT", PathOf(collection), EncodeModifyCollection(request));
  }
  Status Write(const CollectionInfo& collection, engine::WriteRequest request) override {
    CHROMA_ASSIGN(std::string body, EncodeWrite(request));
    const char* route = RouteOf(request.batch.operation);
    request = engine::WriteRequest();  // one copy is enough while the server works
    return Change("POST", PathOf(collection) + route, std::move(body));
  }
  Result<uint64_t> Delete(const CollectionInfo& collection,
                          const engine::DeleteRequest& request) override {
    CHROMA_ASSIGN(std::string body,
                  Ask("POST", PathOf(collection) + "/delete", EncodeDelete(request), false));
    return DecodeCountIn(body, "deleted");
  }
  Result<executor::Records> Get(const CollectionInfo& collection,
                                const engine::GetRequest& request) override {
    CHROMA_ASSIGN(std::string body,
                  Ask("POST", PathOf(collection) + "/get", EncodeGet(request), true));
    return DecodeGet(body, request.include);
  }
  Result<executor::QueryResult> Query(const CollectionInfo& collection,
                                      const engine::QueryRequest& request) override {
    CHROMA_ASSIGN(std::string body,
                  Ask("POST", PathOf(collection) + "/query", EncodeQuery(request), true));
    return DecodeQuery(body, request.include);
  }
  Result<executor::SearchResult> Search(const CollectionInfo& collection,
                                        const engine::SearchRequest& request) override {
    CHROMA_ASSIGN(std::string body,
                  Ask("POST", PathOf(collection) + "/search", EncodeSearch(request), true));
    return DecodeSearch(body, request.searches);
  }
  Result<uint64_t> Count(const CollectionInfo& collection) override {
    CHROMA_ASSIGN(std::string body, Get(PathOf(collection) + "/count"));
    return DecodeCount(body);
  }
  Result<executor::ListResult> List(const CollectionInfo& collection,
                                    const engine::ListRequest& request) override {
    CHROMA_ASSIGN(std::string body,
                  Ask("POST", PathOf(collection) + "/list", EncodeList(request), true));
    return DecodeList(body, request);
  }
  Result<std::string> Explain(const CollectionInfo& collection,
                              const engine::ExplainRequest& request) override {
    return Ask("POST", PathOf(collection) + "/explain", EncodeExplain(request), true);
  }
  Result<executor::CollectionStatus> Describe(const CollectionInfo& collection) override {
    CHROMA_ASSIGN(std::string body, Get(PathOf(collection) + "/describe"));
    return DecodeDescription(body);
  }
  Status Compact(const CollectionInfo& collection) override {
    return Change("POST", PathOf(collection) + "/compact", "");
  }
  Result<executor::FacetResult> Facets(const CollectionInfo& collection,
                                       const engine::FacetsRequest& request) override {
    CHROMA_ASSIGN(std::string body,
                  Ask("POST", PathOf(collection) + "/facets", EncodeFacets(request), true));
    return DecodeFacets(body, request.facets.size());
  }
  Result<RecallReport> MeasureRecall(const CollectionInfo& collection,
                                     const RecallOptions& options) override {
    CHROMA_ASSIGN(std::string body,
                  Ask("POST", PathOf(collection) + "/recall", EncodeRecall(options), true));
    return DecodeRecall(body);
  }
  Result<IndexingStatus> GetIndexingStatus(const CollectionInfo& collection) override {
    CHROMA_ASSIGN(std::string body, Get(PathOf(collection) + "/indexing_status"));
    return DecodeIndexingStatus(body);
  }

 private:
  // The body of the answer.
  Result<std::string> Ask(const char* method, std::string path, std::string body, bool is_read) {
    CHROMA_ASSIGN(HttpAnswer answer,
                  transport_->Send({method, std::move(path), std::move(body), is_read}));
    CHROMA_TRY(StatusOf(answer));
    return std::move(answer.body);
  }
  Result<std::string> Get(std::string path) { return Ask("GET", std::move(path), "", true); }
  Status Change(const char* method, std::string path, std::string body) {
    return Ask(method, std::move(path), std::move(body), false).status();
  }

  std::unique_ptr<Transport> transport_;
};

}  // namespace

Result<std::shared_ptr<Backend>> OpenHttpBackend(const std::string& url,
                                                 const HttpOptions& options) {
  CHROMA_ASSIGN(std::unique_ptr<HttpTransport> transport, HttpTransport::Create(url, options));
  return MakeHttpBackend(std::move(transport));
}

std::shared_ptr<Backend> MakeHttpBackend(std::unique_ptr<Transport> transport) {
  return std::make_shared<HttpBackend>(std::move(transport));
}

}  // namespace chroma::api
