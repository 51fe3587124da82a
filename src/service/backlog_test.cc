// What a server does while its compactor does not keep up.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "gateway/gateway.h"
#include "http/client.h"
#include "http/server.h"
#include "service/directory_fixture.h"
#include "service/test_support.h"
#include "testing/fault_file_system.h"

namespace chroma::service {
namespace {

class BacklogTest : public DirectoryFixture {
 protected:
  BacklogTest() { env_.files = &files_; }
  ~BacklogTest() override { server_->Stop(); }

  void Start(const LocalOptions& given) {
    LocalOptions options = given;
    options.path = "/db";
    auto service = LocalService::Open(env_, options);
    ASSERT_TRUE(service.ok()) << service.status().ToString();
    service_ = *std::move(service);
    gateway_ = std::make_unique<gateway::Gateway>(service_->engine(), gateway::GatewayOptions());
    http::ServerOptions http;
    http.address.clear();
    http.unix_path = socket_;
    auto server = http::Server::Start(http, *gateway_, runtime::Env());
    ASSERT_TRUE(server.ok()) << server.status().ToString();
    server_ = *std::move(server);
  }
  // No segment can be written: what was written stays in the log.
  void Stall() {
    files_.SetFault([](testing::FaultFileSystem::Call, const std::string& path) {
      return path.find(".segment") == path.npos ? Status::Ok()
                                                : Status::ResourceExhausted("made to fail");
    });
  }
  std::string Create(const std::string& name) {
    const http::Response made = Ask(Make("POST", kCollections, R"({"name":")" + name + R"("})"));
    EXPECT_EQ(made.status, 200) << made.body;
    return kCollections + "/" + made.body.substr(7, 36);
  }
  http::Response Ask(const http::Request& request) {
    http::ClientOptions options;
    options.unix_path = socket_;
    options.silence_ns = 60 * runtime::kSecond;
    http::Client client(options);
    runtime::Context context;
    Result<http::Response> answer = client.Send(request, context);
    EXPECT_TRUE(answer.ok()) << answer.status().ToString();
    return answer.ok() ? *answer : http::Response();
  }
  static http::Request Upsert(const std::string& collection, int records) {
    std::string ids, vectors;
    for (int i = 0; i < records; ++i) {
      ids += (i > 0 ? ",\"i" : "\"i") + std::to_string(i) + "\"";
      vectors += i > 0 ? ",[1,2,3,4]" : "[1,2,3,4]";
    }
    return Make("POST", collection + "/upsert",
                R"({"ids":[)" + ids + R"(],"embeddings":[)" + vectors + "]}");
  }

  testing::FaultFileSystem files_{1};
  runtime::Env env_;
  const std::string socket_ = root_ + "/socket";
  std::unique_ptr<LocalService> service_;
  std::unique_ptr<gateway::Gateway> gateway_;
  std::unique_ptr<http::Server> server_;
};

TEST_F(BacklogTest, ReadsAreAnsweredWhileWritersWait) {
  constexpr int kWriters = 64;  // as many as a server has workers
  LocalOptions options;
  options.engine.backlog.bytes_max = 1'000;
  options.engine.backlog.wait_ns = 3 * runtime::kSecond;
  Start(options);
  Stall();
  const std::string busy = Create("busy");
  const std::string other = Create("other");
  ASSERT_EQ(Ask(Upsert(other, 10)).status, 200);
  ASSERT_EQ(Ask(Upsert(busy, 100)).status, 200);

  std::atomic<int> at_once = 0, waited = 0, ended = 0;
  std::vector<std::unique_ptr<runtime::Task>> writers;
  for (int i = 0; i < kWriters; ++i) {
    writers.push_back(env_.scheduler->Start("writer", [&] {
      const int64_t begin_ns = env_.clock->MonotonicNs();
      const http::Response answer = Ask(Upsert(busy, 1));
      EXPECT_EQ(answer.status, 429) << answer.body;
      EXPECT_TRUE(std::any_of(answer.headers.begin(), answer.headers.end(),
                              [](const auto& header) { return header.first == "retry-after"; }));
      const bool waits = env_.clock->MonotonicNs() - begin_ns > 2 * runtime::kSecond;
      ++(waits ? waited : at_once);
      ++ended;
    }));
  }
  env_.clock->SleepNs(500 * runtime::kMillisecond);
  int64_t slowest_ns = 0;
  for (int i = 0; i < 20; ++i) {
    const int64_t begin_ns = env_.clock->MonotonicNs();
    // With a filter: only workers answer it.
    const http::Response answer = Ask(
        Make("POST", (i % 2 == 0 ? busy : other) + "/get", R"({"where":{"a":1},"include":[]})"));
    EXPECT_EQ(answer.status, 200) << answer.body;
    slowest_ns = std::max(slowest_ns, env_.clock->MonotonicNs() - begin_ns);
  }
  EXPECT_EQ(Ask(Upsert(other, 1)).status, 200) << "a collection with a short log";
  EXPECT_LT(ended, kWriters) << "they do not wait any more";
  EXPECT_LT(slowest_ns, runtime::kSecond);
  writers.clear();
  EXPECT_EQ(waited, kWriters / 4);
  EXPECT_EQ(at_once, kWriters - kWriters / 4);
}

TEST_F(BacklogTest, ThoseThatWaitGoOnWhenTheCompactorDoes) {
  LocalOptions options;
  options.engine.backlog.bytes_max = 1'000;
  Start(options);
  Stall();
  const std::string busy = Create("busy");
  ASSERT_EQ(Ask(Upsert(busy, 100)).status, 200);
  std::vector<std::unique_ptr<runtime::Task>> writers;
  for (int i = 0; i < 8; ++i) {
    writers.push_back(
        env_.scheduler->Start("writer", [&] { EXPECT_EQ(Ask(Upsert(busy, 1)).status, 200); }));
  }
  env_.clock->SleepNs(200 * runtime::kMillisecond);
  files_.SetFault(nullptr);
  writers.clear();
}

// Each has little, but there are many.
TEST_F(BacklogTest, AllCollectionsTogetherAreBounded) {
  constexpr uint64_t kAllBytesMax = 64 << 10;
  LocalOptions options;
  options.engine.backlog.all_bytes_max = kAllBytesMax;
  options.engine.backlog.wait_ns = 10 * runtime::kMillisecond;
  options.compaction.idle_ns = 3600 * runtime::kSecond;
  Start(options);
  Stall();
  std::vector<std::string> collections;
  for (int i = 0; i < 100; ++i) collections.push_back(Create("things-" + std::to_string(i)));
  int written = 0;
  for (; written < 100; ++written) {
    const int status = Ask(Upsert(collections[static_cast<size_t>(written)], 100)).status;
    if (status == 200) continue;
    EXPECT_EQ(status, 429);
    break;
  }
  EXPECT_GT(written, 30);
  EXPECT_LT(written, 90) << "about 2 KB each";
  // With room on the disk again the largest tails are compacted, and writers go on.
  files_.SetFault(nullptr);
  int status = 429;
  for (int i = 0; i < 3'000 && status == 429; ++i) {
    status = Ask(Upsert(collections.back(), 100)).status;
    env_.clock->SleepNs(10 * runtime::kMillisecond);
  }
  EXPECT_EQ(status, 200);
}

}  // namespace
}  // namespace chroma::service
