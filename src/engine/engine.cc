#include "engine/engine.h"

#include <algorithm>
#include <utility>

#include "engine/sparse_embedding.h"
#include "model/validate.h"
#include "runtime/test_points.h"

namespace chroma::engine {
namespace {

constexpr size_t kCachedCollectionsMax = 4096;

uint64_t SchemaThreads(const runtime::Env& env, const EngineOptions& options) {
  return options.schema_num_threads != 0 ? options.schema_num_threads
                                         : static_cast<uint64_t>(env.scheduler->Parallelism());
}

Uuid NewUuid(runtime::Random& random) {
  const uint64_t high = random.Next();
  return Uuid::FromRandom(high, random.Next());
}

}  // namespace

Engine::Engine(runtime::Env env, catalog::Catalog& catalog, log::Log& log,
               executor::QueryNode& node, WriteObserver& observer, EngineOptions options)
    : env_(env),
      catalog_(catalog),
      log_(log),
      node_(node),
      observer_(observer),
      options_(options),
      cache_(kCachedCollectionsMax),
      backlog_(env_, log_, options_.backlog, [this](const Uuid& id) { observer_.OnWrite(id); }) {}

// ---- tenants and databases

Status Engine::CheckWritable() const {
  if (!options_.read_only) return Status::Ok();
  return Status::PermissionDenied("The database is open for reading only");
}

Status Engine::CreateTenant(runtime::Context& ctx, const std::string& name,
                            const model::RequestTag& tag) {
  CHROMA_TRY(CheckWritable());
  CHROMA_TRY(model::ValidateTenantName(name));
  return catalog_.CreateTenant(ctx, name, tag);
}

Result<model::Tenant> Engine::GetTenant(runtime::Context& ctx, const std::string& name) {
  return catalog_.GetTenant(ctx, name);
}

Status Engine::CreateDatabase(runtime::Context& ctx, const std::string& tenant,
                              const std::string& name, std::optional<Uuid> id,
                              const model::RequestTag& tag) {
  CHROMA_TRY(CheckWritable());
  CHROMA_TRY(model::ValidateName(name));
  return catalog_.CreateDatabase(ctx, id ? *id : NewUuid(*env_.random), name, tenant, tag);
}

Result<model::Database> Engine::GetDatabase(runtime::Context& ctx, const std::string& tenant,
                                            const std::string& name) {
  CHROMA_TRY(model::ValidateDatabaseNameLength(name));
  return catalog_.GetDatabase(ctx, name, tenant);
}

Result<std::vector<model::Database>> Engine::ListDatabases(runtime::Context& ctx,
                                                           const std::string& tenant,
                                                           catalog::Page page) {
  return catalog_.ListDatabases(ctx, tenant, page);
}

Status Engine::DeleteDatabase(runtime::Context& ctx, const std::string& tenant,
                              const std::string& name, const model::RequestTag& tag) {
  CHROMA_TRY(CheckWritable());
  CHROMA_ASSIGN(std::vector<Uuid> dropped, Changing(CollectionScope::Database(tenant, name), [&] {
                  return catalog_.DeleteDatabase(ctx, name, tenant, tag);
                }));
  Dropped(dropped);
  return Status::Ok();
}

Status Engine::Reset(runtime::Context& ctx, bool allowed, const model::RequestTag& tag) {
  CHROMA_TRY(CheckWritable());
  if (!allowed) return Status::PermissionDenied("Reset is disabled by config");
  CHROMA_ASSIGN(std::vector<Uuid> dropped,
                Changing(CollectionScope::Everything(), [&] { return catalog_.Reset(ctx, tag); }));
  Dropped(dropped);
  return Status::Ok();
}

// The catalog no longer knows these collections. What the log and the node hold of them goes;
// a failure here costs space until the next start, nothing else.
void Engine::Dropped(const std::vector<Uuid>& collections) {
  // Not the request's, whose caller may be gone: the deletion has happened.
  runtime::Context ctx(*env_.clock);
  for (const Uuid& id : collections) {
    // Appends that passed the existence check before the deletion end first.
    WriteGates::Hold gate(gates_, id, /*exclusive=*/true, nullptr);
    CHROMA_TEST_POINT("engine.collection_dropped");
    static_cast<void>(log_.Forget(ctx, id));
    CHROMA_TEST_POINT("engine.log_forgotten");
    backlog_.OnTrimmed();
    node_.Forget(id);
  }
  observer_.OnCollectionsDeleted(collections);
}

// ---- collections

Result<CollectionRef> Engine::CreateCollection(runtime::Context& ctx, const std::string& tenant,
                                               const std::string& database,
                                               const CreateCollectionRequest& request) {
  if (options_.read_only && request.get_or_create) {
    Result<CollectionRef> found = GetCollection(ctx, tenant, database, request.name);
    if (found.status().code() != StatusCode::kNotFound) return found;
  }
  CHROMA_TRY(CheckWritable());
  CHROMA_TRY(model::ValidateConfiguration(request.configuration, request.metadata));
  CHROMA_TRY(model::ValidateDatabaseNameLength(database));
  CHROMA_TRY(model::ValidateCreateCollection(request.name, request.metadata, request.schema));
  model::Collection collection;
  CHROMA_ASSIGN(collection.schema,
                model::ResolveSchema(request.schema, request.configuration, request.metadata,
                                     SchemaThreads(env_, options_)));
  collection.id = request.id ? *request.id : NewUuid(*env_.random);
  collection.name = request.name;
  collection.tenant = tenant;
  collection.database = database;
  collection.metadata = request.metadata;
  CHROMA_ASSIGN(catalog::Catalog::CreateResult created,
                catalog_.CreateCollection(ctx, collection, request.get_or_create, request.tag));
  CHROMA_TEST_POINT("engine.collection_created");
  return std::make_shared<const model::Collection>(std::move(created.collection));
}

Result<CollectionRef> Engine::GetCollection(runtime::Context& ctx, const std::string& tenant,
                                            const std::string& database, const std::string& name) {
  CHROMA_TRY(model::ValidateDatabaseNameLength(database));
  CHROMA_ASSIGN(model::Collection collection, catalog_.GetCollection(ctx, tenant, database, name));
  return std::make_shared<const model::Collection>(std::move(collection));
}

Result<CollectionRef> Engine::LoadCollection(runtime::Context& ctx, const Uuid& id) {
  if (CollectionRef cached = cache_.Find(id)) return cached;
  CHROMA_TRY(ctx.CheckMayWait());
  const uint64_t generation = cache_.generation();
  CHROMA_ASSIGN(model::Collection row, catalog_.GetCollectionById(ctx, id));
  auto collection = std::make_shared<const model::Collection>(std::move(row));
  cache_.Put(collection, generation);
  return CollectionRef(std::move(collection));
}

Result<CollectionRef> Engine::FindCollection(runtime::Context& ctx, const std::string& tenant,
                                             const std::string& database, const Uuid& id) {
  CHROMA_TRY(model::ValidateDatabaseNameLength(database));
  Result<CollectionRef> found = LoadCollection(ctx, id);
  const bool missing = !found.ok() && found.status().code() == StatusCode::kNotFound;
  const bool elsewhere =
      found.ok() && ((*found)->tenant != tenant || (*found)->database != database);
  if (missing || elsewhere) {
    return Status::NotFound("Collection [" + id.ToString() + "] does not exist.");
  }
  return found;
}

Result<std::vector<model::Collection>> Engine::ListCollections(runtime::Context& ctx,
                                                               const std::string& tenant,
                                                               const std::string& database,
                                                               catalog::Page page) {
  CHROMA_TRY(model::ValidateDatabaseNameLength(database));
  return catalog_.ListCollections(ctx, tenant, database, page);
}

Result<uint64_t> Engine::CountCollections(runtime::Context& ctx, const std::string& tenant,
                                          const std::string& database) {
  CHROMA_TRY(model::ValidateDatabaseNameLength(database));
  return catalog_.CountCollections(ctx, tenant, database);
}

Status Engine::ModifyCollection(runtime::Context& ctx, const CollectionRef& collection,
                                const ModifyCollectionRequest& request) {
  CHROMA_TRY(CheckWritable());
  CHROMA_TRY(model::ValidateModifyCollection(request.new_name, request.new_metadata));
  // The schema is read and written back: no write may extend it in between.
  WriteGates::Hold gate(gates_, collection->id, /*exclusive=*/true, &ctx);
  CHROMA_TRY(gate.status());
  CHROMA_ASSIGN(CollectionRef current, LoadCollection(ctx, collection->id));
  catalog::Catalog::CollectionUpdate update;
  update.name = request.new_name;
  if (request.new_metadata) {
    model::Metadata kept;
    kept.Merge(*request.new_metadata);
    update.metadata.emplace();
    if (!kept.empty()) *update.metadata = std::move(kept);
  }
  if (request.new_configuration) {
    CHROMA_ASSIGN(update.schema,
                  model::UpdateConfiguration(current->schema, *request.new_configuration));
  }
  if (request.new_schema) {
    CHROMA_ASSIGN(update.schema, model::UpdateSchema(update.schema.value_or(current->schema),
                                                     *request.new_schema));
    // The log does not know its end where all of it was trimmed before it was opened.
    CHROMA_ASSIGN(const uint64_t log_end, log_.End(ctx, current->id));
    NoteFills(current->schema, std::max(log_end, current->log_offset), &*update.schema);
  }
  if (CHROMA_PLANTED_BUG("engine.keep_stale_row")) {
    return catalog_.UpdateCollection(ctx, current->id, update, request.tag);
  }
  CHROMA_TRY(Changing(CollectionScope::Id(current->id), [&] {
    return catalog_.UpdateCollection(ctx, current->id, update, request.tag);
  }));
  CHROMA_TEST_POINT("engine.collection_modified");
  // Segments may miss an index now, and records vectors.
  if (request.new_schema) observer_.OnWrite(current->id);
  return Status::Ok();
}

Status Engine::DeleteCollection(runtime::Context& ctx, const std::string& tenant,
                                const std::string& database, const std::string& name,
                                const model::RequestTag& tag) {
  CHROMA_TRY(CheckWritable());
  CHROMA_TRY(model::ValidateDatabaseNameLength(database));
  CHROMA_ASSIGN(const std::optional<Uuid> id,
                Changing(CollectionScope::Name(tenant, database, name), [&] {
                  return catalog_.DeleteCollection(ctx, tenant, database, name, tag);
                }));
  if (id) Dropped({*id});
  return Status::Ok();
}

void Engine::OnVersionPublished(const Uuid& collection) {
  cache_.Erase(collection);
}

}  // namespace chroma::engine
