// Every operation of Chroma, as one class that knows only the seams. Front doors (HTTP, C++,
// Python) decode into these requests and encode these results; nothing of the product's
// behaviour lives in them.
//
// Checks are made in the wire contract's order (rest-api.md §2.2); messages are its texts. A
// refused request changes nothing. Thread safe; calls block, but for FindCollection, Get, Query and
// Count inside a Context::AtOnce: these fail with kUnavailable where they would. No others are
// called inside one.
//
// What changes something takes a model::RequestTag, empty where the request comes only once.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/uuid.h"
#include "catalog/catalog.h"
#include "chroma/status.h"
#include "engine/backlog_gate.h"
#include "engine/collection_cache.h"
#include "engine/extension_requests.h"
#include "engine/repeats.h"
#include "engine/write_gate.h"
#include "executor/node.h"
#include "log/log.h"
#include "model/collection.h"
#include "model/filter.h"
#include "model/limits.h"
#include "model/record.h"
#include "model/request_tag.h"
#include "model/search.h"
#include "runtime/context.h"
#include "runtime/env.h"

namespace chroma::engine {

struct CreateCollectionRequest {
  std::string name;
  std::optional<model::Metadata> metadata;
  std::optional<model::Configuration> configuration;
  std::optional<model::Schema> schema;
  bool get_or_create = false;
  std::optional<Uuid> id;  // of a new collection; absent: a fresh one
  model::RequestTag tag = {};
};

struct ModifyCollectionRequest {
  std::optional<std::string> new_name;
  std::optional<model::Metadata> new_metadata;
  std::optional<model::ConfigurationUpdate> new_configuration;
  std::optional<model::Schema> new_schema;  // see model::UpdateSchema
  model::RequestTag tag = {};
};

// add, update, upsert.
struct WriteRequest {
  model::RecordBatch batch;
  model::BatchShape shape;  // as the request had it; model::ShapeOf(batch) for a trusted caller
  model::RequestTag tag = {};
};

struct GetRequest {
  std::optional<std::vector<std::string>> ids;
  std::optional<model::Filter> where;
  std::optional<model::Filter> where_document;
  std::optional<uint32_t> limit;
  uint32_t offset = 0;
  model::IncludeSet include = model::kIncludeDocuments | model::kIncludeMetadatas;
};

struct QueryRequest {
  model::VectorMatrix queries;
  std::vector<uint32_t> query_lengths;  // of each vector as given
  uint32_t n_results = model::kDefaultResults;
  std::optional<std::vector<std::string>> ids;
  std::optional<model::Filter> where;
  std::optional<model::Filter> where_document;
  model::IncludeSet include =
      model::kIncludeDocuments | model::kIncludeMetadatas | model::kIncludeDistances;
};

struct SearchRequest {
  std::vector<model::Search> searches;
};

// One of the three, and the ids of records to tell of why they are among its results or are not.
struct ExplainRequest {
  std::variant<ListRequest, QueryRequest, model::Search> request;
  std::vector<std::string> records;
};

struct DeleteRequest {
  std::optional<std::vector<std::string>> ids;
  std::optional<model::Filter> where;
  std::optional<model::Filter> where_document;
  std::optional<uint32_t> limit;
  model::RequestTag tag = {};
};

struct IndexingStatus {
  uint64_t indexed_operations = 0;
  uint64_t unindexed_operations = 0;
};

struct EngineOptions {
  bool allow_reset = false;
  // Everything that would change something is refused with kPermissionDenied; get-or-create finds
  // what is there.
  bool read_only = false;
  uint64_t schema_num_threads = 0;  // shown in schemas; 0: the processor count
  BacklogLimits backlog;
  uint64_t query_rows_max = model::kQueryRowsMax;
  uint64_t query_answer_bytes_max = model::kQueryAnswerBytesMax;
};

// What the engine tells the background about; called after the fact, must not block.
class WriteObserver {
 public:
  virtual ~WriteObserver() = default;
  // Records of the collection, or its schema.
  virtual void OnWrite(const Uuid& collection) = 0;
  virtual void OnCollectionsDeleted(const std::vector<Uuid>& collections) = 0;
  // The one call that works where it is: merges and indexes the collection until nothing is left
  // to do.
  virtual Status Compact(runtime::Context& ctx, const Uuid& collection) = 0;
};

using CollectionRef = std::shared_ptr<const model::Collection>;

class Engine {
 public:
  // All outlive the engine.
  Engine(runtime::Env env, catalog::Catalog& catalog, log::Log& log, executor::QueryNode& node,
         WriteObserver& observer, EngineOptions options);

  // ---- tenants and databases (rest-api.md §5)
  Status CreateTenant(runtime::Context& ctx, const std::string& name,
                      const model::RequestTag& tag = {});
  Result<model::Tenant> GetTenant(runtime::Context& ctx, const std::string& name);
  // `id`: absent for a fresh one.
  Status CreateDatabase(runtime::Context& ctx, const std::string& tenant, const std::string& name,
                        std::optional<Uuid> id = std::nullopt, const model::RequestTag& tag = {});
  Result<model::Database> GetDatabase(runtime::Context& ctx, const std::string& tenant,
                                      const std::string& name);
  Result<std::vector<model::Database>> ListDatabases(runtime::Context& ctx,
                                                     const std::string& tenant, catalog::Page page);
  Status DeleteDatabase(runtime::Context& ctx, const std::string& tenant, const std::string& name,
                        const model::RequestTag& tag = {});
  // kPermissionDenied unless allowed, by the options or, in their place, by the caller.
  Status Reset(runtime::Context& ctx) { return Reset(ctx, options_.allow_reset); }
  Status Reset(runtime::Context& ctx, bool allowed, const model::RequestTag& tag = {});

  // ---- collections (§6)
  Result<CollectionRef> CreateCollection(runtime::Context& ctx, const std::string& tenant,
                                         const std::string& database,
                                         const CreateCollectionRequest& request);
  Result<CollectionRef> GetCollection(runtime::Context& ctx, const std::string& tenant,
                                      const std::string& database, const std::string& name);
  // By id, within its tenant and database; kNotFound "Collection [uuid] does not exist." with
  // the period that record routes show. The first step of every record operation.
  Result<CollectionRef> FindCollection(runtime::Context& ctx, const std::string& tenant,
                                       const std::string& database, const Uuid& id);
  Result<std::vector<model::Collection>> ListCollections(runtime::Context& ctx,
                                                         const std::string& tenant,
                                                         const std::string& database,
                                                         catalog::Page page);
  Result<uint64_t> CountCollections(runtime::Context& ctx, const std::string& tenant,
                                    const std::string& database);
  Status ModifyCollection(runtime::Context& ctx, const CollectionRef& collection,
                          const ModifyCollectionRequest& request);
  Status DeleteCollection(runtime::Context& ctx, const std::string& tenant,
                          const std::string& database, const std::string& name,
                          const model::RequestTag& tag = {});

  // ---- records (§7, §8)
  // Durable when OK.
  Status Write(runtime::Context& ctx, const CollectionRef& collection, WriteRequest request);
  // How many were deleted, counted as upstream does (§7.4).
  Result<uint64_t> Delete(runtime::Context& ctx, const CollectionRef& collection,
                          const DeleteRequest& request);
  Result<executor::Records> Get(runtime::Context& ctx, const CollectionRef& collection,
                                const GetRequest& request);
  Result<executor::QueryResult> Query(runtime::Context& ctx, const CollectionRef& collection,
                                      const QueryRequest& request);
  // Every search of the request, over the same records.
  Result<executor::SearchResult> Search(runtime::Context& ctx, const CollectionRef& collection,
                                        const SearchRequest& request);
  Result<uint64_t> Count(runtime::Context& ctx, const CollectionRef& collection);
  // Beyond upstream.
  Result<executor::ListResult> List(runtime::Context& ctx, const CollectionRef& collection,
                                    const ListRequest& request);
  Result<executor::Explanation> Explain(runtime::Context& ctx, const CollectionRef& collection,
                                        const ExplainRequest& request);
  Result<executor::FacetResult> Facets(runtime::Context& ctx, const CollectionRef& collection,
                                       const FacetsRequest& request);
  // Answers `queries` records of the collection as queries, with and without its vector indexes.
  Result<executor::RecallReport> MeasureRecall(runtime::Context& ctx,
                                               const CollectionRef& collection, uint32_t queries,
                                               uint32_t n_results);
  Result<IndexingStatus> GetIndexingStatus(runtime::Context& ctx, const CollectionRef& collection);

  // What the collection is made of.
  Result<executor::CollectionStatus> Describe(runtime::Context& ctx,
                                              const CollectionRef& collection);
  // Merges and indexes all that was written, which happens by itself in time.
  Status Compact(runtime::Context& ctx, const CollectionRef& collection);

  // A version was published: what is cached of the collection is stale.
  void OnVersionPublished(const Uuid& collection);
  // The log became shorter: writers may have waited for it.
  void OnLogTrimmed() { backlog_.OnTrimmed(); }

 private:
  using CollectionScope = CollectionCache::Scope;

  Status CheckWritable() const;
  Result<planner::QueryPlan> PlanQuery(runtime::Context& ctx, const model::Collection& collection,
                                       const QueryRequest& request) const;
  // Searches that were validated.
  Result<planner::SearchBatchPlan> PlanSearches(runtime::Context& ctx,
                                                const model::Collection& collection,
                                                const std::vector<model::Search>& searches) const;
  Result<CollectionRef> LoadCollection(runtime::Context& ctx, const Uuid& id);
  // Fixes the dimension and extends the schema, where the write needs it. Whether the dimension was
  // not fixed before.
  Result<bool> RegisterWrite(runtime::Context& ctx, const CollectionRef& collection,
                             const WriteRequest& request);
  // The write that fixed it was not logged: leaves the dimension open again, unless another write
  // has relied on it. Where that fails it stays. Not called in a gate.
  void UnfixDimension(const Uuid& id);
  Result<uint64_t> DeleteMatching(runtime::Context& ctx, const CollectionRef& collection,
                                  const DeleteRequest& request);
  Status AppendDelete(runtime::Context& ctx, const Uuid& collection, std::vector<std::string> ids,
                      const model::RequestTag& tag);
  Status Append(runtime::Context& ctx, const Uuid& collection, Bytes entry, uint32_t count);
  // How many records the write of this tag had, if it took place before. Called in a gate: an
  // exclusive one for a repeated request.
  Result<std::optional<uint32_t>> FindDone(runtime::Context& ctx, const CollectionRef& collection,
                                           const model::RequestTag& tag);
  void Dropped(const std::vector<Uuid>& collections);
  // Runs `change()` of the catalog, so that nobody is answered from the cache with what was before.
  template <typename Body>
  auto Changing(CollectionScope scope, Body change) {
    const CollectionCache::Change guard(cache_, std::move(scope));
    return change();
  }
  // Runs `read(version)` against the newest known version, and again against the catalog's when
  // that one turns out to be swept already.
  template <typename Read>
  auto ReadVersion(runtime::Context& ctx, const CollectionRef& collection, Read read)
      -> decltype(read(segment::VersionRef()));

  runtime::Env env_;
  catalog::Catalog& catalog_;
  log::Log& log_;
  executor::QueryNode& node_;
  WriteObserver& observer_;
  const EngineOptions options_;
  CollectionCache cache_;
  WriteGates gates_;
  Repeats repeats_;
  BacklogGate backlog_;
};

}  // namespace chroma::engine
