// The three ways to reach Chroma, behind one class: in memory, in a directory, on a server. What
// works on one works on the others, with the same results and the same error messages.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "chroma/collection.h"
#include "chroma/export.h"
#include "chroma/status.h"
#include "chroma/types.h"

namespace chroma {

// A handle, cheap to copy; copies share one engine or one pool of connections, which is closed
// with the last of them and of its collections. All const calls may be made from many threads at
// once. They block, and fail as the calls of Collection do (collection.h).
class CHROMA_EXPORT Client {
 public:
  // Where the calls on collections look.
  const std::string& tenant() const { return tenant_; }
  const std::string& database() const { return database_; }
  // Make this handle, not its copies, look elsewhere. kNotFound, and nothing changes, when there
  // is no such tenant or database. Not while another thread uses this handle.
  Status SetTenant(std::string tenant, std::string database = kDefaultDatabase);
  Status SetDatabase(std::string database);
  // A handle that looks there, whether it exists or not: calls fail when it does not.
  Client At(std::string tenant, std::string database = kDefaultDatabase) const;

  // Nanoseconds since 1970, by the clock of whoever answers.
  Result<int64_t> Heartbeat() const;
  // Of the API, as servers state it.
  Result<std::string> Version() const;
  Result<UserIdentity> GetIdentity() const;
  // How many records one write should have at most. Larger ones work, up to the size of request
  // that a server takes (40 MB unless it is configured otherwise).
  Result<uint32_t> GetMaxBatchSize() const;
  // Deletes everything of every tenant. kPermissionDenied unless that was allowed.
  Status Reset() const;

  // Names of tenants have at least 3 characters; those of databases and collections 3 to 512 of
  // [a-zA-Z0-9._-], the first and the last a letter or digit. kAlreadyExists when taken.
  Status CreateTenant(const std::string& name) const;
  Result<TenantInfo> GetTenant(const std::string& name) const;
  // In this handle's tenant, as are all of these.
  Status CreateDatabase(const std::string& name) const;
  Result<DatabaseInfo> GetDatabase(const std::string& name) const;
  // By name.
  Result<std::vector<DatabaseInfo>> ListDatabases(ListOptions options = {}) const;
  // With all of its collections.
  Status DeleteDatabase(const std::string& name) const;

  Result<Collection> CreateCollection(const std::string& name,
                                      CreateCollectionOptions options = {}) const;
  Result<Collection> GetCollection(const std::string& name) const;
  // `id`: a UUID.
  Result<Collection> GetCollectionById(const std::string& id) const;
  // An existing collection is returned as it is; the options are for a new one.
  Result<Collection> GetOrCreateCollection(const std::string& name,
                                           CreateCollectionOptions options = {}) const;
  // In an order that stays.
  Result<std::vector<Collection>> ListCollections(ListOptions options = {}) const;
  Result<uint64_t> CountCollections() const;
  Status DeleteCollection(const std::string& name) const;

 private:
  friend class ClientFactory;
  Client(std::shared_ptr<api::Backend> backend, std::string tenant, std::string database);

  std::shared_ptr<api::Backend> backend_;
  std::string tenant_;
  std::string database_;
};

struct LocalOptions {
  std::string tenant = kDefaultTenant;
  std::string database = kDefaultDatabase;
  bool must_exist = true;  // opening fails when there is no such tenant or database
  bool allow_reset = false;
  int search_threads = 0;  // 0: one per processor
  // What the process should have resident: what is mapped from files is given back beyond it, and
  // indexes keep less in memory. 0: half of the machine's.
  uint64_t memory_limit_bytes = 0;
  // Of a directory: write nothing in it, not even a lock. Writes are kPermissionDenied;
  // GetOrCreateCollection gets. A directory in memory is never read only.
  bool read_only = false;
  // Of a directory that Chroma itself wrote: import it into the directory PATH-imported beside it,
  // once, and open that; the original is only read (chroma/import.h tells more of what happens).
  // Without it such a directory is kFailedPrecondition.
  bool import_upstream = false;
};

struct HttpOptions {
  std::string tenant = kDefaultTenant;
  std::string database = kDefaultDatabase;
  bool must_exist = true;  // opening fails when there is no such tenant or database
  std::map<std::string, std::string> headers = {};  // sent with every request
  int64_t timeout_ms = 300'000;                     // for a whole request; 0: none
  int64_t connect_timeout_ms = 10'000;
  uint64_t response_bytes_max = uint64_t{2} << 30;  // larger answers are kResourceExhausted
  std::string unix_socket_path = {};                // reach the server there; empty: by the url
};

// Each checks that its tenant and database exist, unless it is told otherwise.

// A database in memory, which is gone with the last handle.
CHROMA_EXPORT Result<Client> EphemeralClient(LocalOptions options = {});

// A database in a directory, created when missing. Any number of processes, `chroma run` among
// them, and of clients in a process may have it open. One of them does the work of all; when it
// ends another one goes on, and calls under way take a moment longer. A client also works on in a
// forked child. kUnavailable when that one process does not answer, naming it.
CHROMA_EXPORT Result<Client> PersistentClient(const std::string& path, LocalOptions options = {});

// A server, at "http://host:port" or "https://…". Reads are repeated once on a new connection
// when theirs breaks; writes never are, so kUnavailable leaves open whether one took place.
CHROMA_EXPORT Result<Client> HttpClient(const std::string& url, HttpOptions options = {});

}  // namespace chroma
