#include "chroma/client.h"

#include <utility>

#include "api/backend.h"
#include "api/engine_backend.h"
#include "api/guard.h"
#include "api/http_backend.h"
#include "api/request.h"
#include "api/result.h"
#include "api/shared_backend.h"
#include "api/values.h"
#include "runtime/log.h"

namespace chroma {
namespace {

using api::Guard;

catalog::Page ToPage(const ListOptions& options) {
  return {options.limit, options.offset};
}

// Names that are parts of URLs, where an empty one would name something else.
Status CheckName(std::string_view what, const std::string& name) {
  if (name.empty()) return Status::InvalidArgument(std::string(what) + " must not be empty");
  return api::CheckText(what, name);
}

Status CheckExists(api::Backend& backend, const std::string& tenant, const std::string& database) {
  CHROMA_TRY(CheckName("The tenant's name", tenant));
  CHROMA_TRY(CheckName("The database's name", database));
  CHROMA_TRY(backend.GetTenant(tenant).status());
  return backend.GetDatabase({tenant, database}).status();
}

}  // namespace

// The constructor of Client is for the functions below alone.
class ClientFactory {
 public:
  template <typename Options>
  static Result<Client> Create(Result<std::shared_ptr<api::Backend>> backend,
                               const Options& options) {
    if (!backend.ok()) return backend.status();
    if (options.must_exist) {
      CHROMA_TRY(CheckExists(**backend, options.tenant, options.database));
    }
    return Client(*std::move(backend), options.tenant, options.database);
  }
};

Client::Client(std::shared_ptr<api::Backend> backend, std::string tenant, std::string database)
    : backend_(std::move(backend)), tenant_(std::move(tenant)), database_(std::move(database)) {}

Status Client::SetTenant(std::string tenant, std::string database) {
  return Guard([&]() -> Status {
    CHROMA_TRY(CheckExists(*backend_, tenant, database));
    tenant_ = std::move(tenant);
    database_ = std::move(database);
    return Status::Ok();
  });
}

Status Client::SetDatabase(std::string database) {
  return Guard([&] { return SetTenant(tenant_, std::move(database)); });
}

Client Client::At(std::string tenant, std::string database) const {
  return Client(backend_, std::move(tenant), std::move(database));
}

Result<int64_t> Client::Heartbeat() const {
  return Guard([&] { return backend_->Heartbeat(); });
}

Result<std::string> Client::Version() const {
  return Guard([&] { return backend_->Version(); });
}

Result<UserIdentity> Client::GetIdentity() const {
  return Guard([&] { return backend_->Identity(); });
}

Result<uint32_t> Client::GetMaxBatchSize() const {
  return Guard([&] { return backend_->MaxBatchSize(); });
}

Status Client::Reset() const {
  return Guard([&] { return backend_->Reset(); });
}

Status Client::CreateTenant(const std::string& name) const {
  return Guard([&]() -> Status {
    CHROMA_TRY(api::CheckText("The tenant's name", name));
    return backend_->CreateTenant(name);
  });
}

Result<TenantInfo> Client::GetTenant(const std::string& name) const {
  return Guard([&]() -> Result<TenantInfo> {
    CHROMA_TRY(CheckName("The tenant's name", name));
    CHROMA_ASSIGN(model::Tenant tenant, backend_->GetTenant(name));
    return TenantInfo{std::move(tenant.name)};
  });
}

Status Client::CreateDatabase(const std::string& name) const {
  return Guard([&]() -> Status {
    CHROMA_TRY(api::CheckText("The database's name", name));
    return backend_->CreateDatabase({tenant_, name});
  });
}

Result<DatabaseInfo> Client::GetDatabase(const std::string& name) const {
  return Guard([&]() -> Result<DatabaseInfo> {
    CHROMA_TRY(CheckName("The database's name", name));
    CHROMA_ASSIGN(model::Database database, backend_->GetDatabase({tenant_, name}));
    return api::ToInfo(std::move(database));
  });
}

Result<std::vector<DatabaseInfo>> Client::ListDatabases(ListOptions options) const {
  return Guard([&]() -> Result<std::vector<DatabaseInfo>> {
    CHROMA_ASSIGN(std::vector<model::Database> databases,
                  backend_->ListDatabases(tenant_, ToPage(options)));
    std::vector<DatabaseInfo> infos;
    infos.reserve(databases.size());
    for (model::Database& database : databases) infos.push_back(api::ToInfo(std::move(database)));
    return infos;
  });
}

Status Client::DeleteDatabase(const std::string& name) const {
  return Guard([&]() -> Status {
    CHROMA_TRY(CheckName("The database's name", name));
    return backend_->DeleteDatabase({tenant_, name});
  });
}

Result<Collection> Client::CreateCollection(const std::string& name,
                                            CreateCollectionOptions options) const {
  return Guard([&]() -> Result<Collection> {
    CHROMA_ASSIGN(engine::CreateCollectionRequest request, api::ToRequest(name, options));
    CHROMA_ASSIGN(CollectionInfo info, backend_->CreateCollection({tenant_, database_}, request));
    return Collection(backend_, std::move(info));
  });
}

Result<Collection> Client::GetCollection(const std::string& name) const {
  return Guard([&]() -> Result<Collection> {
    CHROMA_TRY(CheckName("The collection's name", name));
    CHROMA_ASSIGN(CollectionInfo info, backend_->GetCollection({tenant_, database_}, name));
    return Collection(backend_, std::move(info));
  });
}

Result<Collection> Client::GetCollectionById(const std::string& id) const {
  return Guard([&]() -> Result<Collection> {
    const std::optional<Uuid> uuid = Uuid::Parse(id);
    if (!uuid) return Status::InvalidArgument("Collection ID is not a valid UUIDv4");
    CHROMA_ASSIGN(CollectionInfo info, backend_->GetCollectionById({tenant_, database_}, *uuid));
    return Collection(backend_, std::move(info));
  });
}

Result<Collection> Client::GetOrCreateCollection(const std::string& name,
                                                 CreateCollectionOptions options) const {
  options.get_or_create = true;
  return CreateCollection(name, std::move(options));
}

Result<std::vector<Collection>> Client::ListCollections(ListOptions options) const {
  return Guard([&]() -> Result<std::vector<Collection>> {
    CHROMA_ASSIGN(std::vector<CollectionInfo> infos,
                  backend_->ListCollections({tenant_, database_}, ToPage(options)));
    std::vector<Collection> collections;
    collections.reserve(infos.size());
    for (CollectionInfo& info : infos) {
      collections.push_back(Collection(backend_, std::move(info)));
    }
    return collections;
  });
}

Result<uint64_t> Client::CountCollections() const {
  return Guard([&] { return backend_->CountCollections({tenant_, database_}); });
}

Status Client::DeleteCollection(const std::string& name) const {
  return Guard([&]() -> Status {
    CHROMA_TRY(CheckName("The collection's name", name));
    return backend_->DeleteCollection({tenant_, database_}, name);
  });
}

namespace {

// A library does not chat on its user's stderr.
void PrepareProcess() {
  static_cast<void>(api::OutOfMemory());
  runtime::ConfigureLog(runtime::LogLevel::kWarning, runtime::LogFormat::kText);
}

}  // namespace

Result<Client> EphemeralClient(LocalOptions options) {
  return Guard([&]() -> Result<Client> {
    PrepareProcess();
    return ClientFactory::Create(api::OpenMemoryBackend(options), options);
  });
}

Result<Client> PersistentClient(const std::string& path, LocalOptions options) {
  return Guard([&]() -> Result<Client> {
    if (path.empty()) return Status::InvalidArgument("The directory's path must not be empty");
    PrepareProcess();
    return ClientFactory::Create(api::OpenSharedBackend(path, options), options);
  });
}

Result<Client> HttpClient(const std::string& url, HttpOptions options) {
  return Guard([&]() -> Result<Client> {
    static_cast<void>(api::OutOfMemory());
    return ClientFactory::Create(api::OpenHttpBackend(url, options), options);
  });
}

}  // namespace chroma
