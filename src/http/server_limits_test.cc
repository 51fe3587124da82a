// What hostile, broken and slow clients do. None may crash, hang or leak, or see a 5xx.
#include <gmock/gmock.h>

#include <atomic>
#include <functional>
#include <memory>
#include <utility>

#include "http/server_fixture.h"

namespace chroma::http {
namespace {

using std::string_literals::operator""s;

using ServerLimitsTest = ServerFixture;

TEST_F(ServerLimitsTest, RefusesBytesThatAreNoRequest) {
  Start();
  struct Case {
    const char* what;
    std::string bytes;
    int status;
  };
  const std::string post = "POST /echo HTTP/1.1\r\n";
  const std::vector<Case> cases = {
      {"no request line", "hello\r\n\r\n", 400},
      {"no version", "GET /\r\n\r\n", 400},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"version", "GET / HTTP/1.2\r\n\r\n", 505},
      {"space in target", "GET /a b HTTP/1.1\r\n\r\n", 400},
      {"TLS hello", "\x16\x03\x01\x00\xa5\x01\x00"s, 400},
      {"NUL in target", "GET /a\0b HTTP/1.1\r\n\r\n"s, 400},
      {"NUL in value", "GET / HTTP/1.1\r\na: b\0c\r\n\r\n"s, 400},
      {"bare line feeds", "GET / HTTP/1.1\nhost: x\n\n", 400},
      {"space before colon", "GET / HTTP/1.1\r\nhost : x\r\n\r\n", 400},
      {"header name", "GET / HTTP/1.1\r\nh\xc3\xa4: x\r\n\r\n", 400},
      {"no colon", "GET / HTTP/1.1\r\nhost\r\n\r\n", 400},
      {"length not a number", post + "content-length: ten\r\n\r\n", 400},
      {"negative length", post + "content-length: -1\r\n\r\n", 400},
      {"signed length", post + "content-length: +1\r\n\r\n", 400},
      {"length beyond 64 bits", post + "content-length: 99999999999999999999\r\n\r\n", 400},
      {"two lengths", post + "content-length: 1\r\ncontent-length: 2\r\n\r\nab", 400},
      {"equal lengths", post + "content-length: 1\r\ncontent-length: 1\r\n\r\na", 400},
      {"list of lengths", post + "content-length: 1, 1\r\n\r\na", 400},
      {"length and chunked", post + "content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n", 400},
      {"chunked and length", post + "transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n", 400},
      {"chunked in 1.0", "POST /echo HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n", 400},
      {"other coding", post + "transfer-encoding: gzip\r\n\r\n", 501},
      {"two codings", post + "transfer-encoding: gzip, chunked\r\n\r\n", 501},
      {"chunk size", post + "transfer-encoding: chunked\r\n\r\nxyz\r\n", 400},
      {"chunk size overflow", post + "transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
       400},
      {"chunk end", post + "transfer-encoding: chunked\r\n\r\n3\r\nabcdef\r\n", 400},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.what);
    TestClient client = Connect();
    const Answer answer = client.Ask(one.bytes + Get("/quick"));
    EXPECT_EQ(answer.status, one.status);
    EXPECT_TRUE(answer.Has("connection: close\r\n"));
    EXPECT_TRUE(client.ClosedWithin(2000));
  }
  EXPECT_EQ(handler_.handled.load(), 0);
  EXPECT_EQ(Connect().Ask(Get("/hello")).status, 200);
}

TEST_F(ServerLimitsTest, IgnoresEmptyLinesBeforeARequest) {
  Start();
  EXPECT_EQ(Connect().Ask("\r\n\r\n" + Get("/hello")).status, 200);
}

TEST_F(ServerLimitsTest, RefusesEndlessHeads) {
  Start();
  TestClient client = Connect();
  std::string head = "GET / HTTP/1.1\r\n";
  const std::string line = "x-endless: " + std::string(500, 'x') + "\r\n";
  while (head.size() < (1 << 20)) head += line;
  client.Send(head);
  EXPECT_EQ(client.Read().status, 431);
  TestClient target = Connect();
  target.Send("GET /" + std::string(1 << 20, 'a'));
  EXPECT_EQ(target.Read().status, 431);
  // The largest that is allowed.
  std::string exact = "GET /hello HTTP/1.1\r\na: ";
  exact += std::string(options_.header_bytes_max - exact.size() - 4, 'x') + "\r\n\r\n";
  ASSERT_EQ(exact.size(), options_.header_bytes_max);
  EXPECT_EQ(Connect().Ask(exact).status, 200);
  exact.insert(exact.size() - 4, "x");
  EXPECT_EQ(Connect().Ask(exact).status, 431);
}

TEST_F(ServerLimitsTest, TakesBodiesUpToTheLimit) {
  options_.body_bytes_max = 3'000'000;
  Start();
  TestClient client = Connect();
  EXPECT_EQ(client.Ask(Post("/length", std::string(3'000'000, 'x'))).body, "3000000");
  // Sends everything before it reads, as most clients do.
  ASSERT_TRUE(client.Send(Post("/length", std::string(3'000'001, 'x'))));
  const Answer answer = client.Read();
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.body, "Payload too large");
  EXPECT_TRUE(answer.Has("connection: close\r\n"));
  client.Close();
  EXPECT_TRUE(Eventually([&] { return server_->connections() == 0; }));
}

TEST_F(ServerLimitsTest, LimitsChunkedBodies) {
  options_.body_bytes_max = 3'000'000;
  Start();
  std::string chunks;
  for (int i = 0; i < 300; ++i) chunks += "2710\r\n" + std::string(10'000, 'x') + "\r\n";
  const std::string head = "POST /length HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n";
  EXPECT_EQ(Connect().Ask(head + chunks + "0\r\n\r\n").body, "3000000");
  TestClient client = Connect();
  ASSERT_TRUE(client.Send(head + chunks + chunks + "1\r\nx\r\n0\r\n\r\n"));
  EXPECT_EQ(client.Read().status, 413);
}

TEST_F(ServerLimitsTest, AnswersAClaimedGigabyteAtOnce) {
  Start();
  std::vector<TestClient> clients;
  for (int i = 0; i < 50; ++i) {
    clients.push_back(Connect());
    clients.back().Send("POST /echo HTTP/1.1\r\ncontent-length: 1073741824\r\n\r\n");
  }
  for (TestClient& client : clients) EXPECT_EQ(client.Read().status, 413);
  // Sent in full it is thrown away; the answer arrives all the same.
  TestClient sender = Connect();
  sender.Send("POST /echo HTTP/1.1\r\ncontent-length: 1073741824\r\n\r\n");
  const std::string megabyte(1 << 20, 'x');
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(sender.Send(megabyte)) << i;
  EXPECT_EQ(sender.Read().status, 413);
}

TEST_F(ServerLimitsTest, ClosesWhenTooMuchIsToBeDiscarded) {
  options_.discard_bytes_max = 4 << 20;
  Start();
  TestClient client = Connect();
  client.Send("POST /echo HTTP/1.1\r\ncontent-length: 1073741824\r\n\r\n");
  const std::string megabyte(1 << 20, 'x');
  bool open = true;
  for (int i = 0; i < 200 && open; ++i) open = client.Send(megabyte);
  EXPECT_FALSE(open);
}

TEST_F(ServerLimitsTest, TimesOutSlowHeads) {
  options_.header_timeout_ms = 100;
  Start();
  TestClient client = Connect();
  client.Send("GET /hello HT");
  EXPECT_EQ(client.Read().status, 408);
  EXPECT_TRUE(client.ClosedWithin(1000));
  // Sending a little now and then does not help.
  TestClient drips = Connect();
  bool open = true;
  for (int i = 0; i < 200 && open; ++i) {
    open = drips.Send(i == 0 ? "GET /hello HTTP/1.1\r\n" : "a: b\r\n");
    if (drips.ClosedWithin(10)) open = false;
  }
  EXPECT_FALSE(open);
}

TEST_F(ServerLimitsTest, TimesOutSlowBodies) {
  options_.body_timeout_ms = 100;
  Start();
  TestClient client = Connect();
  client.Send("POST /echo HTTP/1.1\r\ncontent-length: 100\r\n\r\nabc");
  EXPECT_EQ(client.Read().status, 408);
  EXPECT_TRUE(client.ClosedWithin(1000));
  TestClient drips = Connect();
  drips.Send("POST /echo HTTP/1.1\r\ncontent-length: 100000\r\n\r\n");
  bool open = true;
  for (int i = 0; i < 200 && open; ++i) open = drips.Send("x") && !drips.ClosedWithin(10);
  EXPECT_FALSE(open);
}

TEST_F(ServerLimitsTest, ClosesIdleConnections) {
  options_.keep_alive_timeout_ms = 100;
  Start();
  TestClient fresh = Connect();
  TestClient used = Connect();
  EXPECT_EQ(used.Ask(Get("/hello")).status, 200);
  EXPECT_TRUE(used.ClosedWithin(1000));
  EXPECT_TRUE(fresh.ClosedWithin(1000));
  EXPECT_TRUE(Eventually([&] { return server_->connections() == 0; }));
}

TEST_F(ServerLimitsTest, DropsPeersThatDoNotRead) {
  options_.write_timeout_ms = 100;
  Start();
  TestClient client = Connect();
  client.Send(Get("/large") + Get("/large") + Get("/large"));
  EXPECT_TRUE(Eventually([&] { return server_->connections() == 0; }));
}

TEST_F(ServerLimitsTest, TellsWhenBodiesFillTheMemory) {
  options_.body_bytes_in_flight_max = 3 << 20;
  Start();
  TestClient holds = Connect();
  const std::string large = Post("/length", std::string(2 << 20, 'x'));
  holds.Send(large.substr(0, large.size() - 1));
  env_.clock->SleepNs(100 * runtime::kMillisecond);
  TestClient refused = Connect();
  const Answer answer = refused.Ask(large);
  EXPECT_EQ(answer.status, 503);
  EXPECT_TRUE(answer.Has("retry-after: 1\r\n"));
  EXPECT_EQ(holds.Ask("x").body, "2097152");
  EXPECT_EQ(Connect().Ask(large).body, "2097152");
}

// Counts what the server says of its work.
class NotingScheduler final : public runtime::Scheduler {
 public:
  std::unique_ptr<runtime::Task> Start(std::string name, std::function<void()> body) override {
    return runtime::Scheduler::System().Start(std::move(name), std::move(body));
  }
  void NoteShort(int64_t) override { ++short_requests; }
  void BeginLong(int64_t) override { ++long_begun; }
  void EndLong() override { ++long_ended; }
  int Parallelism() const override { return runtime::Scheduler::System().Parallelism(); }

  std::atomic<int> short_requests{0};
  std::atomic<int> long_begun{0};
  std::atomic<int> long_ended{0};
};

TEST_F(ServerLimitsTest, SmallRequestsDoNotWaitForLargeBodies) {
  NotingScheduler scheduler;
  env_.scheduler = &scheduler;
  Start();
  const std::string large(options_.inline_body_bytes_max + 1, 'x');
  std::vector<TestClient> clients;
  for (int i = 0; i < options_.worker_threads; ++i) {
    clients.push_back(Connect());
    clients.back().Send(Post("/slow", large));
  }
  ASSERT_TRUE(Eventually([&] { return handler_.slow_running == options_.worker_threads; }));
  EXPECT_EQ(scheduler.short_requests, 0);
  EXPECT_EQ(Connect().Ask(Get("/quick")).status, 200);
  EXPECT_EQ(scheduler.short_requests, 0) << "it takes no time at all";
  EXPECT_EQ(Connect().Ask(Get("/hello")).body, "hello") << "all workers are busy with bodies";
  EXPECT_EQ(scheduler.short_requests, 1);
  EXPECT_EQ(scheduler.long_begun, options_.worker_threads);
  EXPECT_EQ(scheduler.long_ended, 0);
  handler_.release_slow = true;
  for (TestClient& client : clients) EXPECT_EQ(client.Read().body, "slow");
  EXPECT_TRUE(Eventually([&] { return scheduler.long_ended == options_.worker_threads; }));
  server_ = nullptr;
}

TEST_F(ServerLimitsTest, TellsWhenTheQueueIsFull) {
  options_.worker_threads = 1;
  options_.worker_queue_max = 1;
  Start();
  TestClient running = Connect();
  running.Send(Get("/slow"));
  ASSERT_TRUE(Eventually([&] { return handler_.slow_running.load() == 1; }));
  TestClient queued = Connect();
  queued.Send(Get("/hello"));
  env_.clock->SleepNs(50 * runtime::kMillisecond);
  TestClient refused = Connect();
  EXPECT_EQ(refused.Ask(Get("/hello")).status, 503);
  EXPECT_EQ(refused.Ask(Get("/quick")).status, 200);
  handler_.release_slow = true;
  EXPECT_EQ(running.Read().status, 200);
  EXPECT_EQ(queued.Read().status, 200);
}

TEST_F(ServerLimitsTest, ReplacesIdleConnectionsWhenThereAreTooMany) {
  options_.connections_max = 4;
  options_.io_threads = 1;
  Start();
  std::vector<TestClient> idle;
  for (int i = 0; i < 4; ++i) idle.push_back(Connect());
  ASSERT_TRUE(Eventually([&] { return server_->connections() == 4; }));
  EXPECT_EQ(Connect().Ask(Get("/hello")).status, 200);
  EXPECT_TRUE(idle.front().ClosedWithin(1000));
  EXPECT_EQ(idle.back().Ask(Get("/hello")).status, 200);

  std::vector<TestClient> busy;
  for (int i = 0; i < 4; ++i) {
    busy.push_back(Connect());
    busy.back().Send(Get("/slow"));
    ASSERT_TRUE(Eventually([&] { return handler_.slow_running.load() == i + 1; }));
  }
  TestClient refused = Connect();
  EXPECT_EQ(refused.Read().status, 503);
  EXPECT_TRUE(refused.ClosedWithin(1000));
  handler_.release_slow = true;
  for (TestClient& client : busy) EXPECT_EQ(client.Read().status, 200);
}

}  // namespace
}  // namespace chroma::http
