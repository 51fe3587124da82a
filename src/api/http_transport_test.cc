// What happens to requests when connections break, over a server that is a few lines long.
#include "api/http_transport.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>

#include "api/clients_fixture.h"
#include "http/server.h"

namespace chroma::api {
namespace {

using ::testing::HasSubstr;

// Answers with the request's body, or as the path says.
class Echo : public http::Handler {
 public:
  http::Response Handle(http::Request&& request, runtime::Context& ctx) override {
    ++handled;
    if (request.path() == "/slow") ctx.clock().SleepNs(500 * runtime::kMillisecond);
    if (request.path() == "/large") return {200, {}, std::string(1 << 20, 'x')};
    return {200, {}, std::move(request.body)};
  }
  std::atomic<int> handled{0};
};

class HttpTransportTest : public ::testing::Test {
 protected:
  void SetUp() override { Start(0); }
  void Start(uint16_t port) {
    http::ServerOptions options;
    options.port = port;
    options.drain_timeout_ms = 2000;
    Result<std::unique_ptr<http::Server>> started =
        http::Server::Start(options, echo_, runtime::Env());
    ASSERT_TRUE(started.ok()) << started.status().ToString();
    server_ = *std::move(started);
  }
  std::unique_ptr<HttpTransport> Connect(HttpOptions options = {}) {
    auto transport =
        HttpTransport::Create("http://127.0.0.1:" + std::to_string(server_->port()) + "/", options);
    EXPECT_TRUE(transport.ok()) << transport.status().ToString();
    return *std::move(transport);
  }

  Echo echo_;
  std::unique_ptr<http::Server> server_;
};

TEST_F(HttpTransportTest, KeepsOneConnectionForRequestsInTurn) {
  auto transport = Connect();
  for (int i = 1; i <= 20; ++i) {
    const std::string body(static_cast<size_t>(i) * 100'000, static_cast<char>('a' + i));
    for (bool is_read : {true, false}) {
      Result<HttpAnswer> answer = transport->Send({"POST", "/echo", body, is_read});
      ASSERT_TRUE(answer.ok()) << answer.status().ToString();
      EXPECT_EQ(answer->status, 200);
      EXPECT_TRUE(answer->body == body);
    }
  }
  EXPECT_EQ(server_->connections(), 1u);
}

TEST_F(HttpTransportTest, AStoppedServerIsUnavailableAndMayComeBack) {
  auto transport = Connect();
  ASSERT_TRUE(transport->Send({"GET", "/a", "", true}).ok());
  const uint16_t port = server_->port();
  server_.reset();
  const Status gone = transport->Send({"GET", "/a", "", true}).status();
  EXPECT_EQ(gone.code(), StatusCode::kUnavailable);
  EXPECT_THAT(std::string(gone.message()), HasSubstr("GET http://127.0.0.1:"));
  Start(port);
  EXPECT_TRUE(transport->Send({"GET", "/a", "", true}).ok());
}

TEST_F(HttpTransportTest, TimeAndSizeAreLimited) {
  HttpOptions options;
  options.timeout_ms = 100;
  options.response_bytes_max = 1000;
  auto transport = Connect(options);
  EXPECT_EQ(transport->Send({"GET", "/slow", "", true}).status().code(),
            StatusCode::kDeadlineExceeded);
  EXPECT_EQ(transport->Send({"GET", "/large", "", true}).status().code(),
            StatusCode::kResourceExhausted);
}

// Answers the first request of every connection, and closes it instead of answering the second.
class Fickle {
 public:
  Fickle() : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(socket_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(socket_, 8), 0);
    getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    task_ = runtime::Scheduler::System().Start("fickle", [this] { Serve(); });
  }
  ~Fickle() {
    shutdown(socket_, SHUT_RDWR);
    task_->Join();
    close(socket_);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::atomic<int> requests{0};

 private:
  void Serve() {
    for (int peer; (peer = accept(socket_, nullptr, nullptr)) >= 0; close(peer)) {
      if (!ReadRequest(peer)) continue;
      constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
      EXPECT_EQ(send(peer, kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL),
                static_cast<ssize_t>(kAnswer.size()));
      ReadRequest(peer);
    }
  }
  // Every request here ends with a "}".
  bool ReadRequest(int peer) {
    for (char byte = 0; byte != '}';) {
      if (recv(peer, &byte, 1, 0) != 1) return false;
    }
    ++requests;
    return true;
  }

  int socket_;
  uint16_t port_ = 0;
  std::unique_ptr<runtime::Task> task_;
};

TEST(BrokenConnectionTest, ReadsAreRepeatedAndWritesAreNot) {
  Fickle server;
  auto transport = *HttpTransport::Create(server.url(), {});
  ASSERT_TRUE(transport->Send({"POST", "/get", "{}", /*is_read=*/true}).ok());
  EXPECT_EQ(server.requests, 1);
  // On the kept connection, which breaks; then on a new one.
  EXPECT_TRUE(transport->Send({"POST", "/get", "{}", /*is_read=*/true}).ok());
  EXPECT_EQ(server.requests, 3);
  const Status write = transport->Send({"POST", "/add", "{}", /*is_read=*/false}).status();
  EXPECT_EQ(write.code(), StatusCode::kUnavailable) << write.ToString();
  EXPECT_EQ(server.requests, 4);
  EXPECT_TRUE(transport->Send({"POST", "/add", "{}", /*is_read=*/false}).ok());
  EXPECT_EQ(server.requests, 5);
}

TEST(HttpTransportCreateTest, UrlsAndHeadersAreChecked) {
  for (const char* url : {"", "localhost:8000", "ftp://x", "file:///etc/passwd", "http://a b",
                          "http://x?y", "http://x\r\nz: 1"}) {
    EXPECT_EQ(HttpTransport::Create(url, {}).status().code(), StatusCode::kInvalidArgument) << url;
  }
  HttpOptions options;
  options.headers = {{"x", "a\r\nb: c"}};
  EXPECT_EQ(HttpTransport::Create("http://x", options).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ((*HttpTransport::Create("http://me:secret@host:1/base/", {}))->name(),
            "http://host:1/base");
}

}  // namespace
}  // namespace chroma::api
