#include "http/server_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace chroma::http {

namespace {

constexpr int kReadTimeoutMs = 10'000;

}  // namespace

Response TestHandler::Handle(Request&& request, runtime::Context& context) {
  handled.fetch_add(1);
  const std::string_view path = request.path();
  if (path == "/quick" || path == "/hello") return {200, {{"x-remote", request.remote}}, "hello"};
  if (path == "/try") return {200, {}, "a worker"};
  if (path == "/echo") return {200, {}, std::move(request.body)};
  if (path == "/length") return {200, {}, std::to_string(request.body.size())};
  if (path == "/large") return {200, {}, std::string(8 << 20, 'x')};
  if (path == "/none") return {204, {}, "never sent"};
  if (path == "/split") return {200, {{"x-bad", "a\r\nx-forged: b"}}, "hello"};
  if (path == "/throw") throw std::runtime_error("thrown by the test");
  if (path == "/oom") throw std::bad_alloc();
  if (path == "/slow") {
    slow_running.fetch_add(1);
    while (!release_slow.load() && context.Check().ok()) {
      context.clock().SleepNs(2 * runtime::kMillisecond);
    }
    if (!context.Check().ok()) cancelled.fetch_add(1);
    slow_running.fetch_sub(1);
    return {200, {}, "slow"};
  }
  return {404, {}, {}};
}

std::optional<Response> TestHandler::TryHandle(const Request& request, runtime::Context& context) {
  tried.fetch_add(1);
  if (request.path() != "/try" || request.body == "decline") return std::nullopt;
  if (request.body == "throw") throw std::runtime_error("thrown by the test");
  if (request.body == "slow") context.clock().SleepNs(5 * runtime::kMillisecond);
  return Response{200, {}, "the I/O thread"};
}

std::optional<Response> TestHandler::OnHeader(const RequestHead& head) {
  if (head.path() == "/missing") return Response{404, {}, {}};
  return std::nullopt;
}

Response TestHandler::BodyTooLarge(const RequestHead&) {
  return {413, {}, "Payload too large"};
}

TestClient::TestClient(uint16_t port) {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) Close();
}

TestClient::TestClient(const std::string& unix_path) {
  fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, unix_path.data(), unix_path.size());
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) Close();
}

TestClient::TestClient(TestClient&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), buffered_(std::move(other.buffered_)) {}

TestClient::~TestClient() {
  Close();
}

void TestClient::Close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

void TestClient::FinishSending() {
  ::shutdown(fd_, SHUT_WR);
}

void TestClient::Reset() {
  const linger reset{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
  Close();
}

bool TestClient::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

bool TestClient::Fill(int timeout_ms) {
  pollfd wait{fd_, POLLIN, 0};
  if (::poll(&wait, 1, timeout_ms) <= 0) return false;
  char bytes[65536];
  const ssize_t n = ::recv(fd_, bytes, sizeof(bytes), 0);
  if (n <= 0) return false;
  buffered_.append(bytes, static_cast<size_t>(n));
  return true;
}

Answer TestClient::Read(bool head_only) {
  Answer answer;
  size_t end = 0;
  while ((end = buffered_.find("\r\n\r\n")) == std::string::npos) {
    if (!Fill(kReadTimeoutMs)) return answer;
  }
  answer.head = buffered_.substr(0, end + 4);
  buffered_.erase(0, end + 4);
  size_t size = 0;
  if (const size_t at = answer.head.find("content-length: "); at != std::string::npos) {
    size = std::stoul(answer.head.substr(at + 16));
  }
  if (head_only) size = 0;
  while (buffered_.size() < size) {
    if (!Fill(kReadTimeoutMs)) return answer;
  }
  answer.body = buffered_.substr(0, size);
  buffered_.erase(0, size);
  answer.status = std::stoi(answer.head.substr(9, 3));
  return answer;
}

Answer TestClient::Ask(std::string_view bytes) {
  Send(bytes);
  return Read();
}

bool TestClient::ClosedWithin(int timeout_ms) {
  pollfd wait{fd_, POLLIN, 0};
  while (::poll(&wait, 1, timeout_ms) > 0) {
    char bytes[65536];
    if (::recv(fd_, bytes, sizeof(bytes), 0) <= 0) return true;
  }
  return false;
}

std::string Get(std::string_view path) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nhost: test\r\n\r\n";
}

std::string Post(std::string_view path, std::string_view body) {
  return "POST " + std::string(path) +
         " HTTP/1.1\r\nhost: test\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

ServerFixture::ServerFixture() {
  options_.worker_threads = 8;
  options_.io_threads = 2;
}

void ServerFixture::Start() {
  auto started = Server::Start(options_, handler_, env_);
  ASSERT_TRUE(started.ok()) << started.status().ToString();
  server_ = *std::move(started);
}

}  // namespace chroma::http
