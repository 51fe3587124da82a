#include "service/repeatable_request.h"

#include <gtest/gtest.h>

#include "gateway/peer.h"

namespace chroma::service {
namespace {

using http::Request;
using http::Response;

const std::string kDatabase = "/api/v2/tenants/t/databases/d";
const Uuid kId = Uuid::FromRandom(7, 7);

class Sevens final : public runtime::Random {
 public:
  uint64_t Next() override { return 7; }
};
Sevens random_sevens;

Request Make(const std::string& method, const std::string& target, std::string body = "") {
  Request request;
  request.method_token = method;
  request.method = http::ParseMethod(method);
  request.target = target;
  request.body = std::move(body);
  return request;
}

// Owners that answer in turn; what they were asked.
class Owners {
 public:
  explicit Owners(std::vector<Result<Response>> answers) : answers_(std::move(answers)) {}
  RepeatableRequest::Ask ask() {
    return [this](const Request& request) {
      asked.push_back(request.method_token + " " + request.target);
      Result<Response> answer = answers_.at(asked.size() - 1);
      return answer;
    };
  }
  std::vector<std::string> asked;

 private:
  std::vector<Result<Response>> answers_;
};

const Result<Response> kBroken = Status::Aborted("broken");
Result<Response> Answer(int status, std::string body = "{}") {
  return Response{status, {}, std::move(body)};
}

TEST(RepeatableRequest, SaysOnlyItselfWhatPeersSay) {
  Request request = Make("POST", kDatabase + "/collections", R"({"name":"abc"})");
  request.headers = {{"chroma-peer-id", "forged"},
                     {"chroma-peer-reset", "true"},
                     {"content-type", "application/json"},
                     {"connection", "close"},
                     {"x-token", "kept"}};
  RepeatableRequest repeatable(std::move(request), random_sevens, false);
  const http::HeaderList expected = {{"content-type", "application/json"},
                                     {"x-token", "kept"},
                                     {"chroma-peer-id", kId.ToString()}};
  EXPECT_EQ(repeatable.request().headers, expected);
  RepeatableRequest reset(Make("POST", "http://host/api/v2/reset?x=1"), random_sevens, true);
  EXPECT_EQ(*reset.request().Find(gateway::kPeerResetHeader), "true");
  EXPECT_EQ(reset.request().target, "/api/v2/reset?x=1");
}

TEST(RepeatableRequest, ACreationThatFindsItselfSucceeds) {
  const std::string mine = R"({"id":")" + kId.ToString() + R"("})";
  Owners owners({kBroken, Answer(409), Answer(200, mine)});
  RepeatableRequest request(Make("POST", kDatabase + "/collections", R"({"name":"abc"})"),
                            random_sevens, false);
  EXPECT_EQ(request.Attempt(owners.ask()).status().code(), StatusCode::kAborted);
  const auto answer = request.Attempt(owners.ask());
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, mine);
  EXPECT_EQ(owners.asked.back(), "GET " + kDatabase + "/collections/by-id/" + kId.ToString());
}

TEST(RepeatableRequest, ACreationThatFindsAnotherFails) {
  {
    Owners owners({kBroken, Answer(409), Answer(404)});
    RepeatableRequest request(Make("POST", kDatabase + "/collections", R"({"name":"abc"})"),
                              random_sevens, false);
    (void)request.Attempt(owners.ask()).ok();
    EXPECT_EQ(request.Attempt(owners.ask())->status, 409);
  }
  {  // and one that is not repeated asks nothing else
    Owners owners({Answer(409)});
    RepeatableRequest request(Make("POST", kDatabase + "/collections", R"({"name":"abc"})"),
                              random_sevens, false);
    EXPECT_EQ(request.Attempt(owners.ask())->status, 409);
  }
}

TEST(RepeatableRequest, DatabasesAndTenantsToo) {
  Owners owners({kBroken, Answer(409), Answer(200, R"({"id":")" + kId.ToString() + R"("})")});
  RepeatableRequest request(Make("POST", "/api/v2/tenants/t/databases", R"({"name":"abc"})"),
                            random_sevens, false);
  (void)request.Attempt(owners.ask()).ok();
  EXPECT_EQ(request.Attempt(owners.ask())->status, 200);
  EXPECT_EQ(owners.asked.back(), "GET /api/v2/tenants/t/databases/abc");

  Owners tenants({kBroken, Answer(409)});
  RepeatableRequest tenant(Make("POST", "/api/v2/tenants", R"({"name":"abc"})"), random_sevens,
                           false);
  (void)tenant.Attempt(tenants.ask()).ok();
  EXPECT_EQ(tenant.Attempt(tenants.ask())->status, 200);
}

TEST(RepeatableRequest, ADeletionIsRepeatedOnlyForTheSameThing) {
  const std::string path = kDatabase + "/collections/abc";
  const auto found = [](const char* id) {
    return Answer(200, std::string(R"({"id":")") + id + R"("})");
  };
  {  // it took place
    Owners owners({found("one"), kBroken, Answer(404)});
    RepeatableRequest request(Make("DELETE", path), random_sevens, false);
    (void)request.Attempt(owners.ask()).ok();
    EXPECT_EQ(request.Attempt(owners.ask())->status, 200);
  }
  {  // and another collection of that name was made since
    Owners owners({found("one"), kBroken, found("two")});
    RepeatableRequest request(Make("DELETE", path), random_sevens, false);
    (void)request.Attempt(owners.ask()).ok();
    EXPECT_EQ(request.Attempt(owners.ask())->status, 200);
    EXPECT_EQ(owners.asked.size(), 3u);
  }
  {  // it did not take place
    Owners owners({found("one"), kBroken, found("one"), Answer(200)});
    RepeatableRequest request(Make("DELETE", path), random_sevens, false);
    (void)request.Attempt(owners.ask()).ok();
    EXPECT_EQ(request.Attempt(owners.ask())->status, 200);
    EXPECT_EQ(owners.asked.back(), "DELETE " + path);
  }
  {  // there never was one
    Owners owners({Answer(404), kBroken, Answer(404), Answer(404)});
    RepeatableRequest request(Make("DELETE", path), random_sevens, false);
    (void)request.Attempt(owners.ask()).ok();
    EXPECT_EQ(request.Attempt(owners.ask())->status, 404);
  }
}

TEST(RepeatableRequest, ADeletionWithALimitIsNotRepeated) {
  const std::string path = kDatabase + "/collections/" + kId.ToString() + "/delete";
  Owners owners({kBroken, kBroken});
  RepeatableRequest limited(Make("POST", path, R"({"where":{"a":1},"limit":3})"), random_sevens,
                            false);
  (void)limited.Attempt(owners.ask()).ok();
  EXPECT_FALSE(limited.may_repeat());
  RepeatableRequest all(Make("POST", path, R"({"where":{"a":1}})"), random_sevens, false);
  (void)all.Attempt(owners.ask()).ok();
  EXPECT_TRUE(all.may_repeat());
}

TEST(RepeatableRequest, ReadersChangeNothing) {
  const std::string things = kDatabase + "/collections/" + kId.ToString();
  for (const char* route : {"/add", "/update", "/upsert", "/delete", "/fork"}) {
    Request request = Make("POST", things + route, "{}");
    EXPECT_FALSE(MakeReadOnly(request)) << route;
  }
  for (const char* route : {"/get", "/query", "/search"}) {
    Request request = Make("POST", things + route, "{}");
    EXPECT_TRUE(MakeReadOnly(request)) << route;
  }
  Request create = Make("POST", kDatabase + "/collections", R"({"name":"abc"})");
  EXPECT_FALSE(MakeReadOnly(create));
  create.body = R"({"name":"abc","get_or_create":true})";
  EXPECT_TRUE(MakeReadOnly(create));
  EXPECT_EQ(create.method_token + " " + create.target, "GET " + kDatabase + "/collections/abc");
  Request unknown = Make("POST", "/nothing", "{}");
  EXPECT_TRUE(MakeReadOnly(unknown));
}

}  // namespace
}  // namespace chroma::service
