// Stopping, with requests in every phase.
#include "http/server_fixture.h"

namespace chroma::http {
namespace {

class ServerStopTest : public ServerFixture {
 protected:
  void StopInBackground() {
    stopping_ = env_.scheduler->Start("stop", [this] {
      server_->Stop();
      stopped_ = true;
    });
  }

  std::atomic<bool> stopped_{false};
  std::unique_ptr<runtime::Task> stopping_;
};

TEST_F(ServerStopTest, FinishesWhatIsRunning) {
  Start();
  const uint16_t port = server_->port();
  TestClient idle = Connect();
  TestClient running = Connect();
  TestClient sending = Connect();
  running.Send(Get("/slow"));
  const std::string body = Post("/echo", "hello");
  sending.Send(body.substr(0, body.size() - 2));
  ASSERT_TRUE(Eventually([&] { return handler_.slow_running.load() == 1; }));
  ASSERT_TRUE(Eventually([&] { return server_->connections() == 3; }));
  env_.clock->SleepNs(50 * runtime::kMillisecond);
  StopInBackground();
  EXPECT_TRUE(idle.ClosedWithin(2000));
  EXPECT_FALSE(TestClient(port).connected());
  EXPECT_FALSE(stopped_.load());
  handler_.release_slow = true;
  const Answer slow = running.Read();
  EXPECT_EQ(slow.body, "slow");
  EXPECT_TRUE(slow.Has("connection: close\r\n"));
  EXPECT_EQ(sending.Ask("lo").body, "hello");
  stopping_->Join();
  EXPECT_EQ(handler_.cancelled.load(), 0);
}

TEST_F(ServerStopTest, CancelsWhatDoesNotFinishInTime) {
  options_.drain_timeout_ms = 100;
  Start();
  TestClient running = Connect();
  running.Send(Get("/slow"));
  TestClient half = Connect();
  half.Send("POST /echo HTTP/1.1\r\ncontent-length: 10\r\n\r\n");
  ASSERT_TRUE(Eventually([&] { return handler_.slow_running.load() == 1; }));
  server_->Stop();
  EXPECT_EQ(handler_.cancelled.load(), 1);
  EXPECT_EQ(server_->connections(), 0u);
  EXPECT_EQ(running.Read().status, 0);
  server_->Stop();  // again
}

TEST_F(ServerStopTest, StopsWithoutAnyConnection) {
  options_.address = "localhost";
  Start();
  EXPECT_NE(server_->port(), 0);
  server_.reset();
}

TEST_F(ServerStopTest, StopsUnderLoad) {
  Start();
  std::atomic<bool> enough{false};
  std::atomic<int> answers{0};
  std::vector<std::unique_ptr<runtime::Task>> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(env_.scheduler->Start("client", [&, port = server_->port()] {
      while (!enough.load()) {
        TestClient client(port);
        if (!client.connected()) break;
        for (int n = 0; n < 20; ++n) {
          const Answer answer = client.Ask(n % 2 ? Get("/quick") : Post("/echo", "x"));
          if (answer.status == 0) break;
          answers.fetch_add(1);
        }
      }
    }));
  }
  EXPECT_TRUE(Eventually([&] { return answers.load() > 200; }));
  server_->Stop();
  enough = true;
  clients.clear();
}

}  // namespace
}  // namespace chroma::http
