// The simulation as part of every test run: the engine stands a few thousand crashes, a seed is
// one run and always the same, and bugs that are there on purpose are found.
#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <ostream>
#include <regex>
#include <string>

#include "plan.h"
#include "runtime/log.h"
#include "runtime/test_points.h"
#include "testing/simulation/sanitizer.h"
#include "world.h"

namespace chroma::simulation {
namespace {

class Simulation : public ::testing::Test {
 protected:
  void SetUp() override { runtime::ConfigureLog(runtime::LogLevel::kOff, {}); }
  void TearDown() override { runtime::PlantBug(""); }
};

std::string Replay(const Report& report) {
  return "replay: tools/simulate --seed " + std::to_string(report.seed);
}

TEST_F(Simulation, StandsCrashesAndFaults) {
  const uint64_t crashes_min = testing::kSanitized ? 200 : 2'000;
  uint64_t crashes = 0;
  uint64_t answered = 0;
  uint64_t faults = 0;
  for (uint64_t seed = 1'000'000; crashes < crashes_min; ++seed) {
    const Report report = Simulate(seed);
    ASSERT_EQ(report.failure, "") << Replay(report);
    EXPECT_EQ(report.abandoned, 0U) << Replay(report);
    crashes += report.crashes;
    answered += report.counts.answered;
    faults += report.faults;
  }
  EXPECT_GT(answered, crashes);
  EXPECT_GT(faults, 0U);
}

// Only the runs whose disk flips bits.
TEST_F(Simulation, StandsFlippedBits) {
  const uint64_t runs_min = testing::kSanitized ? 5 : 60;
  uint64_t runs = 0;
  uint64_t flips = 0;
  uint64_t damages = 0;
  for (uint64_t seed = 2'000'000; runs < runs_min; ++seed) {
    if (!MakePlan(seed).flips) continue;
    const Report report = Simulate(seed);
    ASSERT_EQ(report.failure, "") << Replay(report);
    ++runs;
    flips += report.flips;
    damages += report.damages;
  }
  EXPECT_GT(flips, runs);
  EXPECT_GT(damages, 0U);
}

TEST_F(Simulation, OneSeedIsOneRun) {
  uint64_t with_flips = 1;
  while (!MakePlan(with_flips).flips) ++with_flips;
  for (const uint64_t seed : {uint64_t{1}, uint64_t{2}, uint64_t{3}, uint64_t{4}, with_flips}) {
    const Report once = Simulate(seed);
    static_cast<void>(Simulate(seed + 100));
    const Report again = Simulate(seed);
    EXPECT_EQ(once.trace, again.trace) << seed;
    EXPECT_EQ(once.virtual_ns, again.virtual_ns) << seed;
    EXPECT_EQ(once.disk_calls, again.disk_calls) << seed;
  }
}

// Another process has other addresses and another past.
TEST_F(Simulation, OneSeedIsOneRunInEveryProcess) {
  const std::string command = std::string(CHROMA_SIMULATE_PROGRAM) + " --seed 3 --runs 1";
  const std::unique_ptr<FILE, int (*)(FILE*)> program(popen(command.c_str(), "r"), pclose);
  ASSERT_NE(program, nullptr);
  std::string output;
  char buffer[4096];
  while (const size_t n = fread(buffer, 1, sizeof(buffer), program.get())) output.append(buffer, n);
  char trace[32];
  std::snprintf(trace, sizeof(trace), "trace %016llx",
                static_cast<unsigned long long>(Simulate(3).trace));
  EXPECT_NE(output.find(trace), std::string::npos) << trace << " is not in:\n" << output;
}

struct PlantedBug {
  const char* name;
  const char* says;  // what the failure is about: a regular expression
  uint64_t seed;     // from here on it is found soon; the table of docs/reliability.md begins at 1
};

void PrintTo(const PlantedBug& bug, std::ostream* out) {
  *out << bug.name;
}

class PlantedBugs : public ::testing::TestWithParam<PlantedBug> {};

TEST_P(PlantedBugs, IsFound) {
  constexpr uint64_t kRunsMax = 400;
  // What a bug leaves behind when it is found, e.g. fibers that wait for ever, is a leak.
  if (testing::kSanitized) GTEST_SKIP();
  runtime::ConfigureLog(runtime::LogLevel::kOff, {});
  const PlantedBug bug = GetParam();
  std::string failure;
  runtime::PlantBug(bug.name);
  for (uint64_t i = 0; i < kRunsMax && failure.empty(); ++i) {
    failure = Simulate(bug.seed + i).failure;
  }
  runtime::PlantBug("");
  ASSERT_NE(failure, "") << bug.name << " was not found from seed " << bug.seed << " on in "
                         << kRunsMax << " runs";
  EXPECT_TRUE(std::regex_search(failure, std::regex(bug.says)))
      << bug.name << " was found as something else: " << failure;
}

// A change of records that was acknowledged and is not there, or is there twice, or wrongly.
constexpr const char* kWrongRecords = "^no order of calls explains: c[0-9]+ ";
constexpr const char* kLostFrames =
    "^no order of calls explains: |log file .* (ends|is damaged|has an entry out of order)|the log "
    "in .* ends at";
constexpr const char* kLostFile = "log file .* is missing";
// What was skipped is missing, or counts as read where the log ends before it.
constexpr const char* kSkipped = "^no order of calls explains: c[0-9]+ |has read it up to";
constexpr const char* kTrimmed =
    "^no order of calls explains: c[0-9]+ |needs is missing; .* was trimmed up to";
// It names what is nothing, or nothing is explained by what it says.
constexpr const char* kWrongPage = "^no order of calls|catalog|blob name .* is not one";

// But log.accept_torn_frame, which takes some thousand runs.
INSTANTIATE_TEST_SUITE_P(
    All, PlantedBugs,
    ::testing::Values(PlantedBug{"log.ack_before_sync", kLostFrames, 1},
                      PlantedBug{"log.skip_one_sync", kLostFrames, 1},
                      PlantedBug{"log.sync_again", kLostFrames, 1},
                      PlantedBug{"log.skip_directory_sync", kLostFile, 1},
                      PlantedBug{"log.drop_before_state", kLostFile, 1},
                      PlantedBug{"log.ignore_last_frame", kLostFrames, 1},
                      PlantedBug{"log.forget_next_leader", "^DEADLINE_EXCEEDED: stuck for ever", 1},
                      PlantedBug{"catalog.skip_sync", "^no order of calls explains: |catalog", 1},
                      PlantedBug{"catalog.believe_pages", kWrongPage, 20500},
                      PlantedBug{"store.skip_sync", "(manifest|segment) .* is damaged", 1},
                      PlantedBug{"store.skip_directory_sync", "DATA_LOSS: .*blob", 1},
                      PlantedBug{"compactor.trim_before_publish", kTrimmed, 1},
                      PlantedBug{"compactor.drop_tombstones", kWrongRecords, 1},
                      PlantedBug{"sweeper.sweep_live", "DATA_LOSS: .*needs is missing", 1},
                      PlantedBug{"segment.miss_first_part", kWrongRecords, 1},
                      PlantedBug{"segment.skip_tail_record", kSkipped, 1},
                      PlantedBug{"engine.delete_without_gate", kWrongRecords, 1},
                      PlantedBug{"engine.repeat_blindly", kWrongRecords, 1},
                      PlantedBug{"engine.keep_stale_row", "^no order of calls explains: find ", 1}),
    [](const auto& bug) {
      std::string name = bug.param.name;
      for (char& c : name) c = c == '.' ? '_' : c;
      return name;
    });

}  // namespace
}  // namespace chroma::simulation
