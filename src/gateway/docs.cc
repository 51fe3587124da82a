// The OpenAPI document: a table of operations; what every operation of a kind has in common
// (path parameters, errors) is added when it is written out. Schemas are in docs_schemas.cc.
#include "gateway/docs.h"

#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "base/json_writer.h"
#include "gateway/docs_schemas.h"

namespace chroma::gateway {
namespace {

enum class Query : uint8_t { kNone, kPage, kReadLevel };

struct Operation {
  std::string_view method;
  std::string_view path;
  std::string_view id;  // as upstream's, since generated clients show it
  std::string_view tag;
  std::string_view summary;
  std::string_view body;        // a schema by name; empty: none
  std::string_view response;    // a schema by name, or in JSON
  std::array<int, 3> errors{};  // beside those that every body can have; 0: no more
  int status = 200;
  Query query = Query::kNone;
};

constexpr std::string_view kCount = R"({"type":"integer","minimum":0})";
constexpr std::string_view kText = R"({"type":"string"})";
constexpr std::string_view kTrue = R"({"type":"boolean"})";
constexpr std::string_view kAny = R"({"type":"object"})";
constexpr std::string_view kCollections =
    R"({"type":"array","items":{"$ref":"#/components/schemas/Collection"}})";
constexpr std::string_view kDatabases =
    R"({"type":"array","items":{"$ref":"#/components/schemas/Database"}})";
constexpr std::string_view kHtml = "html";  // no JSON at all

#define TENANT "/api/v2/tenants/{tenant}"
#define DATABASE TENANT "/databases/{database}"
#define COLLECTION DATABASE "/collections/{collection_id}"

// Operations of one path stand together.
// clang-format off
constexpr Operation kOperations[] = {
    {"get", DATABASE "/collections", "list_collections", "Collection",
     "List collections, by id", "", kCollections, {400}, 200, Query::kPage},
    {"post", DATABASE "/collections", "create_collection", "Collection",
     "Create a collection, or get the one of that name", "CreateCollectionPayload", "Collection",
     {409}},
    {"get", DATABASE "/collections_count", "count_collections", "Collection",
     "Count collections", "", kCount},
    {"get", DATABASE "/collections/by-id/{collection_id}", "get_collection_by_id", "Collection",
     "Get a collection by its id", "", "Collection", {400, 404}},
    {"get", "/api/v2/collections/{crn}", "get_collection_by_crn", "Collection",
     "Get a collection by tenant:database:name", "", "Collection", {400, 404}},
    {"get", COLLECTION, "get_collection", "Collection",
     "Get a collection by its name, which stands in place of the id", "", "Collection", {404}},
    {"put", COLLECTION, "update_collection", "Collection",
     "Rename a collection, replace its metadata, tune its index", "UpdateCollectionPayload",
     "Empty", {404, 409}},
    {"delete", COLLECTION, "delete_collection", "Collection",
     "Delete a collection by its name, which stands in place of the id", "", "Empty", {404}},
    {"get", COLLECTION "/indexing_status", "indexing_status", "Collection",
     "How much of what was written is indexed", "", "IndexStatusResponse", {400, 404}},
    {"post", COLLECTION "/recall", "measure_recall", "Collection",
     "Measure how many of the nearest records queries find, and what exact ones would cost",
     "RecallRequestPayload", "RecallResponse", {400, 404}},
    {"post", COLLECTION "/fork", "fork_collection", "Collection",
     "Fork a collection; not on a single node", "ForkCollectionPayload", "Collection",
     {404, 501}},
    {"get", COLLECTION "/fork_count", "fork_count", "Collection",
     "Count the forks of a collection; not on a single node", "", "ForkCountResponse",
     {400, 404, 501}},

    {"post", COLLECTION "/add", "collection_add", "Record",
     "Add records; those whose id exists are left as they are", "AddCollectionRecordsPayload",
     "Empty", {404, 429}, 201},
    {"post", COLLECTION "/upsert", "collection_upsert", "Record",
     "Add or change records", "UpsertCollectionRecordsPayload", "Empty", {404, 429}},
    {"post", COLLECTION "/update", "collection_update", "Record",
     "Change records; ids that do not exist are ignored", "UpdateCollectionRecordsPayload",
     "Empty", {404, 429}},
    {"post", COLLECTION "/delete", "collection_delete", "Record",
     "Delete records by id, by filter, or both", "DeleteCollectionRecordsPayload",
     "DeleteCollectionRecordsResponse", {404, 429}},
    {"post", COLLECTION "/get", "collection_get", "Record",
     "Get records by id, by filter, or both", "GetRequestPayload", "GetResponse", {404}},
    {"post", COLLECTION "/query", "collection_query", "Record",
     "Find the records nearest to vectors", "QueryRequestPayload", "QueryResponse", {404}},
    {"post", COLLECTION "/search", "collection_search", "Record",
     "Run searches: filter, rank, group and page records", "SearchRequestPayload",
     "SearchResponse", {404}},
    {"post", COLLECTION "/list", "collection_list", "Record",
     "Get records in the order of metadata keys, with what was found in their documents",
     "ListRequestPayload", "ListResponse", {404}},
    {"post", COLLECTION "/explain", "collection_explain", "Record",
     "Tell how a list, query or search is answered, and why records are among its results or not",
     "ExplainRequestPayload", "ExplainResponse", {404}},
    {"post", COLLECTION "/facets", "collection_facets", "Record",
     "Count the records that match, and those with each value of metadata keys",
     "FacetsRequestPayload", "FacetsResponse", {404}},
    {"get", COLLECTION "/describe", "collection_describe", "Collection",
     "What the collection is made of: segments, vector indexes, and what the log still holds", "",
     "DescribeResponse", {400, 404}},
    {"post", COLLECTION "/compact", "collection_compact", "Collection",
     "Merge and index all that was written now; it happens by itself in time", "", "Empty",
     {404}},
    {"get", COLLECTION "/count", "collection_count", "Record",
     "Count records", "", kCount, {400, 404}, 200, Query::kReadLevel},

    {"get", TENANT "/databases", "list_databases", "Database",
     "List the databases of a tenant, by name", "", kDatabases, {400}, 200, Query::kPage},
    {"post", TENANT "/databases", "create_database", "Database",
     "Create a database", "CreateDatabasePayload", "Empty", {409}},
    {"get", DATABASE, "get_database", "Database",
     "Get a database", "", "Database", {400, 404}},
    {"delete", DATABASE, "delete_database", "Database",
     "Delete a database with all its collections", "", "Empty", {404}},

    {"post", "/api/v2/tenants", "create_tenant", "Tenant",
     "Create a tenant", "CreateTenantPayload", "Empty", {409}},
    {"get", "/api/v2/tenants/{tenant_name}", "get_tenant", "Tenant",
     "Get a tenant", "", "GetTenantResponse", {404}},
    {"patch", "/api/v2/tenants/{tenant_name}", "update_tenant", "Tenant",
     "Give a tenant a resource name; without effect on a single node", "UpdateTenantPayload",
     "Empty"},

    {"post", COLLECTION "/functions/attach", "attach_function", "Function",
     "Attach a function; not on a single node", "AttachFunctionRequest",
     "AttachFunctionResponse", {501}},
    {"get", COLLECTION "/functions/{function_name}", "get_attached_function", "Function",
     "Get an attached function", "", "GetAttachedFunctionResponse", {404}},
    {"post", COLLECTION "/attached_functions/{name}/detach", "detach_function", "Function",
     "Detach a function; not on a single node", "DetachFunctionRequest",
     "DetachFunctionResponse", {501}},

    {"get", "/api/v2", "root", "System",
     "The server's clock; the same as heartbeat", "", "HeartbeatResponse"},
    {"get", "/api/v2/heartbeat", "heartbeat", "System",
     "The server's clock", "", "HeartbeatResponse"},
    {"get", "/api/v2/healthcheck", "healthcheck", "System",
     "Whether the server is ready", "", "HealthcheckResponse", {503}},
    {"get", "/api/v2/version", "version", "System", "Version of the API", "", kText},
    {"get", "/api/v2/pre-flight-checks", "pre_flight_checks", "System",
     "What a client must know before it writes", "", "ChecklistResponse"},
    {"get", "/api/v2/auth/identity", "get_user_identity", "System",
     "Who the caller is", "", "GetUserIdentityResponse"},
    {"post", "/api/v2/reset", "reset", "System",
     "Delete everything, where the configuration allows it", "", kTrue, {403}},

    {"get", "/openapi.json", "openapi", "Documentation", "This document", "", kAny},
    {"get", "/docs", "docs_redirect", "Documentation", "Leads to /docs/", "", kHtml, {}, 303},
    {"get", "/docs/", "docs", "Documentation", "This document as a page", "", kHtml},
};
// clang-format on

#undef COLLECTION
#undef DATABASE
#undef TENANT

struct ErrorKind {
  int status;
  std::string_view name;
  std::string_view description;
};

constexpr std::array<ErrorKind, 10> kErrors = {{
    {400, "BadRequest", "Malformed JSON, or values that are refused"},
    {403, "Forbidden", "Switched off by the configuration"},
    {404, "NotFound", "Tenant, database, collection or function does not exist"},
    {409, "Conflict", "The name is taken"},
    {413, "TooLarge", "The body is larger than max_payload_size_bytes"},
    {415, "WrongMediaType", "The body is not declared as application/json"},
    {422, "WrongShape", "JSON of the wrong shape: a field is missing or of the wrong type"},
    {429, "Busy", "Too much to do at the moment; try again later"},
    {501, "Unsupported", "Not supported by a single node"},
    {503, "NotReady", "Not ready yet"},
}};

std::string_view DescribeParameter(std::string_view name) {
  constexpr std::pair<std::string_view, std::string_view> kTexts[] = {
      {"tenant", "Name of the tenant, e.g. default_tenant"},
      {"tenant_name", "Name of the tenant, e.g. default_tenant"},
      {"database", "Name of the database, e.g. default_database"},
      {"collection_id", "Id of the collection, a UUID (to get or delete a collection: its name)"},
      {"crn", "tenant:database:collection, all by name"},
      {"function_name", "Name of the attached function"},
      {"name", "Name of the attached function"},
  };
  for (const auto& [known, text] : kTexts) {
    if (known == name) return text;
  }
  return "";
}

void WriteParameter(JsonWriter& out, std::string_view name, std::string_view in,
                    std::string_view description, std::string_view schema) {
  out.BeginObject();
  out.StringField("name", name);
  out.StringField("in", in);
  out.Key("required");
  out.Bool(in == "path");
  out.StringField("description", description);
  out.Key("schema");
  out.Raw(schema);
  out.EndObject();
}

void WriteParameters(JsonWriter& out, const Operation& operation) {
  out.Key("parameters");
  out.BeginArray();
  std::string_view rest = operation.path;
  for (size_t open = rest.find('{'); open != rest.npos; open = rest.find('{')) {
    const size_t close = rest.find('}');
    const std::string_view name = rest.substr(open + 1, close - open - 1);
    WriteParameter(out, name, "path", DescribeParameter(name), R"({"type":"string"})");
    rest.remove_prefix(close + 1);
  }
  constexpr std::string_view kU32 = R"({"type":"integer","minimum":0,"maximum":4294967295})";
  if (operation.query == Query::kPage) {
    WriteParameter(out, "limit", "query", "At most this many; all when absent", kU32);
    WriteParameter(out, "offset", "query", "Leave out this many first", kU32);
  }
  if (operation.query == Query::kReadLevel) {
    WriteParameter(out, "read_level", "query", "Every read sees every write, whatever is said here",
                   R"({"$ref":"#/components/schemas/ReadLevel"})");
  }
  out.EndArray();
}

void WriteErrors(JsonWriter& out, const Operation& operation) {
  for (const ErrorKind& error : kErrors) {
    bool possible = false;
    for (const int status : operation.errors) possible |= status == error.status;
    for (const int status : {400, 413, 415, 422}) {
      possible |= !operation.body.empty() && status == error.status;
    }
    if (!possible) continue;
    out.Key(std::to_string(error.status));
    out.BeginObject();
    out.StringField("$ref", "#/components/responses/" + std::string(error.name));
    out.EndObject();
  }
}

// A schema by its name, or as it stands.
std::string SchemaText(std::string_view schema) {
  if (schema.starts_with('{')) return std::string(schema);
  return R"({"$ref":"#/components/schemas/)" + std::string(schema) + "\"}";
}

void WriteContent(JsonWriter& out, std::string_view type, std::string_view schema) {
  out.Key("content");
  out.BeginObject();
  out.Key(type);
  out.BeginObject();
  out.Key("schema");
  out.Raw(SchemaText(schema));
  out.EndObject();
  out.EndObject();
}

void WriteOperation(JsonWriter& out, const Operation& operation) {
  out.Key(operation.method);
  out.BeginObject();
  out.StringField("operationId", operation.id);
  out.Key("tags");
  out.BeginArray();
  out.String(operation.tag);
  out.EndArray();
  out.StringField("summary", operation.summary);
  WriteParameters(out, operation);
  if (!operation.body.empty()) {
    out.Key("requestBody");
    out.BeginObject();
    out.Key("required");
    out.Bool(true);
    WriteContent(out, "application/json", operation.body);
    out.EndObject();
  }
  out.Key("responses");
  out.BeginObject();
  out.Key(std::to_string(operation.status));
  out.BeginObject();
  out.StringField("description", operation.status == 303 ? "Look there" : "Done");
  if (operation.response != kHtml) {
    WriteContent(out, "application/json", operation.response);
  } else if (operation.status == 200) {
    WriteContent(out, "text/html", kText);
  }
  out.EndObject();
  WriteErrors(out, operation);
  out.EndObject();
  out.EndObject();
}

void WritePaths(JsonWriter& out) {
  std::string_view path;
  out.BeginObject();
  for (const Operation& operation : kOperations) {
    if (operation.path != path) {
      if (!path.empty()) out.EndObject();
      path = operation.path;
      out.Key(path);
      out.BeginObject();
    }
    WriteOperation(out, operation);
  }
  out.EndObject();
  out.EndObject();
}

void WriteComponents(JsonWriter& out) {
  out.BeginObject();
  out.Key("schemas");
  out.Raw(OpenApiSchemas());
  out.Key("responses");
  out.BeginObject();
  for (const ErrorKind& error : kErrors) {
    out.Key(error.name);
    out.BeginObject();
    out.StringField("description", error.description);
    WriteContent(out, "application/json",
                 error.status == 503 ? "HealthcheckResponse" : "ErrorResponse");
    out.EndObject();
  }
  out.EndObject();
  out.EndObject();
}

std::string BuildDocument() {
  std::string document;
  JsonWriter out(&document);
  out.BeginObject();
  out.StringField("openapi", "3.1.0");
  out.Key("info");
  out.Raw(
      R"({"title":"Chroma","version":"1.0.0","summary":"REST API of the Chroma vector database",)"
      R"("description":"Collections of documents, embeddings and metadata, found again by )"
      R"(vector similarity, text and metadata."})");
  out.Key("tags");
  out.Raw(R"([{"name":"Collection"},{"name":"Record"},{"name":"Database"},{"name":"Tenant"},)"
          R"({"name":"Function"},{"name":"System"},{"name":"Documentation"}])");
  out.Key("paths");
  WritePaths(out);
  out.Key("components");
  WriteComponents(out);
  out.EndObject();
  return document;
}

}  // namespace

std::string_view OpenApiDocument() {
  static const std::string document = BuildDocument();
  return document;
}

}  // namespace chroma::gateway
