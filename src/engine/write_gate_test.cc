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
        WriteGates::Hold hold(gates, Id(i % 2), alone);
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
  WriteGates::Hold one(gates, Id(1), /*exclusive=*/true);
  WriteGates::Hold two(gates, Id(2), /*exclusive=*/true);  // would hang otherwise
}

TEST(WriteGates, SharedHoldersGoSideBySide) {
  WriteGates gates;
  WriteGates::Hold one(gates, Id(1), /*exclusive=*/false);
  WriteGates::Hold two(gates, Id(1), /*exclusive=*/false);
}

}  // namespace
}  // namespace chroma::engine
