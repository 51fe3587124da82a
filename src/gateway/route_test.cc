#include "gateway/route.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace chroma::gateway {
namespace {

using http::Method;
using enum Endpoint;

constexpr const char* kDb = "/api/v2/tenants/t/databases/d";

std::vector<std::string> Texts(const std::vector<std::string_view>& views) {
  return {views.begin(), views.end()};
}

struct Case {
  Method method;
  std::string path;
  Endpoint endpoint;
  BodyKind body = BodyKind::kNone;
  std::vector<std::string> parameters = {};
};

std::vector<Case> Cases() {
  const std::string db = kDb;
  const std::string c = db + "/collections/x";
  const std::vector<std::string> d = {"t", "d"}, x = {"t", "d", "x"};
  return {
      {Method::kGet, "/api/v2", kHeartbeat},
      {Method::kGet, "/api/v2/heartbeat", kHeartbeat},
      {Method::kGet, "/api/v2/healthcheck", kHealthcheck},
      {Method::kGet, "/api/v2/version", kVersion},
      {Method::kGet, "/api/v2/pre-flight-checks", kPreFlightChecks},
      {Method::kGet, "/api/v2/auth/identity", kIdentity},
      {Method::kPost, "/api/v2/reset", kReset},
      {Method::kGet, "/api/v2/collections/a:b:c", kGetCollectionByCrn, BodyKind::kNone, {"a:b:c"}},
      {Method::kPost, "/api/v2/tenants", kCreateTenant, BodyKind::kBuffered},
      {Method::kGet, "/api/v2/tenants/t", kGetTenant, BodyKind::kNone, {"t"}},
      {Method::kPatch, "/api/v2/tenants/t", kUpdateTenant, BodyKind::kBuffered, {"t"}},
      {Method::kGet, "/api/v2/tenants/t/databases", kListDatabases, BodyKind::kNone, {"t"}},
      {Method::kPost, "/api/v2/tenants/t/databases", kCreateDatabase, BodyKind::kBuffered, {"t"}},
      {Method::kGet, db, kGetDatabase, BodyKind::kNone, d},
      {Method::kDelete, db, kDeleteDatabase, BodyKind::kNone, d},
      {Method::kPost, db + "/collections", kCreateCollection, BodyKind::kBuffered, d},
      {Method::kGet, db + "/collections", kListCollections, BodyKind::kNone, d},
      {Method::kGet, db + "/collections_count", kCountCollections, BodyKind::kNone, d},
      {Method::kGet, db + "/collections/by-id/x", kGetCollectionById, BodyKind::kNone, x},
      {Method::kGet, c, kGetCollection, BodyKind::kNone, x},
      {Method::kPut, c, kModifyCollection, BodyKind::kBuffered, x},
      {Method::kDelete, c, kDeleteCollection, BodyKind::kNone, x},
      {Method::kPost, c + "/add", kAdd, BodyKind::kStreamed, x},
      {Method::kPost, c + "/update", kUpdate, BodyKind::kStreamed, x},
      {Method::kPost, c + "/upsert", kUpsert, BodyKind::kStreamed, x},
      {Method::kPost, c + "/delete", kDelete, BodyKind::kBuffered, x},
      {Method::kPost, c + "/get", kGet, BodyKind::kBuffered, x},
      {Method::kPost, c + "/query", kQuery, BodyKind::kStreamed, x},
      {Method::kPost, c + "/search", kSearch, BodyKind::kStreamed, x},
      {Method::kPost, c + "/fork", kFork, BodyKind::kBuffered, x},
      {Method::kGet, c + "/count", kCount, BodyKind::kNone, x},
      {Method::kGet, c + "/indexing_status", kIndexingStatus, BodyKind::kNone, x},
      {Method::kPost, c + "/recall", kRecall, BodyKind::kBuffered, x},
      {Method::kPost, c + "/list", kList, BodyKind::kBuffered, x},
      {Method::kPost, c + "/explain", kExplain, BodyKind::kStreamed, x},
      {Method::kPost, c + "/facets", kFacets, BodyKind::kBuffered, x},
      {Method::kGet, c + "/describe", kDescribe, BodyKind::kNone, x},
      {Method::kPost, c + "/compact", kCompact, BodyKind::kNone, x},
      {Method::kGet, c + "/fork_count", kForkCount, BodyKind::kNone, x},
      {Method::kPost, c + "/functions/attach", kAttachFunction, BodyKind::kStreamed, x},
      {Method::kGet, c + "/functions/f", kGetFunction, BodyKind::kNone, {"t", "d", "x", "f"}},
      {Method::kPost,
       c + "/attached_functions/f/detach",
       kDetachFunction,
       BodyKind::kStreamed,
       {"t", "d", "x", "f"}},
      {Method::kGet, "/docs", kDocsRedirect},
      {Method::kGet, "/docs/", kDocs},
      {Method::kGet, "/openapi.json", kOpenApi},
  };
}

TEST(RouteTest, EveryEndpoint) {
  for (const Case& c : Cases()) {
    const RouteResult found = FindRoute(c.method, c.path);
    ASSERT_TRUE(found.match) << c.path;
    EXPECT_EQ(found.match->endpoint, c.endpoint) << c.path;
    EXPECT_EQ(found.match->body, c.body) << c.path;
    EXPECT_EQ(Texts(found.match->parameters), c.parameters) << c.path;
    EXPECT_EQ(found.match->names.size(), c.parameters.size()) << c.path;
    if (c.method != Method::kGet) continue;
    const RouteResult head = FindRoute(Method::kHead, c.path);
    ASSERT_TRUE(head.match) << c.path;
    EXPECT_EQ(head.match->endpoint, c.endpoint) << c.path;
  }
}

// The names that messages about broken UTF-8 show.
TEST(RouteTest, ParameterNames) {
  const auto names = [](Method method, const std::string& path) {
    return Texts(FindRoute(method, path).match->names);
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(names(Method::kGet, "/api/v2/tenants/t"), Names{"tenant_name"});
  EXPECT_EQ(names(Method::kGet, "/api/v2/collections/c"), Names{"crn"});
  const std::string c = std::string(kDb) + "/collections/x";
  EXPECT_EQ(names(Method::kGet, c), (Names{"tenant", "database", "collection_id"}));
  EXPECT_EQ(names(Method::kGet, c + "/functions/f").back(), "function_name");
  EXPECT_EQ(names(Method::kPost, c + "/attached_functions/f/detach").back(), "name");
}

TEST(RouteTest, WrongMethodsAreToldTheRightOnes) {
  const std::string db = kDb;
  const struct {
    Method method;
    std::string path;
    const char* allow;
  } cases[] = {
      {Method::kPost, "/api/v2", "GET,HEAD"},
      {Method::kGet, "/api/v2/reset", "POST"},
      {Method::kOptions, "/api/v2/heartbeat", "GET,HEAD"},
      {Method::kOther, "/api/v2/heartbeat", "GET,HEAD"},
      {Method::kGet, "/api/v2/tenants", "POST"},
      {Method::kDelete, "/api/v2/tenants/t", "GET,HEAD,PATCH"},
      {Method::kPut, "/api/v2/tenants/t/databases", "GET,HEAD,POST"},
      {Method::kPost, db, "GET,HEAD,DELETE"},
      {Method::kPut, db + "/collections", "POST,GET,HEAD"},
      {Method::kPost, db + "/collections/x", "GET,HEAD,PUT,DELETE"},
      {Method::kGet, db + "/collections/x/add", "POST"},
      {Method::kPost, db + "/collections/x/count", "GET,HEAD"},
      {Method::kGet, db + "/collections/x/functions/attach", "POST"},
      {Method::kPost, "/docs", "GET,HEAD"},
      {Method::kPost, "/docs/", "GET,HEAD"},
      {Method::kPost, "/openapi.json", "GET,HEAD"},
      {Method::kPost, "/api/v1/heartbeat", "GET,HEAD,PUT,PATCH,DELETE,OPTIONS"},
  };
  for (const auto& c : cases) {
    const RouteResult found = FindRoute(c.method, c.path);
    EXPECT_FALSE(found.match) << c.path;
    EXPECT_EQ(found.allow, c.allow) << c.path;
  }
}

TEST(RouteTest, UnknownPaths) {
  const std::string db = kDb;
  const std::string paths[] = {"",
                               "/",
                               "*",
                               "api/v2",
                               "/api",
                               "/health",
                               "/api/v2/",
                               "/api//v2",
                               "//api/v2",
                               "/API/v2",
                               "/api/v2/heartbeat/",
                               "/api/v2/heartbeat/x",
                               "/api/v2/nothing",
                               "/api/v2/tenants/",
                               "/api/v2/tenants//databases",
                               "/api/v2/tenants/t/other",
                               "/api/v2/tenants/t/databases/",
                               db + "/",
                               db + "/other",
                               db + "/collections/",
                               db + "/collections/x/",
                               db + "/collections/x/other",
                               db + "/collections/x/count/y",
                               db + "/collections/by-id/x/y",
                               db + "/collections/x/conditional/get",
                               db + "/collections/x/attached_functions/f",
                               "/api/v1",
                               "/api/v1/",
                               "/docs//"};
  for (const std::string& path : paths) {
    const RouteResult found = FindRoute(Method::kGet, path);
    EXPECT_FALSE(found.match) << path;
    EXPECT_EQ(found.allow, "") << path;
  }
}

TEST(RouteTest, EverythingOfV1IsGone) {
  for (const Method method : {Method::kGet, Method::kHead, Method::kPut, Method::kPatch,
                              Method::kDelete, Method::kOptions}) {
    for (const char* path : {"/api/v1/heartbeat", "/api/v1/a/b/c", "/api/v1//"}) {
      const RouteResult found = FindRoute(method, path);
      ASSERT_TRUE(found.match) << path;
      EXPECT_EQ(found.match->endpoint, kApiV1);
    }
  }
}

// "by-id" is also a name, and slashes inside a segment are data.
TEST(RouteTest, SegmentsAreNotInterpreted) {
  const std::string db = kDb;
  const std::string by_id_path = db + "/collections/by-id";  // matches are views into it
  const RouteResult by_id = FindRoute(Method::kGet, by_id_path);
  ASSERT_TRUE(by_id.match);
  EXPECT_EQ(by_id.match->endpoint, kGetCollection);
  EXPECT_EQ(by_id.match->parameters.back(), "by-id");
  const RouteResult slash = FindRoute(Method::kGet, "/api/v2/tenants/a%2Fb");
  ASSERT_TRUE(slash.match);
  EXPECT_EQ(slash.match->parameters.front(), "a%2Fb");
  const RouteResult attach = FindRoute(Method::kPost, db + "/collections/by-id/add");
  ASSERT_FALSE(attach.match);  // read as the id "add"
  EXPECT_EQ(attach.allow, "GET,HEAD");
}

}  // namespace
}  // namespace chroma::gateway
