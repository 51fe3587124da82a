// The catalog: tenants → databases → collections → the published version of each. Small, SQL,
// transactional, durable before a call returns. Not for records, text or vectors.
//
// A change with a tag that has taken place already succeeds and changes nothing; those that answer
// what they dropped answer nothing then.
//
// Messages of kNotFound and kAlreadyExists are the wire contract's (rest-api.md §5, §6).
// Implementations: SQLite (one directory), PostgreSQL later. Thread safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/uuid.h"
#include "chroma/status.h"
#include "model/collection.h"
#include "model/request_tag.h"
#include "runtime/context.h"

namespace chroma::catalog {

struct Page {
  std::optional<uint32_t> limit;  // absent: all
  uint32_t offset = 0;
};

// A new version of a collection: accepted only if the published one is still `expected_version`.
struct VersionUpdate {
  Uuid collection;
  uint64_t expected_version = 0;
  std::string manifest;            // blob name
  uint64_t log_offset = 0;         // covered by it, exclusive
  std::vector<std::string> blobs;  // every blob that it names, the manifest included
  bool settled = false;            // see CollectionHead
  // What the version was found settled by: it is not where that is the schema no more. Null: none.
  const model::Schema* schema = nullptr;
};

class Catalog {
 public:
  virtual ~Catalog() = default;

  virtual Status CreateTenant(runtime::Context& ctx, const std::string& name,
                              const model::RequestTag& tag = {}) = 0;
  virtual Result<model::Tenant> GetTenant(runtime::Context& ctx, const std::string& name) = 0;

  // The tenant need not exist, as upstream has it.
  virtual Status CreateDatabase(runtime::Context& ctx, const Uuid& id, const std::string& name,
                                const std::string& tenant, const model::RequestTag& tag = {}) = 0;
  virtual Result<model::Database> GetDatabase(runtime::Context& ctx, const std::string& name,
                                              const std::string& tenant) = 0;
  // Ordered by name, bytewise.
  virtual Result<std::vector<model::Database>> ListDatabases(runtime::Context& ctx,
                                                             const std::string& tenant,
                                                             Page page) = 0;
  // With all of its collections, whose ids are returned.
  virtual Result<std::vector<Uuid>> DeleteDatabase(runtime::Context& ctx, const std::string& name,
                                                   const std::string& tenant,
                                                   const model::RequestTag& tag = {}) = 0;

  // Inserts `collection` (its id is set; version fields are ignored). With `get_or_create` an
  // existing collection of that name is returned unchanged instead of kAlreadyExists.
  // kInvalidArgument "Database [x] does not exist" when the database is unknown.
  struct CreateResult {
    model::Collection collection;
    bool created = false;
  };
  virtual Result<CreateResult> CreateCollection(runtime::Context& ctx,
                                                const model::Collection& collection,
                                                bool get_or_create,
                                                const model::RequestTag& tag = {}) = 0;
  virtual Result<model::Collection> GetCollection(runtime::Context& ctx, const std::string& tenant,
                                                  const std::string& database,
                                                  const std::string& name) = 0;
  // Wherever it is; callers compare tenant and database themselves.
  virtual Result<model::Collection> GetCollectionById(runtime::Context& ctx, const Uuid& id) = 0;
  // Ordered by id.
  virtual Result<std::vector<model::Collection>> ListCollections(runtime::Context& ctx,
                                                                 const std::string& tenant,
                                                                 const std::string& database,
                                                                 Page page) = 0;
  virtual Result<uint64_t> CountCollections(runtime::Context& ctx, const std::string& tenant,
                                            const std::string& database) = 0;

  // Changes what is given. kAlreadyExists when the new name is taken. With another schema a version
  // is not settled any more.
  struct CollectionUpdate {
    std::optional<std::string> name;
    std::optional<std::optional<model::Metadata>> metadata;  // the whole of it; inner null clears
    std::optional<model::Schema> schema;
  };
  virtual Status UpdateCollection(runtime::Context& ctx, const Uuid& id,
                                  const CollectionUpdate& update,
                                  const model::RequestTag& tag = {}) = 0;
  // In one transaction: fixes the dimension if none is fixed yet, and adds to the schema the keys
  // and types of every element of `metadatas` that it lacks (model::ExtendSchema on the stored
  // schema). Returns the collection as it is then; the caller compares the dimension, since
  // another writer may have won.
  virtual Result<model::Collection> RegisterWrite(
      runtime::Context& ctx, const Uuid& id, std::optional<uint32_t> dimension,
      const std::vector<model::Metadata>& metadatas) = 0;
  // The next write fixes it anew. For a collection of which nothing was ever logged.
  virtual Status ForgetDimension(runtime::Context& ctx, const Uuid& id) = 0;
  // Which one it was; none: it took place before.
  virtual Result<std::optional<Uuid>> DeleteCollection(runtime::Context& ctx,
                                                       const std::string& tenant,
                                                       const std::string& database,
                                                       const std::string& name,
                                                       const model::RequestTag& tag = {}) = 0;

  // kAborted when another version was published meanwhile, kNotFound when the collection is gone.
  virtual Status PublishVersion(runtime::Context& ctx, const VersionUpdate& update) = 0;

  // Every collection of every tenant, in the form that compaction and the log need.
  struct CollectionHead {
    Uuid id;
    uint64_t version = 0;
    uint64_t log_offset = 0;
    std::string manifest;
    bool settled = false;  // nothing of the version is left to be merged or indexed
  };
  virtual Result<std::vector<CollectionHead>> ListHeads(runtime::Context& ctx) = 0;
  // The blobs that published versions of existing collections name.
  virtual Result<std::vector<std::string>> LiveBlobs(runtime::Context& ctx) = 0;
  virtual Result<bool> IsBlobLive(runtime::Context& ctx, const std::string& name) = 0;

  // Drops everything and creates the default tenant and database again. Returns the collections
  // that were dropped.
  virtual Result<std::vector<Uuid>> Reset(runtime::Context& ctx,
                                          const model::RequestTag& tag = {}) = 0;
};

}  // namespace chroma::catalog
