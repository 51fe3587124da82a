// What well-behaved clients do.
#include "http/server.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/server_fixture.h"

namespace chroma::http {
namespace {

using ServerTest = ServerFixture;

TEST_F(ServerTest, AnswersInlineAndOnWorkers) {
  Start();
  TestClient client = Connect();
  for (const char* path : {"/quick", "/hello", "/quick"}) {
    const Answer answer = client.Ask(Get(path));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "hello");
    EXPECT_THAT(answer.head, testing::StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_TRUE(answer.Has("content-length: 5\r\n"));
    EXPECT_TRUE(answer.Has(" GMT\r\n"));
    EXPECT_TRUE(answer.Has("x-remote: 127.0.0.1:"));
    EXPECT_FALSE(answer.Has("server:"));
    EXPECT_FALSE(answer.Has("connection:"));
  }
}

TEST_F(ServerTest, HeadCountsTheBodyAndDoesNotSendIt) {
  Start();
  TestClient client = Connect();
  client.Send("HEAD /hello HTTP/1.1\r\n\r\n" + Get("/none") + Get("/hello"));
  const Answer head = client.Read(true);
  EXPECT_EQ(head.status, 200);
  EXPECT_TRUE(head.Has("content-length: 5\r\n"));
  const Answer none = client.Read();
  EXPECT_EQ(none.status, 204);
  EXPECT_FALSE(none.Has("content-length"));
  EXPECT_EQ(client.Read().body, "hello");
}

TEST_F(ServerTest, AnswersPipelinedRequestsInOrder) {
  Start();
  TestClient client = Connect();
  std::string requests;
  for (int i = 0; i < 50; ++i) {
    requests += Post("/echo", "body " + std::to_string(i)) + Get(i % 2 ? "/quick" : "/missing");
  }
  client.Send(requests);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(client.Read().body, "body " + std::to_string(i));
    EXPECT_EQ(client.Read().status, i % 2 ? 200 : 404);
  }
}

TEST_F(ServerTest, TakesRequestsByteByByte) {
  Start();
  TestClient client = Connect();
  const std::string chunked =
      "POST /echo HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"
      "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\ntrailer: 1\r\n\r\n";
  for (const std::string& request :
       {Get("/quick"), Post("/echo", "hello"), chunked, Get("/hello")}) {
    for (const char byte : request) ASSERT_TRUE(client.Send({&byte, 1}));
  }
  EXPECT_EQ(client.Read().body, "hello");
  EXPECT_EQ(client.Read().body, "hello");
  EXPECT_EQ(client.Read().body, "abc0123456789");
  EXPECT_EQ(client.Read().body, "hello");
}

TEST_F(ServerTest, KeepsBytesOfBodiesOfEverySize) {
  Start();
  TestClient client = Connect();
  for (const size_t size :
       {0, 1, 4096, 16383, 16384, 65536, 100'000, 1 << 20, (1 << 20) + 1, 5'000'000, 20'000'000}) {
    std::string body(size, '\0');
    for (size_t i = 0; i < size; ++i) body[i] = static_cast<char>(i * 2654435761u >> 24);
    EXPECT_TRUE(client.Ask(Post("/echo", body)).body == body) << size;
  }
}

TEST_F(ServerTest, SendsContinueOnlyWhenTheBodyIsWanted) {
  Start();
  TestClient client = Connect();
  const std::string head = "POST /echo HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: ";
  EXPECT_EQ(client.Ask(head + "4\r\n\r\n").status, 100);
  EXPECT_EQ(client.Ask("body").body, "body");
  EXPECT_EQ(client.Ask(head + "41943041\r\n\r\n").status, 413);
  EXPECT_TRUE(client.ClosedWithin(1000));
}

TEST_F(ServerTest, KeepsConnectionsAsTheVersionsSay) {
  Start();
  TestClient close = Connect();
  EXPECT_TRUE(
      close.Ask("GET /hello HTTP/1.1\r\nconnection: close\r\n\r\n").Has("connection: close\r\n"));
  EXPECT_TRUE(close.ClosedWithin(1000));
  TestClient old = Connect();
  EXPECT_EQ(old.Ask("GET /hello HTTP/1.0\r\n\r\n").body, "hello");
  EXPECT_TRUE(old.ClosedWithin(1000));
  TestClient kept = Connect();
  const std::string keep = "GET /hello HTTP/1.0\r\nconnection: keep-alive\r\n\r\n";
  EXPECT_TRUE(kept.Ask(keep).Has("connection: keep-alive\r\n"));
  EXPECT_EQ(kept.Ask(keep).body, "hello");
}

TEST_F(ServerTest, SurvivesHandlersThatThrow) {
  Start();
  TestClient client = Connect();
  EXPECT_EQ(client.Ask(Get("/throw")).status, 500);
  const Answer answer = client.Ask(Get("/oom"));
  EXPECT_EQ(answer.status, 503);
  EXPECT_TRUE(answer.Has("retry-after: 1\r\n"));
  EXPECT_EQ(client.Ask(Get("/hello")).body, "hello");
}

TEST_F(ServerTest, LeavesOutHeadersThatWouldForgeOthers) {
  Start();
  const Answer answer = Connect().Ask(Get("/split"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_FALSE(answer.Has("x-forged"));
}

TEST_F(ServerTest, KeepsTheConnectionAfterAnEarlyAnswerToASmallBody) {
  Start();
  TestClient client = Connect();
  EXPECT_EQ(client.Ask(Post("/missing", std::string(300'000, 'x'))).status, 404);
  EXPECT_EQ(client.Ask(Get("/hello")).body, "hello");
  EXPECT_EQ(handler_.handled.load(), 1);
}

TEST_F(ServerTest, SendsLargeAnswersToSlowReaders) {
  Start();
  TestClient client = Connect();
  client.Send(Get("/large") + Get("/hello"));
  env_.clock->SleepNs(50 * runtime::kMillisecond);
  EXPECT_EQ(client.Read().body.size(), 8u << 20);
  EXPECT_EQ(client.Read().body, "hello");
}

TEST_F(ServerTest, AnswersAPeerThatHasFinishedSending) {
  Start();
  TestClient client = Connect();
  client.Send(Get("/slow") + Get("/hello"));
  client.FinishSending();
  ASSERT_TRUE(Eventually([&] { return handler_.slow_running.load() == 1; }));
  handler_.release_slow = true;
  EXPECT_EQ(client.Read().body, "slow");
  EXPECT_EQ(client.Read().body, "hello");
  EXPECT_EQ(handler_.cancelled.load(), 0);
}

TEST_F(ServerTest, CancelsWhenTheClientGoesAway) {
  options_.half_close_grace_ms = 20;
  Start();
  TestClient client = Connect();
  client.Send(Get("/slow"));
  ASSERT_TRUE(Eventually([&] { return handler_.slow_running.load() == 1; }));
  env_.clock->SleepNs(60 * runtime::kMillisecond);
  client.Close();
  EXPECT_TRUE(Eventually([&] { return handler_.cancelled.load() == 1; }));

  TestClient resets = Connect();
  resets.Send(Get("/slow"));
  ASSERT_TRUE(Eventually([&] { return handler_.slow_running.load() == 1; }));
  resets.Reset();
  EXPECT_TRUE(Eventually([&] { return handler_.cancelled.load() == 2; }));
  EXPECT_TRUE(Eventually([&] { return server_->connections() == 0; }));
}

TEST_F(ServerTest, KeepsThousandsOfIdleConnections) {
  Start();
  std::vector<TestClient> clients;
  for (int i = 0; i < 2000; ++i) {
    clients.push_back(Connect());
    ASSERT_TRUE(clients.back().connected()) << i;
  }
  ASSERT_TRUE(Eventually([&] { return server_->connections() == 2000; }));
  EXPECT_EQ(clients.front().Ask(Get("/hello")).status, 200);
  EXPECT_EQ(clients.back().Ask(Get("/quick")).status, 200);
  EXPECT_EQ(clients[1000].Ask(Post("/echo", "x")).status, 200);
}

TEST_F(ServerTest, ListensOnAUnixSocket) {
  const std::string path = testing::TempDir() + "http" + std::to_string(::getpid()) + ".sock";
  options_.unix_path = path;
  Start();
  const Answer answer = TestClient(path).Ask(Get("/hello"));
  EXPECT_EQ(answer.body, "hello");
  EXPECT_TRUE(answer.Has("x-remote: unix\r\n"));
  EXPECT_EQ(Connect().Ask(Get("/hello")).body, "hello");
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);

  ServerOptions second;
  second.unix_path = path;
  EXPECT_EQ(Server::Start(second, handler_, env_).status().code(), StatusCode::kUnavailable);
  server_->Stop();
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
  second.unix_path = std::string(2000, 'x');
  EXPECT_EQ(Server::Start(second, handler_, env_).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(ServerTest, NamesWhatItCannotListenOn) {
  Start();
  ServerOptions second;
  second.port = server_->port();
  const auto taken = Server::Start(second, handler_, env_);
  EXPECT_EQ(taken.status().code(), StatusCode::kUnavailable);
  EXPECT_THAT(std::string(taken.status().message()),
              testing::HasSubstr("127.0.0.1:" + std::to_string(second.port)));
  second.address = "no such host.invalid";
  EXPECT_EQ(Server::Start(second, handler_, env_).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace chroma::http
