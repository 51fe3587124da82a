#include "world.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "catalog/sqlite_catalog.h"
#include "log/log_file_format.h"
#include "log/state_file.h"
#include "runtime/file_system.h"
#include "runtime/log.h"

namespace chroma::simulation {
namespace {

constexpr const char* kBlobs = "/db/blobs";
constexpr const char* kLog = "/db/log";
constexpr const char* kLogState = "/db/log/state";
constexpr int64_t kLifeNsMax = 3'600 * runtime::kSecond;
constexpr uint64_t kOpenCalls = 120;  // about what opening takes

bool IsLogFile(const std::string& path) {
  return path.starts_with(kLog) && path.ends_with(".log");
}

// The path of the newest file of the log; where that is not certain, of the first that may be it.
std::string NewestLogFile(runtime::FileSystem& files) {
  const auto slots = log::ReadStateSlots(files, kLogState);
  if (!slots.ok()) return "";
  uint64_t newest = UINT64_MAX;
  for (const log::StateSlot& slot : *slots) {
    if (slot.kind == log::StateSlot::Kind::kDamaged) return "";
    if (slot.kind == log::StateSlot::Kind::kWhole) newest = std::min(newest, slot.state.newest);
  }
  return newest == UINT64_MAX ? "" : runtime::JoinPath(kLog, log::LogFileName(newest));
}

}  // namespace

World::World(const Plan& plan)
    : plan_(plan),
      random_(plan.seed ^ 0x776f726c64),
      scheduler_(plan.seed ^ 0x6669626572, plan.fibers, trace_),
      disk_(scheduler_, plan.seed ^ 0x6469736b, trace_),
      engine_random_(plan.seed ^ 0x656e67696e65),
      env_{&scheduler_, &engine_random_, &scheduler_, &disk_},
      ledger_(disk_) {
  disk_.SetMayFlip(
      [this](const std::string& path) {
        return !opening_ || (MayFlip(path) && (path < first_of_last_log_ || !IsLogFile(path)));
      },
      [this](const std::string& path) {
        return MayFlip(path) && (!IsLogFile(path) || (opening_ && path < first_of_last_log_));
      });
}

Report World::Run() {
  report_.seed = plan_.seed;
  const Status stuck = scheduler_.Run([this] {
    while (report_.lives < plan_.lives && !ledger_.failed()) Live();
  });
  report_.stuck = !stuck.ok();
  if (report_.stuck) ledger_.Fail(stuck.ToString());
  report_.abandoned = ledger_.abandoned();
  report_.failure = ledger_.failure();
  report_.faults = disk_.faults();
  report_.flips = disk_.flips();
  report_.damages = ledger_.damages();
  report_.disk_calls = disk_.calls();
  report_.switches = scheduler_.switches();
  report_.virtual_ns = scheduler_.MonotonicNs();
  report_.trace = trace_.hash();
  return report_;
}

void World::Live() {
  ++report_.lives;
  scheduler_.SetAlarm(scheduler_.MonotonicNs() + kLifeNsMax);
  runtime::Log(runtime::LogLevel::kDebug, "life", {{"number", report_.lives}});
  if (random_.Chance(plan_.open_crash_percent, 100)) {
    disk_.FailPowerAfter(random_.Between(1, kOpenCalls));
  }
  if (plan_.flips) FlipBeforeOpen();
  bool opened = Open(/*with_faults=*/true) && ReadEverything();
  // Clients may find out by themselves what is damaged.
  if (plan_.flips && service_ != nullptr && random_.Chance(1, 2)) opened = true;
  if (!opened && !disk_.is_off() && !ledger_.failed()) {
    service_.reset();
    disk_.MendFlips();
    opened = Open(/*with_faults=*/false) && ReadEverything();
  }
  const bool in_order = random_.Chance(plan_.clean_percent, 100);
  if (opened && !disk_.is_off() && !ledger_.failed()) {
    RunClients();
    if (!disk_.is_off() && in_order && random_.Chance(plan_.quiet_percent, 100) &&
        disk_.flips() == flips_at_open_ && !disk_.has_flips()) {
      BeQuiet();
    }
  }
  EndLife(in_order);
}

bool World::MayFlip(const std::string& path) const {
  return !path.ends_with("-wal") && !path.ends_with("-journal");
}

void World::FlipBeforeOpen() {
  opening_ = true;
  first_of_last_log_ = NewestLogFile(disk_.disk());
  const uint64_t flips = random_.Below(plan_.flips_at_open_max + 1);
  for (uint64_t i = 0; i < flips; ++i) disk_.FlipStored();
  opening_ = false;
}

bool World::Open(bool with_faults) {
  opening_ = true;
  ledger_.OnOpened();
  ledger_.ExcuseErrors(with_faults);
  disk_.SetFaults(with_faults ? plan_.faults : testing::DiskFaults());
  auto service = service::LocalService::Open(env_, plan_.options);
  disk_.SetFaults({});
  opening_ = false;
  const Ending ending = ledger_.Judge(service.status(), {}, "open");
  if (ending == Ending::kAnswered) service_ = *std::move(service);
  return ending == Ending::kAnswered;
}

bool World::ReadEverything() {
  if (!NewClient()->ReadEverything() || ledger_.failed()) return false;
  ledger_.OnEverythingRead();
  return true;
}

std::unique_ptr<Client> World::NewClient() {
  return std::make_unique<Client>(plan_, random_.Next(), *service_, scheduler_, ledger_,
                                  report_.counts);
}

void World::RunClients() {
  ledger_.ExcuseErrors(true);
  disk_.SetFaults(plan_.faults);
  const bool full = random_.Chance(plan_.full_percent, 100);
  if (full) disk_.SetCapacity(disk_.used_bytes() + 4'096 + random_.Below(40'000));
  disk_.FailPowerAfter(1 + random_.Below(uint64_t{1} << plan_.crash_bits));
  std::vector<std::unique_ptr<Client>> clients;
  std::vector<std::unique_ptr<runtime::Task>> tasks;
  for (uint64_t i = 0; i < plan_.clients; ++i) {
    clients.push_back(NewClient());
    Client* const client = clients.back().get();
    tasks.push_back(scheduler_.Start("client-" + std::to_string(i), [client] { client->Run(); }));
  }
  for (auto& task : tasks) task->Join();
  disk_.SetFaults({});
  disk_.SetCapacity(UINT64_MAX);
}

void World::BeQuiet() {
  constexpr int64_t kBackgroundNs = 60 * runtime::kSecond;
  disk_.FailPowerAfter(UINT64_MAX / 2);
  const bool had_faults = disk_.faults() != faults_at_open_;
  ledger_.ExcuseErrors(false);
  const auto client = NewClient();
  const auto collections = ledger_.collections();
  for (const auto& collection : collections) {
    if (collection->id && !collection->gone) client->WriteOne(collection);
  }
  scheduler_.SleepNs(kBackgroundNs);
  if (!client->ReadEverything() || !client->CompactAll() || !client->ReadEverything()) return;
  if (!had_faults) CheckSpace();
}

uint64_t World::CountFiles(const std::string& directory, const std::string& ending) {
  uint64_t count = 0;
  const auto entries = disk_.disk().List(directory);
  if (!entries.ok()) return 0;
  for (const runtime::DirectoryEntry& entry : *entries) {
    count += !entry.is_directory && entry.name.ends_with(ending);
  }
  return count;
}

void World::CheckSpace() {
  constexpr uint64_t kRowsOfAll = 1 << 20;
  const auto directories = disk_.disk().List(kBlobs);
  if (!directories.ok()) return;
  for (const runtime::DirectoryEntry& entry : *directories) {
    if (ledger_.IsGivenUp(entry.name)) continue;  // it was not compacted
    bool live = false;
    for (const auto& collection : ledger_.collections()) {
      live |= !collection->gone && collection->id && collection->id->ToString() == entry.name;
    }
    const std::string path = std::string(kBlobs) + "/" + entry.name;
    const uint64_t files = CountFiles(path, "");
    // What has more than a segment may hold is left in several.
    const bool several = plan_.options.compaction.segment_rows_max < kRowsOfAll;
    const uint64_t segments = several ? CountFiles(path, ".segment") : std::min<uint64_t>(files, 1);
    const uint64_t indexes = std::min(CountFiles(path, ".index"), segments);
    if (files > (live ? 1 + segments + indexes : 0)) {
      ledger_.Fail("space does not come back: " + path + " has " + std::to_string(files) +
                   " files after compaction");
    }
  }
  const uint64_t logs = CountFiles(kLog, ".log");
  if (logs > 2) ledger_.Fail(std::to_string(logs) + " log files after everything was compacted");
}

void World::EndLife(bool in_order) {
  if (!in_order && !disk_.is_off()) disk_.FailPowerAfter(random_.Between(1, 20));
  if (in_order) disk_.FailPowerAfter(UINT64_MAX / 2);
  service_.reset();
  const bool crashed = disk_.is_off() || random_.Chance(1, 2);  // or the power fails just after
  if (crashed) {
    ++report_.crashes;
    disk_.Restart();
  }
  ledger_.OnLifeEnded();
  faults_at_open_ = disk_.faults();
  flips_at_open_ = disk_.flips();
}

Report Simulate(uint64_t seed) {
  // A number of its own, since 0 would mean that SQLite asks the system.
  catalog::SeedSqlite(static_cast<uint32_t>(seed) | 1);
  const Plan plan = MakePlan(seed);
  auto world = std::make_unique<World>(plan);
  Report report = world->Run();
  // Fibers that wait for ever keep what they hold: nothing of it can be destroyed.
  if (report.stuck) static_cast<void>(world.release());
  return report;
}

}  // namespace chroma::simulation
