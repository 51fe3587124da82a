#include "gateway/route.h"

#include <span>
#include <utility>

#include "gateway/url.h"

namespace chroma::gateway {
namespace {

using http::Method;

struct MethodRoute {
  Method method;
  Endpoint endpoint;
  BodyKind body = BodyKind::kNone;
};

struct Route {
  std::string_view path;  // "{name}" matches one segment
  std::string_view allow;
  std::vector<MethodRoute> methods;
};

constexpr std::string_view kDatabasePrefix = "/api/v2/tenants/{tenant}/databases/{database}";

// A path may match several routes; the first wins, so literal segments come before parameters.
const std::vector<Route>& Routes() {
  using enum Endpoint;
  using enum BodyKind;
  static const std::vector<Route> routes = [] {
    std::vector<Route> r = {
        {"/api/v2", "GET,HEAD", {{Method::kGet, kHeartbeat}}},
        {"/api/v2/heartbeat", "GET,HEAD", {{Method::kGet, kHeartbeat}}},
        {"/api/v2/healthcheck", "GET,HEAD", {{Method::kGet, kHealthcheck}}},
        {"/api/v2/version", "GET,HEAD", {{Method::kGet, kVersion}}},
        {"/api/v2/pre-flight-checks", "GET,HEAD", {{Method::kGet, kPreFlightChecks}}},
        {"/api/v2/auth/identity", "GET,HEAD", {{Method::kGet, kIdentity}}},
        {"/api/v2/reset", "POST", {{Method::kPost, kReset}}},
        {"/api/v2/collections/{crn}", "GET,HEAD", {{Method::kGet, kGetCollectionByCrn}}},
        {"/api/v2/tenants", "POST", {{Method::kPost, kCreateTenant, kBuffered}}},
        {"/api/v2/tenants/{tenant_name}",
         "GET,HEAD,PATCH",
         {{Method::kGet, kGetTenant}, {Method::kPatch, kUpdateTenant, kBuffered}}},
        {"/api/v2/tenants/{tenant}/databases",
         "GET,HEAD,POST",
         {{Method::kGet, kListDatabases}, {Method::kPost, kCreateDatabase, kBuffered}}},
        {"/docs", "GET,HEAD", {{Method::kGet, kDocsRedirect}}},
        {"/openapi.json", "GET,HEAD", {{Method::kGet, kOpenApi}}},
    };
    return r;
  }();
  return routes;
}

// Routes below one database; paths continue kDatabasePrefix.
const std::vector<Route>& DatabaseRoutes() {
  using enum Endpoint;
  using enum BodyKind;
  static const std::vector<Route> routes = {
      {"", "GET,HEAD,DELETE", {{Method::kGet, kGetDatabase}, {Method::kDelete, kDeleteDatabase}}},
      {"/collections",
       "POST,GET,HEAD",
       {{Method::kPost, kCreateCollection, kBuffered}, {Method::kGet, kListCollections}}},
      {"/collections_count", "GET,HEAD", {{Method::kGet, kCountCollections}}},
      {"/collections/by-id/{collection_id}", "GET,HEAD", {{Method::kGet, kGetCollectionById}}},
      {"/collections/{collection_id}",
       "GET,HEAD,PUT,DELETE",
       {{Method::kGet, kGetCollection},
        {Method::kPut, kModifyCollection, kBuffered},
        {Method::kDelete, kDeleteCollection}}},
      {"/collections/{collection_id}/add", "POST", {{Method::kPost, kAdd, kStreamed}}},
      {"/collections/{collection_id}/update", "POST", {{Method::kPost, kUpdate, kStreamed}}},
      {"/collections/{collection_id}/upsert", "POST", {{Method::kPost, kUpsert, kStreamed}}},
      {"/collections/{collection_id}/delete", "POST", {{Method::kPost, kDelete, kBuffered}}},
      {"/collections/{collection_id}/get", "POST", {{Method::kPost, kGet, kBuffered}}},
      {"/collections/{collection_id}/query", "POST", {{Method::kPost, kQuery, kStreamed}}},
      {"/collections/{collection_id}/search", "POST", {{Method::kPost, kSearch, kStreamed}}},
      {"/collections/{collection_id}/fork", "POST", {{Method::kPost, kFork, kBuffered}}},
      {"/collections/{collection_id}/count", "GET,HEAD", {{Method::kGet, kCount}}},
      {"/collections/{collection_id}/indexing_status",
       "GET,HEAD",
       {{Method::kGet, kIndexingStatus}}},
      {"/collections/{collection_id}/recall", "POST", {{Method::kPost, kRecall, kBuffered}}},
      {"/collections/{collection_id}/list", "POST", {{Method::kPost, kList, kBuffered}}},
      {"/collections/{collection_id}/explain", "POST", {{Method::kPost, kExplain, kStreamed}}},
      {"/collections/{collection_id}/facets", "POST", {{Method::kPost, kFacets, kBuffered}}},
      {"/collections/{collection_id}/describe", "GET,HEAD", {{Method::kGet, kDescribe}}},
      {"/collections/{collection_id}/compact", "POST", {{Method::kPost, kCompact}}},
      {"/collections/{collection_id}/fork_count", "GET,HEAD", {{Method::kGet, kForkCount}}},
      {"/collections/{collection_id}/functions/attach",
       "POST",
       {{Method::kPost, kAttachFunction, kStreamed}}},
      {"/collections/{collection_id}/functions/{function_name}",
       "GET,HEAD",
       {{Method::kGet, kGetFunction}}},
      {"/collections/{collection_id}/attached_functions/{name}/detach",
       "POST",
       {{Method::kPost, kDetachFunction, kStreamed}}},
  };
  return routes;
}

bool IsParameter(std::string_view segment) {
  return segment.starts_with('{');
}

using Segments = std::span<const std::string_view>;

// The first segment of `pattern`, which is cut off.
std::string_view TakeSegment(std::string_view* pattern) {
  pattern->remove_prefix(1);
  const std::string_view segment = pattern->substr(0, pattern->find('/'));
  pattern->remove_prefix(segment.size());
  return segment;
}

// Whether `segments` are what `pattern` says.
bool Matches(std::string_view pattern, Segments segments) {
  for (const std::string_view segment : segments) {
    if (pattern.empty()) return false;
    const std::string_view expected = TakeSegment(&pattern);
    if (!IsParameter(expected) && segment != expected) return false;
  }
  return pattern.empty();
}

void CollectParameters(std::string_view pattern, Segments segments, RouteMatch* match) {
  for (const std::string_view segment : segments) {
    const std::string_view expected = TakeSegment(&pattern);
    if (!IsParameter(expected)) continue;
    match->parameters.push_back(segment);
    match->names.push_back(expected.substr(1, expected.size() - 2));
  }
}

// `match`: with the parameters before `segments`.
RouteResult Find(const std::vector<Route>& routes, Method method, Segments segments,
                 RouteMatch match) {
  const Method wanted = method == Method::kHead ? Method::kGet : method;
  for (const Route& route : routes) {
    if (!Matches(route.path, segments)) continue;
    for (const MethodRoute& candidate : route.methods) {
      if (candidate.method != wanted) continue;
      CollectParameters(route.path, segments, &match);
      match.endpoint = candidate.endpoint;
      match.body = candidate.body;
      return {std::move(match), {}};
    }
    return {std::nullopt, route.allow};
  }
  return {};
}

// Everything under the old prefix is gone, whatever it is; upstream forgot POST.
RouteResult FindV1(Method method) {
  if (method == Method::kPost || method == Method::kOther) {
    return {std::nullopt, "GET,HEAD,PUT,PATCH,DELETE,OPTIONS"};
  }
  RouteMatch match;
  match.endpoint = Endpoint::kApiV1;
  return {match, {}};
}

}  // namespace

RouteResult FindRoute(Method method, std::string_view path) {
  constexpr std::string_view kV1Prefix = "/api/v1/";
  constexpr size_t kDatabaseSegments = 6;
  if (path.size() > kV1Prefix.size() && path.starts_with(kV1Prefix)) return FindV1(method);
  if (path == "/docs/") {
    if (method != Method::kGet && method != Method::kHead) return {std::nullopt, "GET,HEAD"};
    RouteMatch match;
    match.endpoint = Endpoint::kDocs;
    return {match, {}};
  }
  const std::optional<std::vector<std::string_view>> segments = SplitPath(path);
  if (!segments) return {};
  const Segments all = *segments;
  if (all.size() >= kDatabaseSegments) {
    const Segments database = all.first(kDatabaseSegments);
    if (Matches(kDatabasePrefix, database)) {
      RouteMatch match;
      CollectParameters(kDatabasePrefix, database, &match);
      return Find(DatabaseRoutes(), method, all.subspan(kDatabaseSegments), std::move(match));
    }
  }
  return Find(Routes(), method, all, RouteMatch());
}

}  // namespace chroma::gateway
