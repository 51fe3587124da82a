// For tests of the server: a handler with a few routes, and a client that is nothing but a
// socket, so that a test decides about every byte.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/server.h"

namespace chroma::http {

// GET /quick and /hello answer "hello" (the first inline), POST /try says who answered, POST /echo
// its body, /length the size
// of its body, /slow waits until cancelled or released, /throw and /oom throw; the rest is 404.
class TestHandler : public Handler {
 public:
  Response Handle(Request&& request, runtime::Context& context) override;
  bool IsQuick(const RequestHead& head) override { return head.path() == "/quick"; }
  // /try, but for the bodies "decline", "throw" and "slow", which takes five milliseconds.
  std::optional<Response> TryHandle(const Request& request, runtime::Context& context) override;
  std::optional<Response> OnHeader(const RequestHead& head) override;
  Response BodyTooLarge(const RequestHead& head) override;

  std::atomic<int> handled{0};
  std::atomic<int> tried{0};
  std::atomic<int> slow_running{0};
  std::atomic<bool> release_slow{false};
  std::atomic<int> cancelled{0};
};

struct Answer {
  int status = 0;  // 0: the peer closed, or time ran out, before a whole answer came
  std::string head;
  std::string body;
  bool Has(std::string_view header_line) const {
    return head.find(header_line) != std::string::npos;
  }
};

class TestClient {
 public:
  explicit TestClient(uint16_t port);
  explicit TestClient(const std::string& unix_path);
  ~TestClient();
  TestClient(TestClient&& other) noexcept;
  TestClient& operator=(TestClient&&) = delete;

  bool connected() const { return fd_ >= 0; }
  // False when the peer has reset the connection.
  bool Send(std::string_view bytes);
  // Reads one answer; `head_only` for HEAD.
  Answer Read(bool head_only = false);
  Answer Ask(std::string_view bytes);
  // Whether the peer closes (or resets) within `timeout_ms`; drops what it sends until then.
  bool ClosedWithin(int timeout_ms);
  void FinishSending();
  void Reset();
  void Close();

 private:
  bool Fill(int timeout_ms);

  int fd_ = -1;
  std::string buffered_;
};

std::string Get(std::string_view path);
std::string Post(std::string_view path, std::string_view body);

// Polls for up to five seconds.
template <typename Condition>
bool Eventually(Condition condition) {
  for (int i = 0; i < 1000; ++i) {
    if (condition()) return true;
    runtime::Clock::System().SleepNs(5 * runtime::kMillisecond);
  }
  return condition();
}

class ServerFixture : public ::testing::Test {
 protected:
  ServerFixture();
  void Start();
  TestClient Connect() { return TestClient(server_->port()); }

  TestHandler handler_;
  ServerOptions options_;
  runtime::Env env_;
  std::unique_ptr<Server> server_;
};

}  // namespace chroma::http
