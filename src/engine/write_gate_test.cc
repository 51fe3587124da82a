#include "engine/write_gate.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <vector>

#include "runtime/scheduler.h"

namespace chroma::engine {
namespace {

Uuid Id(uint64_t n) {
  return Uuid::FromRandom(n, n);
}

// Holders of one gate, shared and exclusive, hammer it; the counters are only consistent when
// exclusive holders are alone.
TEST(WriteGates, ExclusiveHoldersAreAlone) {
  WriteGates gates;
  std::atomic<int> shared{0}, exclusive{0}, wrong{0};
  std::vector<std::unique_ptr<runtime::Task>> tasks;
  for (int t = 0; t < 6; ++t) {
    tasks.push_back(runtime::Scheduler::System().Start("gate", [&, t] {
      for (int i = 0; i < 400; ++i) {
        const bool alone = (i + t) % 5 == 0;
        WriteGates::Hold hold(gates, Id(i % 2), alone, nullptr);
        if (i % 2 != 0) continue;
        if (alone) {
          if (exclusive.fetch_add(1) != 0 || shared.load() != 0) wrong.fetch_add(1);
          exclusive.fetch_sub(1);
        } else {
          shared.fetch_add(1);
          if (exclusive.load() != 0) wrong.fetch_add(1);
          shared.fetch_sub(1);
        }
      }
    }));
  }
  for (auto& task : tasks) task->Join();
  EXPECT_EQ(wrong.load(), 0);
}

TEST(WriteGates, CollectionsDoNotWaitForEachOther) {
  WriteGates gates;
  WriteGates::Hold one(gates, Id(1), /*exclusive=*/true, nullptr);
  WriteGates::Hold two(gates, Id(2), /*exclusive=*/true, nullptr);  // would hang otherwise
}

TEST(WriteGates, SharedHoldersGoSideBySide) {
  WriteGates gates;
  WriteGates::Hold one(gates, Id(1), /*exclusive=*/false, nullptr);
  WriteGates::Hold two(gates, Id(1), /*exclusive=*/false, nullptr);
}

TEST(WriteGates, WaitingIsGivenUpAndLeavesNothing) {
  WriteGates gates;
  for (const bool exclusive : {false, true}) {
    auto one = std::make_unique<WriteGates::Hold>(gates, Id(1), !exclusive, nullptr);
    runtime::Context ctx;
    auto waiting = runtime::Scheduler::System().Start("gate", [&] {
      const WriteGates::Hold two(gates, Id(1), exclusive, &ctx);
      EXPECT_EQ(two.status().code(), StatusCode::kCancelled);
    });
    ctx.Cancel();
    waiting->Join();
    one.reset();
    // Nobody is in the way any more, nor goes first.
    const WriteGates::Hold three(gates, Id(1), /*exclusive=*/true, nullptr);
    EXPECT_TRUE(three.status().ok());
  }
}

// Whoever waits behind an exclusive holder that gives up goes on.
TEST(WriteGates, ThoseBehindOneWhoGivesUpGoOn) {
  WriteGates gates;
  const WriteGates::Hold one(gates, Id(1), /*exclusive=*/false, nullptr);
  runtime::Context ctx;
  auto first = runtime::Scheduler::System().Start(
      "gate", [&] { const WriteGates::Hold two(gates, Id(1), /*exclusive=*/true, &ctx); });
  auto behind = runtime::Scheduler::System().Start("gate", [&] {
    const WriteGates::Hold three(gates, Id(1), /*exclusive=*/false, nullptr);
    EXPECT_TRUE(three.status().ok());
  });
  ctx.Cancel();
  first->Join();
  behind->Join();
}

}  // namespace
}  // namespace chroma::engine
