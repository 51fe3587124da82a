#include "engine/backlog_gate.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "log/file_log.h"
#include "runtime/scheduler.h"

namespace chroma::engine {
namespace {

using runtime::kMillisecond;

class BacklogGateTest : public ::testing::Test {
 protected:
  BacklogGateTest() {
    env_.files = files_.get();
    EXPECT_TRUE(files_->CreateDirectory("/db").ok());
    log_ = *log::FileLog::Open(env_, "/db");
    limits_.bytes_max = 100;
    limits_.all_bytes_max = 200;
    limits_.wait_ns = 50 * kMillisecond;
    Reset();
  }
  void Reset() {
    gate_ = std::make_unique<BacklogGate>(env_, *log_, limits_, [this](const Uuid&) { ++asked_; });
  }
  static Uuid Id(uint64_t n) { return Uuid::FromRandom(n, n); }
  void Append(uint64_t collection, size_t bytes) {
    ASSERT_TRUE(log_->Append(ctx_, Id(collection), Bytes(bytes, 'x'), 1).ok());
  }
  void Trim(uint64_t collection) {
    ASSERT_TRUE(log_->Trim(ctx_, Id(collection), UINT64_MAX).ok());
    gate_->OnTrimmed();
  }
  StatusCode Pass(uint64_t collection) { return gate_->Pass(ctx_, Id(collection)).code(); }

  std::unique_ptr<runtime::FileSystem> files_ = runtime::FileSystem::InMemory();
  runtime::Env env_;
  runtime::Context ctx_;
  std::unique_ptr<log::Log> log_;
  BacklogLimits limits_;
  std::unique_ptr<BacklogGate> gate_;
  std::atomic<int> asked_ = 0;
};

TEST_F(BacklogGateTest, WritersOfALongLogAreRefusedInTheEnd) {
  Append(1, 100);
  EXPECT_EQ(Pass(1), StatusCode::kOk);
  Append(1, 1);
  EXPECT_EQ(Pass(1), StatusCode::kUnavailable);
  EXPECT_GT(asked_, 0);
  EXPECT_EQ(Pass(2), StatusCode::kOk);
  Trim(1);
  EXPECT_EQ(Pass(1), StatusCode::kOk);
}

TEST_F(BacklogGateTest, ATrimWakesThoseThatWait) {
  limits_.wait_ns = 60 * runtime::kSecond;
  Reset();
  Append(1, 101);
  std::atomic<int> passed = 0;
  std::vector<std::unique_ptr<runtime::Task>> tasks;
  for (int i = 0; i < 4; ++i) {
    tasks.push_back(env_.scheduler->Start("writer", [&] {
      runtime::Context ctx;
      EXPECT_TRUE(gate_->Pass(ctx, Id(1)).ok());
      ++passed;
    }));
  }
  env_.clock->SleepNs(20 * kMillisecond);
  EXPECT_EQ(passed, 0);
  Trim(1);
  for (const auto& task : tasks) task->Join();
  EXPECT_EQ(passed, 4);
}

TEST_F(BacklogGateTest, WhoeverGaveUpStopsWaiting) {
  limits_.wait_ns = 60 * runtime::kSecond;
  Reset();
  Append(1, 101);
  runtime::Context late(*env_.clock, env_.clock->MonotonicNs() + 20 * kMillisecond);
  EXPECT_EQ(gate_->Pass(late, Id(1)).code(), StatusCode::kDeadlineExceeded);
}

TEST_F(BacklogGateTest, OfRequestsThatShareThreadsOnlySomeWait) {
  limits_.wait_ns = 60 * runtime::kSecond;
  Reset();
  Append(1, 101);
  runtime::Slots slots(1);
  runtime::Context first(*env_.clock, runtime::Context::kNoDeadline, nullptr, &slots);
  const auto task = env_.scheduler->Start(
      "writer", [&] { EXPECT_EQ(gate_->Pass(first, Id(1)).code(), StatusCode::kCancelled); });
  while (asked_ == 0) env_.clock->SleepNs(kMillisecond);
  runtime::Context second(*env_.clock, runtime::Context::kNoDeadline, nullptr, &slots);
  EXPECT_EQ(gate_->Pass(second, Id(1)).code(), StatusCode::kUnavailable);
  EXPECT_TRUE(gate_->Pass(second, Id(2)).ok()) << "who need not wait needs no place";
  first.Cancel();
  task->Join();
}

// None has more than it may, but all together have: whoever has much waits, until it is too much
// for everybody.
TEST_F(BacklogGateTest, AllTogetherAreBounded) {
  for (uint64_t id = 1; id <= 4; ++id) Append(id, id == 1 ? 40 : 55);
  EXPECT_EQ(Pass(1), StatusCode::kOk) << "205 of 200 bytes, but no more than a quarter";
  EXPECT_EQ(asked_, 0);
  EXPECT_EQ(Pass(2), StatusCode::kUnavailable);
  EXPECT_EQ(Pass(5), StatusCode::kOk);
  for (uint64_t id = 5; id <= 8; ++id) Append(id, 50);
  EXPECT_EQ(Pass(9), StatusCode::kUnavailable) << "405 of 400 bytes";
  Trim(2);
  EXPECT_EQ(Pass(9), StatusCode::kOk);
  for (uint64_t id = 3; id <= 5; ++id) Trim(id);
  EXPECT_EQ(Pass(8), StatusCode::kOk);
}

// Writers as fast as they come never get past the bound by more than what they write at once.
TEST_F(BacklogGateTest, WritersSideBySideStayWithinTheBound) {
  limits_.bytes_max = 10'000;
  limits_.all_bytes_max = 20'000;
  limits_.wait_ns = kMillisecond;
  Reset();
  constexpr uint64_t kWriters = 8;
  std::vector<std::unique_ptr<runtime::Task>> tasks;
  for (uint64_t writer = 0; writer < kWriters; ++writer) {
    tasks.push_back(env_.scheduler->Start("writer", [this, writer] {
      runtime::Context ctx;
      for (uint64_t i = 0; i < 100; ++i) {
        const Uuid id = Id(writer * 100 + i);  // a collection each: none is ever long
        if (!gate_->Pass(ctx, id).ok()) return;
        EXPECT_TRUE(log_->Append(ctx, id, Bytes(1'000, 'x'), 1).ok());
      }
    }));
  }
  tasks.clear();
  EXPECT_GT(log_->SumBacklogs().payload_bytes, 40'000U);
  EXPECT_LE(log_->SumBacklogs().payload_bytes, 40'000U + kWriters * 1'000);
}

}  // namespace
}  // namespace chroma::engine
