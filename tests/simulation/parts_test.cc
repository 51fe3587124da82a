// Parts of the engine alone in simulated time: what needs a moment between two instructions, or
// minutes of waiting, to be seen.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "catalog/sqlite_catalog.h"
#include "compactor/scheduler.h"
#include "log/file_log.h"
#include "log/record_codec.h"
#include "runtime/log.h"
#include "runtime/thread_pool.h"
#include "store/dir_store.h"
#include "testing/fault_file_system.h"
#include "testing/simulation/fiber_scheduler.h"

namespace chroma::simulation {
namespace {

using testing::FaultFileSystem;

struct Machine {
  explicit Machine(uint64_t seed)
      : scheduler(seed, {.preempt_percent = 60}, trace), random(seed), files(seed) {
    runtime::ConfigureLog(runtime::LogLevel::kOff, {});
    env = {&scheduler, &random, &scheduler, &files};
  }

  testing::Trace trace;
  testing::FiberScheduler scheduler;
  testing::SeededRandom random;
  FaultFileSystem files;
  runtime::Env env;
};

// A trim may drop a file as soon as it has a successor, while the writer that began that is still
// about to cut the file to its size. The address sanitizer tells.
TEST(SimulatedPartsTest, AFileIsDroppedWhileItsSuccessorIsBegun) {
  uint64_t dropped = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Machine machine(seed);
    const Status stuck = machine.scheduler.Run([&] {
      auto log = *log::FileLog::Open(machine.env, "/db", {.file_bytes_max = 1});
      runtime::Context ctx(machine.scheduler);
      const Uuid id = Uuid::FromRandom(1, 1);
      bool done = false;
      const auto trimmer = machine.scheduler.Start("trimmer", [&] {
        while (!done) {
          EXPECT_TRUE(log->Trim(ctx, id, UINT64_MAX).ok());
          machine.scheduler.YieldAlways();
        }
      });
      for (int i = 0; i < 40; ++i) {
        EXPECT_TRUE(log->Append(ctx, id, "payload", 1).ok());
        if (machine.random.Chance(1, 2)) machine.scheduler.YieldAlways();
      }
      done = true;
      trimmer->Join();
      dropped += 40 - (*machine.files.List("/db/log")).size();
    });
    ASSERT_TRUE(stuck.ok()) << "seed " << seed << ": " << stuck.ToString();
  }
  EXPECT_GT(dropped, 1'000U);
}

// Writes that wait for a compaction give up after 30 s, so it must not wait longer than that
// before it tries again, however often it failed.
TEST(SimulatedPartsTest, ACompactionThatFailedIsTriedAgainSoon) {
  constexpr int64_t kRetryNsMax = 16 * runtime::kSecond;
  Machine machine(1);
  std::vector<int64_t> tries_ns;
  bool full = true;
  machine.files.SetFault([&](FaultFileSystem::Call call, const std::string& path) {
    if (!full || path.find("/blobs/") == std::string::npos) return Status();
    if (call == FaultFileSystem::Call::kOpen) tries_ns.push_back(machine.scheduler.MonotonicNs());
    return Status::ResourceExhausted("made to fail");
  });
  const Status stuck = machine.scheduler.Run([&] {
    const runtime::Env& env = machine.env;
    ASSERT_TRUE(machine.files.CreateDirectory("/db").ok());
    auto catalog = *catalog::OpenSqliteCatalog(env, "/db/catalog");
    auto log = *log::FileLog::Open(env, "/db", {.free_bytes_min = 0});
    auto store = *store::OpenDirStore(env, "/db/blobs");
    runtime::ThreadPool pool(*env.scheduler, "search", 0, 1);
    executor::LocalNode node(env, *log, *store, pool);
    runtime::Context ctx(*env.clock);
    model::Collection collection;
    collection.id = Uuid::FromRandom(1, 2);
    collection.name = "things";
    collection.tenant = model::kDefaultTenant;
    collection.database = model::kDefaultDatabase;
    ASSERT_TRUE(catalog->CreateCollection(ctx, collection, false).ok());
    model::RecordBatch batch;
    batch.ids = {"id"};
    batch.vectors.dimension = 1;
    batch.vectors.values = {1};
    ASSERT_TRUE(log->Append(ctx, collection.id, log::EncodeBatch(batch), 1).ok());
    compactor::Scheduler compactor(
        {env, catalog.get(), log.get(), store.get(), &node, [](const Uuid&) {}}, {});
    ASSERT_TRUE(compactor.Start({collection.id}).ok());
    env.clock->SleepNs(600 * runtime::kSecond);
    full = false;
    env.clock->SleepNs(kRetryNsMax + runtime::kSecond);
    EXPECT_EQ(log->BacklogBytes(collection.id), 0U);
  });
  ASSERT_TRUE(stuck.ok()) << stuck.ToString();
  ASSERT_GT(tries_ns.size(), 20U);
  int64_t longest_ns = 0;
  for (size_t i = 1; i < tries_ns.size(); ++i) {
    longest_ns = std::max(longest_ns, tries_ns[i] - tries_ns[i - 1]);
  }
  EXPECT_LE(longest_ns, kRetryNsMax + runtime::kSecond);
  EXPECT_GE(longest_ns, kRetryNsMax) << "a failure that stays is not tried all the time";
}

}  // namespace
}  // namespace chroma::simulation
