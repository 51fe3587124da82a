// One simulated machine: life after life of the engine on one disk, each ended by a power failure
// or in order, with clients at work in between and everything read and checked in the beginning.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "client.h"
#include "ledger.h"
#include "plan.h"
#include "testing/simulation/fiber_scheduler.h"
#include "testing/simulation/simulated_disk.h"

namespace chroma::simulation {

struct Report {
  uint64_t seed = 0;
  uint64_t lives = 0;
  uint64_t crashes = 0;
  Counts counts;
  uint64_t abandoned = 0;  // histories that became too many to follow
  uint64_t faults = 0;
  uint64_t flips = 0;    // of bits
  uint64_t damages = 0;  // reported
  uint64_t disk_calls = 0;
  uint64_t switches = 0;
  int64_t virtual_ns = 0;
  uint64_t trace = 0;  // equal for equal runs
  bool stuck = false;
  std::string failure;  // empty: all was right
};

class World {
 public:
  explicit World(const Plan& plan);
  Report Run();

 private:
  void Live();
  // What no program could notice is left out: the end of the log that was written last, and the
  // catalog's own log, may be torn by any crash.
  bool MayFlip(const std::string& path) const;
  void FlipBeforeOpen();
  bool Open(bool with_faults);
  bool ReadEverything();
  void RunClients();
  // Without faults and clients: everything works, and space comes back.
  void BeQuiet();
  void CheckSpace();
  void EndLife(bool in_order);
  std::unique_ptr<Client> NewClient();
  uint64_t CountFiles(const std::string& directory, const std::string& ending);

  const Plan plan_;
  testing::SeededRandom random_;
  testing::Trace trace_;
  testing::FiberScheduler scheduler_;
  testing::SimulatedDisk disk_;
  testing::SeededRandom engine_random_;
  runtime::Env env_;
  Ledger ledger_;
  std::unique_ptr<service::LocalService> service_;
  uint64_t faults_at_open_ = 0;
  uint64_t flips_at_open_ = 0;
  bool opening_ = false;
  std::string first_of_last_log_;  // files of the log from here on may end anywhere
  Report report_;
};

// Makes the plan of the seed and runs it.
Report Simulate(uint64_t seed);

}  // namespace chroma::simulation
