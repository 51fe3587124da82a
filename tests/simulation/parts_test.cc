// Parts of the engine alone in simulated time: what needs a moment between two instructions, or
// minutes of waiting, to be seen.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
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

// What a scheduler of compactions works on.
struct Directory {
  explicit Directory(Machine& machine) : env(machine.env), ctx(*env.clock) {
    EXPECT_TRUE(machine.files.CreateDirectory("/db").ok());
    catalog = *catalog::OpenSqliteCatalog(env, "/db/catalog");
    log = *log::FileLog::Open(env, "/db", {.free_bytes_min = 0});
    store = *store::OpenDirStore(env, "/db/blobs");
    pool = std::make_unique<runtime::ThreadPool>(*env.scheduler, "search", 0, 1);
    node = std::make_unique<executor::LocalNode>(env, *log, *store, *pool);
  }
  compactor::Seams Seams(std::function<void(const Uuid&)> on_published) const {
    return {env, catalog.get(), log.get(), store.get(), node.get(), std::move(on_published)};
  }
  void Create(const Uuid& id) {
    model::Collection collection;
    collection.id = id;
    collection.name = id.ToString();
    collection.tenant = model::kDefaultTenant;
    collection.database = model::kDefaultDatabase;
    EXPECT_TRUE(catalog->CreateCollection(ctx, collection, false).ok());
  }
  // One record.
  void Append(const Uuid& id) {
    model::RecordBatch batch;
    batch.ids = {"id" + std::to_string(records++)};
    batch.vectors.dimension = 1;
    batch.vectors.values = {1};
    EXPECT_TRUE(log->Append(ctx, id, log::EncodeBatch(batch), 1).ok());
  }

  const runtime::Env env;
  runtime::Context ctx;
  std::unique_ptr<catalog::Catalog> catalog;
  std::unique_ptr<log::Log> log;
  std::unique_ptr<store::BlobStore> store;
  std::unique_ptr<runtime::ThreadPool> pool;
  std::unique_ptr<executor::LocalNode> node;
  int records = 0;
};

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
    const Uuid id = Uuid::FromRandom(1, 2);
    Directory directory(machine);
    directory.Create(id);
    directory.Append(id);
    compactor::Scheduler compactor(directory.Seams([](const Uuid&) {}), {});
    ASSERT_TRUE(compactor.Start({id}).ok());
    machine.scheduler.SleepNs(600 * runtime::kSecond);
    full = false;
    machine.scheduler.SleepNs(kRetryNsMax + runtime::kSecond);
    EXPECT_EQ(directory.log->BacklogBytes(id), 0U);
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

// One collection is written to as fast as it is compacted, and always has the longest tail.
TEST(SimulatedPartsTest, ABusyCollectionKeepsNoOtherWaitingForLong) {
  Machine machine(1);
  constexpr uint64_t kTail = 2;
  compactor::Policy policy;
  policy.tasks = 1;
  policy.tail_records_max = kTail;
  policy.fan_in = 100;
  std::map<Uuid, int64_t> drained_ns;
  const Uuid busy = Uuid::FromRandom(1, 1);
  const Uuid large = Uuid::FromRandom(1, 2);
  const Uuid small = Uuid::FromRandom(1, 3);
  const Status stuck = machine.scheduler.Run([&] {
    Directory directory(machine);
    const auto write = [&](const Uuid& id, uint64_t n) {
      for (uint64_t i = 0; i < n; ++i) directory.Append(id);
    };
    std::unique_ptr<compactor::Scheduler> compactor;
    const auto on_published = [&](const Uuid& id) {
      machine.scheduler.SleepNs(200 * runtime::kMillisecond);
      if (id == busy) {
        write(busy, 5 * kTail);
        compactor->NotifyWrite(busy);
      }
      drained_ns.emplace(id, machine.scheduler.MonotonicNs());
    };
    compactor = std::make_unique<compactor::Scheduler>(directory.Seams(on_published), policy);
    for (const Uuid& id : {busy, large, small}) directory.Create(id);
    write(busy, 5 * kTail);
    write(large, kTail);
    write(small, 1);
    ASSERT_TRUE(compactor->Start({busy, large, small}).ok());
    machine.scheduler.SleepNs(200 * runtime::kSecond);
  });
  ASSERT_TRUE(stuck.ok()) << stuck.ToString();
  ASSERT_EQ(drained_ns.size(), 3U);
  EXPECT_LE(drained_ns[busy], runtime::kSecond);
  EXPECT_LE(drained_ns[large], 10 * runtime::kSecond);
  EXPECT_LE(drained_ns[small], 180 * runtime::kSecond);
}

}  // namespace
}  // namespace chroma::simulation
