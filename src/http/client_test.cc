#include "http/client.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "http/server_fixture.h"
#include "http/unix_address.h"

namespace chroma::http {
namespace {

using runtime::kMillisecond;

class ClientTest : public ServerFixture {
 protected:
  ClientTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "chroma-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    path_ = directory_ + "/SOCKET";
    options_.address.clear();
  }
  ~ClientTest() override { std::filesystem::remove_all(directory_); }

  void Listen() {
    options_.unix_path = path_;
    Start();
  }
  Client MakeClient() {
    ClientOptions options;
    options.unix_path = path_;
    options.silence_ns = 1000 * kMillisecond;
    options.probe_target = "/quick";
    return Client(options);
  }
  static Request Ask(const std::string& method, const std::string& target, std::string body = "") {
    Request request;
    request.method_token = method;
    request.method = ParseMethod(method);
    request.target = target;
    request.body = std::move(body);
    return request;
  }
  Result<Response> Send(Client& client, const Request& request) {
    runtime::Context context;
    return client.Send(request, context);
  }

  std::string directory_;
  std::string path_;
};

TEST_F(ClientTest, ExchangesLargeBodiesOverOneConnection) {
  Listen();
  Client client = MakeClient();
  std::string body(20 << 20, 'x');
  for (size_t i = 0; i < body.size(); i += 977) body[i] = static_cast<char>('a' + i % 26);
  for (int round = 0; round < 3; ++round) {
    const auto answer = Send(client, Ask("POST", "/echo", body));
    ASSERT_TRUE(answer.ok()) << answer.status().ToString();
    EXPECT_EQ(answer->status, 200);
    EXPECT_TRUE(answer->body == body);
    EXPECT_EQ(Send(client, Ask("GET", "/missing"))->status, 404);
  }
  EXPECT_EQ(server_->connections(), 1u);
}

TEST_F(ClientTest, ReachesASocketWhosePathIsTooLongForAnAddress) {
  path_ = directory_;
  for (int i = 0; i < 5; ++i) path_ += "/" + std::string(60, static_cast<char>('a' + i));
  std::filesystem::create_directories(path_);
  path_ += "/SOCKET";
  Listen();
  Client client = MakeClient();
  EXPECT_EQ(Send(client, Ask("GET", "/hello"))->body, "hello");
  server_->Stop();
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_EQ(Send(client, Ask("GET", "/hello")).status().code(), StatusCode::kUnavailable);
}

TEST_F(ClientTest, TellsWhatWasNotSentFromWhatMayHaveTakenPlace) {
  Client client = MakeClient();
  EXPECT_EQ(Send(client, Ask("GET", "/hello")).status().code(), StatusCode::kUnavailable);
  Listen();
  EXPECT_TRUE(Send(client, Ask("GET", "/hello")).ok());
  // The kept connection is dead by then, and found out to be before it is used.
  server_->Stop();
  EXPECT_EQ(Send(client, Ask("GET", "/hello")).status().code(), StatusCode::kUnavailable);

  // A peer that takes the request and closes.
  const auto address = UnixAddress::Of(path_);
  const int listening = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(::bind(listening, address->get(), address->size()), 0);
  ASSERT_EQ(::listen(listening, 5), 0);
  auto task = env_.scheduler->Start("peer", [&] {
    const int fd = ::accept(listening, nullptr, nullptr);
    char bytes[100];
    (void)!::read(fd, bytes, sizeof(bytes));
    ::close(fd);
  });
  EXPECT_EQ(Send(client, Ask("POST", "/echo", "x")).status().code(), StatusCode::kAborted);
  task->Join();
  ::close(listening);
}

TEST_F(ClientTest, RefusesAnswersThatAreNone) {
  const auto address = UnixAddress::Of(path_);
  const int listening = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(::bind(listening, address->get(), address->size()), 0);
  ASSERT_EQ(::listen(listening, 5), 0);
  const std::string_view answers[] = {
      "hello\r\n\r\n",
      "HTTP/1.1 2x0 OK\r\n\r\n",
      "HTTP/1.1 200 OK\r\ncontent-length: 5x\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n",
      "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
  };
  auto task = env_.scheduler->Start("peer", [&] {
    for (std::string_view answer : answers) {
      const int fd = ::accept(listening, nullptr, nullptr);
      (void)!::write(fd, answer.data(), answer.size());
      ::shutdown(fd, SHUT_WR);
      char bytes[1000];
      while (::read(fd, bytes, sizeof(bytes)) > 0) {
      }
      ::close(fd);
    }
  });
  for (std::string_view answer : answers) {
    Client client = MakeClient();
    EXPECT_EQ(Send(client, Ask("GET", "/")).status().code(), StatusCode::kAborted) << answer;
  }
  task->Join();
  ::close(listening);
}

TEST_F(ClientTest, WaitsForASlowPeerButNotForOneThatShowsNoLife) {
  Listen();
  Client client = MakeClient();
  auto task = env_.scheduler->Start("release", [&] {
    env_.clock->SleepNs(2500 * kMillisecond);
    handler_.release_slow = true;
  });
  EXPECT_TRUE(Send(client, Ask("GET", "/slow")).ok());
  task->Join();
  server_->Stop();

  const auto address = UnixAddress::Of(path_);
  const int listening = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(::bind(listening, address->get(), address->size()), 0);
  ASSERT_EQ(::listen(listening, 5), 0);
  EXPECT_EQ(Send(client, Ask("GET", "/slow")).status().code(), StatusCode::kDeadlineExceeded);
  ::close(listening);
}

TEST_F(ClientTest, EndsWhenItsCallerHasGone) {
  Listen();
  Client client = MakeClient();
  runtime::Context context;
  auto task = env_.scheduler->Start("cancel", [&] {
    Eventually([&] { return handler_.slow_running > 0; });
    // Past half_close_grace_ms: who closes sooner may still want the answer.
    env_.clock->SleepNs(300 * kMillisecond);
    context.Cancel();
  });
  EXPECT_EQ(client.Send(Ask("GET", "/slow"), context).status().code(), StatusCode::kCancelled);
  task->Join();
  EXPECT_TRUE(Eventually([&] { return handler_.cancelled > 0; }));
}

TEST_F(ClientTest, AWatchShowsTheEndOfTheServerAndCanBeCancelled) {
  Listen();
  for (const bool cancel : {true, false}) {
    auto watch = Watch::Open(path_, 0);
    ASSERT_TRUE(watch.ok());
    std::atomic<bool> ended{false};
    auto task = env_.scheduler->Start("watch", [&] {
      (*watch)->Wait();
      ended = true;
    });
    env_.clock->SleepNs(30 * kMillisecond);
    EXPECT_FALSE(ended);
    cancel ? (*watch)->Cancel() : server_->Stop();
    task->Join();
    EXPECT_TRUE(ended);
  }
}

#if !defined(CHROMA_THREAD_SANITIZER)
TEST_F(ClientTest, AForkedChildHasNoneOfTheSockets) {
  Listen();
  Client client = MakeClient();
  ASSERT_TRUE(Send(client, Ask("GET", "/hello")).ok());
  auto watch = Watch::Open(path_, 0);
  ASSERT_TRUE(watch.ok());
  int hold[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, hold), 0);
  const pid_t child = ::fork();
  char byte = 0;
  if (child == 0) {
    ::close(hold[1]);
    (void)!::write(hold[0], &byte, 1);
    (void)!::read(hold[0], &byte, 1);  // until the parent closes its end
    ::_exit(0);
  }
  ::close(hold[0]);
  // It has closed what it is not to have, the socket that listens too.
  ASSERT_EQ(::read(hold[1], &byte, 1), 1);
  server_->Stop();
  (*watch)->Wait();  // the child does not keep the connection open
  EXPECT_EQ(Send(client, Ask("GET", "/hello")).status().code(), StatusCode::kUnavailable);
  ::close(hold[1]);
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}
#endif

}  // namespace
}  // namespace chroma::http
