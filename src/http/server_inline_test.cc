// Requests that the I/O threads answer themselves.
#include <gtest/gtest.h>

#include "http/inline_budget.h"
#include "http/server_fixture.h"

namespace chroma::http {
namespace {

constexpr const char* kInline = "the I/O thread";
constexpr const char* kWorker = "a worker";

TEST(InlineBudgetTest, LeavesAQuarterOfTheTime) {
  InlineBudget budget;
  int64_t now_ns = runtime::kSecond;
  int64_t inline_ns = 0;
  // Nothing but requests, of 50 µs each wherever they are answered.
  for (int i = 0; i < 100'000; ++i) {
    const int64_t began_ns = now_ns;
    now_ns += 50 * runtime::kMicrosecond;
    if (!budget.Allows(began_ns)) continue;
    budget.Spend(began_ns, now_ns);
    inline_ns += 50 * runtime::kMicrosecond;
  }
  const int64_t all_ns = now_ns - runtime::kSecond;
  EXPECT_GT(inline_ns, all_ns * 70 / 100);
  EXPECT_LT(inline_ns, all_ns * 76 / 100);
}

TEST(InlineBudgetTest, NeverRefusesALoneClient) {
  InlineBudget budget;
  int64_t now_ns = runtime::kSecond;
  for (int i = 0; i < 100'000; ++i) {
    ASSERT_TRUE(budget.Allows(now_ns));
    budget.Spend(now_ns, now_ns + 50 * runtime::kMicrosecond);
    now_ns += 90 * runtime::kMicrosecond;
  }
}

TEST(InlineBudgetTest, PausesAfterASlowAnswer) {
  InlineBudget budget;
  const int64_t began_ns = runtime::kSecond;
  const int64_t ended_ns = began_ns + 10 * runtime::kMillisecond;
  budget.Spend(began_ns, ended_ns);
  EXPECT_FALSE(budget.Allows(ended_ns));
  EXPECT_FALSE(budget.Allows(ended_ns + 100 * runtime::kMillisecond));
  EXPECT_TRUE(budget.Allows(ended_ns + runtime::kSecond));
}

// On a busy machine any answer may be slow, and the next one a worker's.
class ServerInlineTest : public ServerFixture {
 protected:
  static bool IsInlineAgain(TestClient& client) {
    return Eventually([&] { return client.Ask(Post("/try", "now")).body == kInline; });
  }
};

TEST_F(ServerInlineTest, WhatTheHandlerDeclinesGoesToAWorker) {
  Start();
  TestClient client = Connect();
  EXPECT_EQ(client.Ask(Post("/try", "now")).body, kInline);
  EXPECT_EQ(handler_.handled.load(), 0);
  EXPECT_EQ(client.Ask(Post("/try", "decline")).body, kWorker);
  EXPECT_EQ(client.Ask(Post("/try", "throw")).body, kWorker);
  EXPECT_EQ(handler_.handled.load(), 2);
  EXPECT_TRUE(IsInlineAgain(client));
}

TEST_F(ServerInlineTest, LargeBodiesAreNotTried) {
  options_.inline_body_bytes_max = 100;
  Start();
  TestClient client = Connect();
  EXPECT_EQ(client.Ask(Post("/try", std::string(101, 'x'))).body, kWorker);
  EXPECT_EQ(handler_.tried.load(), 0);
  EXPECT_EQ(client.Ask(Post("/try", std::string(100, 'x'))).body, kInline);
}

TEST_F(ServerInlineTest, QuickRequestsAreNotTried) {
  Start();
  TestClient client = Connect();
  EXPECT_EQ(client.Ask(Get("/quick")).body, "hello");
  EXPECT_EQ(handler_.tried.load(), 0);
}

TEST_F(ServerInlineTest, AnswersWhileEveryWorkerIsBusy) {
  options_.worker_threads = 1;
  options_.io_threads = 2;  // one for each connection
  Start();
  TestClient busy = Connect();
  busy.Send(Get("/slow"));
  ASSERT_TRUE(Eventually([&] { return handler_.slow_running.load() == 1; }));
  TestClient client = Connect();
  EXPECT_EQ(client.Ask(Post("/try", "now")).body, kInline);
  handler_.release_slow = true;
  EXPECT_EQ(busy.Read().body, "slow");
}

TEST_F(ServerInlineTest, ASlowAnswerSendsTheNextToTheWorkers) {
  options_.io_threads = 1;
  Start();
  TestClient client = Connect();
  EXPECT_TRUE(Eventually([&] {
    client.Ask(Post("/try", "slow"));
    return client.Ask(Post("/try", "now")).body == kWorker;
  }));
  EXPECT_TRUE(IsInlineAgain(client));
}

TEST_F(ServerInlineTest, AnswersPipelinedRequestsInOrder) {
  Start();
  TestClient client = Connect();
  std::string requests;
  for (int i = 0; i < 100; ++i) {
    requests += Post("/try", i % 3 == 0 ? "decline" : "now") + Post("/echo", std::to_string(i));
  }
  client.Send(requests);
  for (int i = 0; i < 100; ++i) {
    const std::string body = client.Read().body;
    EXPECT_TRUE(body == kWorker || (i % 3 != 0 && body == kInline)) << body;
    EXPECT_EQ(client.Read().body, std::to_string(i));
  }
}

TEST_F(ServerInlineTest, AStopWaitsForTheAnswer) {
  Start();
  TestClient client = Connect();
  client.Send(Post("/try", "slow"));
  ASSERT_TRUE(Eventually([&] { return handler_.tried.load() == 1; }));
  server_->Stop();
  EXPECT_EQ(client.Read().body, kInline);
  EXPECT_EQ(handler_.cancelled.load(), 0);
}

}  // namespace
}  // namespace chroma::http
