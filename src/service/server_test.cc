#include "service/server.h"

#include <gmock/gmock.h>

#include "http/client.h"
#include "service/directory_fixture.h"

namespace chroma::service {
namespace {

class ServerTest : public DirectoryFixture {
 protected:
  ServerConfig Config(const std::string& socket_name) const {
    ServerConfig config;
    config.listen_address = "127.0.0.1";
    config.port = 0;
    config.persist_path = path_;
    config.unix_socket_path = root_ + "/" + socket_name;
    config.search_threads = 1;
    return config;
  }
  http::Response Ask(const std::string& socket_name, const http::Request& request) const {
    http::ClientOptions options;
    options.unix_path = root_ + "/" + socket_name;
    http::Client client(options);
    runtime::Context context;
    Result<http::Response> answer = client.Send(request, context);
    EXPECT_TRUE(answer.ok()) << answer.status().ToString();
    return answer.ok() ? *answer : http::Response();
  }
};

// The first get is answered by a worker, those after it at once, after a write by a worker again.
TEST_F(ServerTest, GetsByIdAreTheSameWhoeverAnswers) {
  ServerConfig config = Config("one");
  config.cors_allow_origins = {"http://here"};
  const auto one = StartServer(runtime::Env(), config);
  ASSERT_TRUE(one.ok()) << one.status().ToString();
  const auto two = StartServer(runtime::Env(), Config("two"));
  ASSERT_TRUE(two.ok()) << two.status().ToString();
  ASSERT_TRUE((*one)->is_owner());
  ASSERT_FALSE((*two)->is_owner());

  const http::Response made =
      Ask("two", Make("POST", kCollections, R"({"name":"things","get_or_create":true})"));
  ASSERT_EQ(made.status, 200) << made.body;
  const std::string things = kCollections + "/" + made.body.substr(7, 36);
  http::Request get = Make("POST", things + "/get", R"({"ids":["i9"],"include":[]})");
  get.headers.emplace_back("origin", "http://here");
  for (int i = 0; i < 10; ++i) {
    const std::string n = std::to_string(i);
    const http::Request add =
        Make("POST", things + "/add", R"({"ids":["i)" + n + R"("],"embeddings":[[)" + n + ",1]]}");
    ASSERT_EQ(Ask("two", add).status, 201);
    for (int round = 0; round < 3; ++round) {
      const http::Response answer = Ask("one", get);
      EXPECT_EQ(answer.status, 200);
      EXPECT_THAT(answer.body, ::testing::HasSubstr(i == 9 ? R"("ids":["i9"])" : R"("ids":[])"));
      EXPECT_THAT(answer.headers, ::testing::Contains(::testing::Pair("access-control-allow-origin",
                                                                      "http://here")));
      EXPECT_EQ(Ask("two", get).body, answer.body);
      EXPECT_EQ(Ask("one", Make("GET", things + "/count")).body, std::to_string(i + 1));
    }
  }
}

TEST_F(ServerTest, ATakenPortIsNoticedBeforeTheDirectoryIsMade) {
  const auto one = StartServer(runtime::Env(), Config("one"));
  ASSERT_TRUE(one.ok()) << one.status().ToString();
  ServerConfig config = Config("two");
  config.port = (*one)->port();
  config.persist_path = root_ + "/other";
  const Status status = StartServer(runtime::Env(), config).status();
  EXPECT_EQ(status.code(), StatusCode::kUnavailable) << status.ToString();
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("in use"));
  EXPECT_FALSE(std::filesystem::exists(root_ + "/other"));
  EXPECT_FALSE(std::filesystem::exists(root_ + "/two"));
}

TEST_F(ServerTest, AddressesAreFreeAgainWhenTheDirectoryCannotBeOpened) {
  uint16_t port = 0;
  {
    const auto one = StartServer(runtime::Env(), Config("one"));
    ASSERT_TRUE(one.ok()) << one.status().ToString();
    port = (*one)->port();
  }
  ServerConfig config = Config("one");
  config.port = port;
  config.persist_path = "/dev/null/db";
  EXPECT_FALSE(StartServer(runtime::Env(), config).ok());
  config.persist_path = path_;
  const auto one = StartServer(runtime::Env(), config);
  EXPECT_TRUE(one.ok()) << one.status().ToString();
}

}  // namespace
}  // namespace chroma::service
