#include "plan.h"

namespace chroma::simulation {
namespace {

using runtime::kMillisecond;
using testing::SeededRandom;

void PlanEngine(SeededRandom& random, service::LocalOptions& options) {
  options.path = "/db";
  options.search_threads = static_cast<int>(random.Between(1, 2));
  options.engine.schema_num_threads = 4;
  options.memory_bytes_max = 0;  // what is resident is the simulator's
  options.engine.backlog.bytes_max = random.Chance(1, 4) ? 2'000 : 1 << 20;
  compactor::Policy& policy = options.compaction;
  policy.tail_records_max = random.Between(1, 40);
  policy.tail_bytes_max = 200 << random.Below(8);
  policy.idle_ns = static_cast<int64_t>(random.Between(1, 50)) * kMillisecond;
  policy.tail_age_ns = static_cast<int64_t>(random.Between(1, 500)) * kMillisecond;
  policy.settle_ns = policy.idle_ns + static_cast<int64_t>(random.Below(500)) * kMillisecond;
  policy.fan_in = random.Between(2, 4);
  policy.smallest_tier_bytes = 1'000 << random.Below(6);
  policy.dead_share_max = random.Chance(1, 2) ? 0.9 : 0.1;
  if (random.Chance(1, 2)) policy.index.rows_min = static_cast<uint32_t>(random.Between(2, 8));
  policy.index.busy_rows_min = static_cast<uint32_t>(random.Between(4, 20));
  options.log.file_bytes_max = 512 << random.Below(8);
  options.log.cached_bytes_max = random.Chance(1, 2) ? 0 : 1 << 20;
  options.log.free_bytes_min = 4'096;
  options.catalog.checkpoint_pages = static_cast<int>(4 << random.Below(7));
}

void PlanFaults(SeededRandom& random, Plan& plan) {
  plan.faults.slow = random.Chance(1, 2) ? 2'000 : 50;
  if (random.Chance(1, 2)) return;
  const auto chance = [&random] {
    return random.Chance(1, 2) ? 0 : static_cast<uint32_t>(200 << random.Below(8));
  };
  plan.faults.read_error = chance();
  plan.faults.write_error = chance();
  plan.faults.sync_error = chance();
  plan.faults.no_space = chance();
  plan.full_percent = random.Chance(1, 3) ? 30 : 0;
}

// With numbers of its own, so that a seed without flips is the run that it was before there were
// any.
void PlanFlips(uint64_t seed, Plan& plan) {
  constexpr uint64_t kOneOf = 10;
  SeededRandom random(seed ^ 0x666c6970);
  plan.flips = random.Chance(1, kOneOf);
  if (!plan.flips) return;
  plan.flips_at_open_max = static_cast<uint32_t>(random.Below(4));
  plan.faults.flipped_read =
      random.Chance(1, 3) ? 0 : static_cast<uint32_t>(2'000 << random.Below(6));
  plan.faults.flipped_file = random.Chance(1, 3) ? 0 : static_cast<uint32_t>(50 << random.Below(8));
}

// So too the sizes of segments.
void PlanSegments(uint64_t seed, compactor::Policy& policy) {
  constexpr uint64_t kOneOf = 3;
  SeededRandom random(seed ^ 0x7365676d);
  if (!random.Chance(1, kOneOf)) return;
  policy.segment_rows_max = random.Between(1, 40);
  if (random.Chance(1, 2)) policy.segment_bytes_max = 4'000 << random.Below(6);
}

// With numbers of its own, too.
void PlanBackground(uint64_t seed, Plan& plan) {
  SeededRandom random(seed ^ 0x7461736b);
  compactor::Policy& policy = plan.options.compaction;
  policy.tasks = static_cast<int>(random.Between(1, 3));
  policy.quick_merge_bytes_max = 2'000 << random.Below(10);
  if (random.Chance(1, 4)) plan.options.engine.backlog.all_bytes_max = 1'000 << random.Below(6);
}

}  // namespace

Action Plan::Choose(SeededRandom& random) const {
  uint32_t total = 0;
  for (const uint32_t weight : weights) total += weight;
  uint64_t pick = random.Below(total);
  for (size_t i = 0;; ++i) {
    if (pick < weights[i]) return static_cast<Action>(i);
    pick -= weights[i];
  }
}

Plan MakePlan(uint64_t seed) {
  SeededRandom random(seed);
  random.Next();
  Plan plan;
  plan.seed = seed;
  plan.lives = random.Between(5, 40);
  plan.clients = random.Between(1, 4);
  plan.steps_bits = static_cast<int>(random.Between(2, 6));
  plan.think_bits = static_cast<int>(random.Between(0, 18));
  plan.crash_bits = static_cast<int>(random.Between(5, 10));
  plan.batch_max = random.Between(1, 6);
  plan.clean_percent = static_cast<uint32_t>(random.Below(30));
  plan.quiet_percent = 30;
  plan.open_crash_percent = static_cast<uint32_t>(random.Below(30));
  constexpr std::array<uint32_t, kActionCount> kUsual = {8, 8, 12, 5, 4, 6, 6, 4, 3, 3, 1,
                                                         1, 1, 3,  1, 1, 1, 1, 1, 1, 1, 0};
  for (size_t i = 0; i < kActionCount; ++i) {
    plan.weights[i] = kUsual[i] * static_cast<uint32_t>(random.Skewed(4));
  }
  plan.weights[static_cast<size_t>(Action::kUpsert)] += 4;
  plan.weights[static_cast<size_t>(Action::kCreate)] += 1;
  plan.weights[static_cast<size_t>(Action::kReset)] = random.Chance(1, 4) ? 1 : 0;
  plan.fibers.parallelism = static_cast<int>(random.Between(1, 3));
  plan.fibers.preempt_percent = static_cast<uint32_t>(2 << random.Below(6));
  PlanEngine(random, plan.options);
  PlanFaults(random, plan);
  PlanFlips(seed, plan);
  PlanSegments(seed, plan.options.compaction);
  PlanBackground(seed, plan);
  return plan;
}

}  // namespace chroma::simulation
