// What one seed decides about a whole run: how the engine is tuned, what the clients do, and how
// the disk behaves. Runs differ much from each other on purpose: a bug that needs many of one
// thing and few of another shows where the dice fell that way.
#pragma once

#include <array>
#include <cstdint>

#include "service/wiring.h"
#include "testing/simulation/fiber_scheduler.h"
#include "testing/simulation/simulated_disk.h"

namespace chroma::simulation {

enum class Action : uint8_t {
  kAdd,
  kUpdate,
  kUpsert,
  kDeleteIds,
  kDeleteWhere,
  kGetAll,
  kGetSome,
  kQuery,
  kCount,
  kCreate,
  kGetCollection,
  kList,
  kCountCollections,
  kModify,
  kDeleteCollection,
  kCreateDatabase,
  kDeleteDatabase,
  kCompact,
  kCloseIdle,
  kListDatabases,
  kTenant,
  kReset,
  kActions,
};
inline constexpr size_t kActionCount = static_cast<size_t>(Action::kActions);

struct Plan {
  uint64_t seed = 0;
  uint64_t lives = 0;
  uint64_t clients = 0;
  int steps_bits = 0;  // a client takes up to 2^this steps in a life
  int think_bits = 0;  // and thinks up to 2^this microseconds between two
  int crash_bits = 0;  // power fails within 2^this calls
  uint64_t batch_max = 0;
  uint32_t clean_percent = 0;  // of lives that end in order
  uint32_t quiet_percent = 0;  // of those: with a look at what is left on the disk
  uint32_t open_crash_percent = 0;
  std::array<uint32_t, kActionCount> weights{};
  testing::FiberOptions fibers;
  testing::DiskFaults faults;
  uint32_t full_percent = 0;  // of lives whose disk is nearly full
  // The disk flips bits, too: beside right answers there are errors that say what is damaged.
  bool flips = false;
  uint32_t flips_at_open_max = 0;  // in what a life finds on the disk
  service::LocalOptions options;

  Action Choose(testing::SeededRandom& random) const;
};

Plan MakePlan(uint64_t seed);

}  // namespace chroma::simulation
