#include "client.h"

namespace chroma::simulation {

using runtime::kMicrosecond;

namespace {

constexpr int64_t kAnswerNsMax = 600 * runtime::kSecond;

}  // namespace

Client::Client(const Plan& plan, uint64_t seed, service::LocalService& service,
               testing::FiberScheduler& scheduler, Ledger& ledger, Counts& counts)
    : plan_(plan),
      random_(seed),
      service_(service),
      engine_(service.engine()),
      scheduler_(scheduler),
      ledger_(ledger),
      counts_(counts) {}

void Client::Run() {
  const uint64_t steps = 1 + random_.Below(uint64_t{1} << plan_.steps_bits);
  for (uint64_t step = 0; step < steps && !ledger_.disk().is_off(); ++step) {
    const int64_t think_us = static_cast<int64_t>(random_.Skewed(plan_.think_bits));
    if (think_us > 0) scheduler_.SleepNs(think_us * kMicrosecond);
    const int64_t begin_ns = scheduler_.MonotonicNs();
    Step(plan_.Choose(random_));
    if (scheduler_.MonotonicNs() - begin_ns > kAnswerNsMax) {
      ledger_.Fail("an answer took " +
                   std::to_string((scheduler_.MonotonicNs() - begin_ns) / runtime::kSecond) +
                   " seconds");
    }
  }
}

std::shared_ptr<Collection> Client::PickCollection() {
  std::vector<std::shared_ptr<Collection>> known;
  for (const auto& collection : ledger_.collections()) {
    if (collection->id && !collection->gone) known.push_back(collection);
  }
  return known.empty() ? nullptr : known[random_.Below(known.size())];
}

void Client::Step(Action action) {
  switch (action) {
    case Action::kCreate:
      return Create();
    case Action::kGetCollection:
      return GetCollection();
    case Action::kList:
      static_cast<void>(ListCollections(static_cast<uint32_t>(random_.Below(kDatabases))));
      return;
    case Action::kCountCollections:
      return CountCollections();
    case Action::kDeleteCollection:
      return DeleteCollection();
    case Action::kCreateDatabase:
      return ChangeDatabase(/*create=*/true);
    case Action::kDeleteDatabase:
      return ChangeDatabase(/*create=*/false);
    case Action::kListDatabases:
      return ListDatabases(static_cast<uint32_t>(random_.Below(kDatabases)));
    case Action::kTenant:
      return UseTenant(/*create=*/random_.Chance(1, 2));
    case Action::kReset:
      return Reset();
    case Action::kCloseIdle:
      return service_.CloseIdleCollections();
    default:
      break;
  }
  if (ledger_.has_unanswered() && random_.Chance(1, 4)) return Repeat();
  const std::shared_ptr<Collection> collection = PickCollection();
  if (collection == nullptr) return Create();
  // Nobody has looked for long: see what is true before it becomes too much to keep.
  constexpr size_t kUncertainMax = 32;
  if (collection->history.uncertainty() > kUncertainMax) action = Action::kGetAll;
  StepOn(collection, action);
}

void Client::StepOn(const std::shared_ptr<Collection>& collection, Action action) {
  using model::Operation;
  switch (action) {
    case Action::kAdd:
      Change(collection, RandomChange(Operation::kAdd));
      break;
    case Action::kUpdate:
      Change(collection, RandomChange(Operation::kUpdate));
      break;
    case Action::kUpsert:
      Change(collection, RandomChange(Operation::kUpsert));
      break;
    case Action::kDeleteIds:
      Change(collection, RandomDelete(/*where=*/false));
      break;
    case Action::kDeleteWhere:
      Change(collection, RandomDelete(/*where=*/true));
      break;
    case Action::kGetAll:
      GetAll(collection);
      break;
    case Action::kGetSome:
      GetSome(collection);
      break;
    case Action::kQuery:
      Query(collection);
      break;
    case Action::kCount:
      Count(collection);
      break;
    case Action::kModify:
      Modify(collection);
      break;
    case Action::kCompact:
      Compact(collection);
      break;
    default:
      break;
  }
}

void Client::Compact(const std::shared_ptr<Collection>& collection) {
  runtime::Context ctx(scheduler_);
  const Status status = service_.Compact(ctx, *collection->id);
  static_cast<void>(ledger_.Judge(status, {StatusCode::kNotFound}, "compact"));
}

bool Client::ReadEverything() {
  ListDatabases(0);
  ListDatabases(kDatabases - 1);
  UseTenant(/*create=*/false);
  for (const auto& collection : ledger_.collections()) collection->gone = true;
  bool answered = true;
  for (uint32_t database = 0; database < kDatabases; ++database) {
    answered &= ListCollections(database);
  }
  const auto collections = ledger_.collections();
  for (const auto& collection : collections) {
    if (collection->gone) continue;
    answered &= GetAll(collection) && Count(collection);
  }
  return answered && !ledger_.disk().is_off();
}

bool Client::CompactAll() {
  const auto collections = ledger_.collections();
  for (const auto& collection : collections) {
    if (collection->gone || !collection->id) continue;
    runtime::Context ctx(scheduler_);
    const Status status = service_.Compact(ctx, *collection->id);
    if (ledger_.Judge(status, {}, "compact") != Ending::kAnswered) return false;
  }
  return true;
}

}  // namespace chroma::simulation
