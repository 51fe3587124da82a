#include "service/repeatable_request.h"

#include <gtest/gtest.h>

#include "base/uuid.h"
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

runtime::Env TestEnv() {
  static Sevens sevens;
  runtime::Env env;
  env.random = &sevens;
  return env;
}

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
  request.headers = {{"chroma-peer-id", "forged"}, {"chroma-peer-reset", "true"},
                     {"chroma-peer-tag", "5 6 1"}, {"content-type", "application/json"},
                     {"connection", "close"},      {"x-token", "kept"}};
  RepeatableRequest repeatable(std::move(request), TestEnv(), false);
  const http::HeaderList expected = {{"content-type", "application/json"},
                                     {"x-token", "kept"},
                                     {"chroma-peer-id", kId.ToString()}};
  EXPECT_EQ(repeatable.request().headers, expected);
  RepeatableRequest reset(Make("POST", "http://host/api/v2/reset?x=1"), TestEnv(), true);
  EXPECT_EQ(*reset.request().Find(gateway::kPeerResetHeader), "true");
  EXPECT_EQ(reset.request().target, "/api/v2/reset?x=1");
}

// The tag that a request carries.
model::RequestTag TagOf(const Request& request) {
  const std::string* header = request.Find(gateway::kPeerTagHeader);
  if (header == nullptr) return {};
  return gateway::ParseTag(*header).value_or(model::RequestTag{});
}

TEST(RepeatableRequest, KeepsItsTagAndSaysThatItIsSentAgain) {
  const std::string things = kDatabase + "/collections/" + kId.ToString();
  for (const auto& [method, target] :
       std::vector<std::pair<std::string, std::string>>{{"POST", things + "/add"},
                                                        {"POST", things + "/update"},
                                                        {"POST", things + "/upsert"},
                                                        {"POST", things + "/delete"},
                                                        {"PUT", things},
                                                        {"DELETE", kDatabase + "/collections/abc"},
                                                        {"POST", kDatabase + "/collections"},
                                                        {"POST", "/api/v2/tenants"},
                                                        {"POST", "/api/v2/tenants/t/databases"},
                                                        {"DELETE", kDatabase},
                                                        {"POST", "/api/v2/reset"}}) {
    SCOPED_TRACE(method + " " + target);
    std::vector<model::RequestTag> tags;
    const std::string& expected = target;
    const auto ask = [&](const Request& request) -> Result<Response> {
      EXPECT_EQ(request.target, expected);
      tags.push_back(TagOf(request));
      switch (tags.size()) {
        case 1:
          return Status::Unavailable("nobody took it");
        case 2:
          return kBroken;
        default:
          return Answer(200);
      }
    };
    RepeatableRequest request(Make(method, target, "{}"), TestEnv(), true);
    EXPECT_EQ(request.request().Find(gateway::kPeerTagHeader), nullptr);  // nobody was asked yet
    for (int i = 0; i < 2; ++i) EXPECT_FALSE(request.Attempt(ask).ok());
    EXPECT_EQ(request.Attempt(ask)->status, 200);
    ASSERT_EQ(tags.size(), 3u);
    for (const model::RequestTag& tag : tags) {
      EXPECT_EQ(tag.id, 7u);
      EXPECT_EQ(tag.sent_ns, tags[0].sent_ns);
    }
    EXPECT_FALSE(tags[0].repeated);
    EXPECT_FALSE(tags[1].repeated);  // the first was not sent
    EXPECT_TRUE(tags[2].repeated);
  }
}

TEST(RepeatableRequest, ReadsNeedNoTag) {
  const std::string things = kDatabase + "/collections/" + kId.ToString();
  for (const char* route : {"/get", "/query", "/search", "/count"}) {
    const bool is_count = std::string_view(route) == "/count";
    RepeatableRequest request(Make(is_count ? "GET" : "POST", things + route, "{}"), TestEnv(),
                              false);
    Owners owners({kBroken, Answer(200)});
    (void)request.Attempt(owners.ask()).ok();
    EXPECT_EQ(request.Attempt(owners.ask())->status, 200);
    EXPECT_EQ(TagOf(request.request()).id, 0u);
  }
}

TEST(RepeatableRequest, ARefusalAfterAnUnknownAttemptIsUnknown) {
  const std::string path = kDatabase + "/collections/" + kId.ToString() + "/add";
  Owners owners({kBroken, Answer(429)});
  RepeatableRequest sent(Make("POST", path, "{}"), TestEnv(), false);
  (void)sent.Attempt(owners.ask()).ok();
  EXPECT_EQ(sent.Attempt(owners.ask())->status, 504);
  Owners busy({Answer(429)});
  RepeatableRequest refused(Make("POST", path, "{}"), TestEnv(), false);
  EXPECT_EQ(refused.Attempt(busy.ask())->status, 429);
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
