// What stands behind a client: the engine of this process, or a server. Requests and results are
// the engine's own, so that everything that is checked before it reaches either is checked once
// (request.h) and everything the user sees is made once (result.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "catalog/catalog.h"
#include "chroma/extensions.h"
#include "chroma/status.h"
#include "chroma/types.h"
#include "engine/engine.h"
#include "model/collection.h"

namespace chroma::api {

// Where a collection is looked for.
struct Scope {
  const std::string& tenant;
  const std::string& database;
};

// Thread safe; calls block, and may throw what allocation throws (guard.h).
class Backend {
 public:
  virtual ~Backend() = default;

  virtual Result<int64_t> Heartbeat() = 0;  // nanoseconds since 1970
  virtual Result<std::string> Version() = 0;
  virtual Result<uint32_t> MaxBatchSize() = 0;
  virtual Status Reset() = 0;
  virtual Result<UserIdentity> Identity() = 0;

  virtual Status CreateTenant(const std::string& name) = 0;
  virtual Result<model::Tenant> GetTenant(const std::string& name) = 0;
  virtual Status CreateDatabase(const Scope& scope) = 0;
  virtual Result<model::Database> GetDatabase(const Scope& scope) = 0;
  virtual Result<std::vector<model::Database>> ListDatabases(const std::string& tenant,
                                                             catalog::Page page) = 0;
  virtual Status DeleteDatabase(const Scope& scope) = 0;

  virtual Result<CollectionInfo> CreateCollection(
      const Scope& scope, const engine::CreateCollectionRequest& request) = 0;
  virtual Result<CollectionInfo> GetCollection(const Scope& scope, const std::string& name) = 0;
  virtual Result<CollectionInfo> GetCollectionById(const Scope& scope, const Uuid& id) = 0;
  virtual Result<std::vector<CollectionInfo>> ListCollections(const Scope& scope,
                                                              catalog::Page page) = 0;
  virtual Result<uint64_t> CountCollections(const Scope& scope) = 0;
  virtual Status DeleteCollection(const Scope& scope, const std::string& name) = 0;

  // Of the collection, only its id, tenant and database are used.
  virtual Status Modify(const CollectionInfo& collection,
                        const engine::ModifyCollectionRequest& request) = 0;
  virtual Status Write(const CollectionInfo& collection, engine::WriteRequest request) = 0;
  virtual Result<uint64_t> Delete(const CollectionInfo& collection,
                                  const engine::DeleteRequest& request) = 0;
  virtual Result<executor::Records> Get(const CollectionInfo& collection,
                                        const engine::GetRequest& request) = 0;
  virtual Result<executor::QueryResult> Query(const CollectionInfo& collection,
                                              const engine::QueryRequest& request) = 0;
  // As many elements as there are searches.
  virtual Result<executor::SearchResult> Search(const CollectionInfo& collection,
                                                const engine::SearchRequest& request) = 0;
  virtual Result<uint64_t> Count(const CollectionInfo& collection) = 0;
  virtual Result<executor::ListResult> List(const CollectionInfo& collection,
                                            const engine::ListRequest& request) = 0;
  // JSON, as the route answers.
  virtual Result<std::string> Explain(const CollectionInfo& collection,
                                      const engine::ExplainRequest& request) = 0;
  virtual Result<executor::CollectionStatus> Describe(const CollectionInfo& collection) = 0;
  virtual Status Compact(const CollectionInfo& collection) = 0;
  virtual Result<executor::FacetResult> Facets(const CollectionInfo& collection,
                                               const engine::FacetsRequest& request) = 0;
  virtual Result<RecallReport> MeasureRecall(const CollectionInfo& collection,
                                             const RecallOptions& options) = 0;
  virtual Result<IndexingStatus> GetIndexingStatus(const CollectionInfo& collection) = 0;
};

}  // namespace chroma::api
