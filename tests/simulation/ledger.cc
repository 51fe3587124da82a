#include "ledger.h"

#include <algorithm>
#include <utility>

#include "runtime/log.h"

namespace chroma::simulation {

void Ledger::Show(const std::string& call, Ending ending) {
  constexpr const char* kEndings[] = {"answered", "refused", "failed", "lost"};
  if (!runtime::LogEnabled(runtime::LogLevel::kDebug)) return;
  runtime::Log(runtime::LogLevel::kDebug, "call",
               {{"call", call}, {"ending", kEndings[static_cast<size_t>(ending)]}});
}

void Ledger::Fail(std::string what) {
  if (failure_.empty()) failure_ = std::move(what);
  disk_.FailPowerAfter(0);
}

void Ledger::ExcuseErrors(bool excuse) {
  excuse_ = excuse;
  faults_before_ = disk_.faults();
}

bool Ledger::IsReportOfDamage(const Status& status, const std::string& what) const {
  // A version that a flipped bit made larger is that of a newer program, for all one can tell.
  const bool newer = status.code() == StatusCode::kFailedPrecondition && what == "open";
  // Writes wait for a compaction, which does not get past what is damaged.
  const bool waits = status.code() == StatusCode::kUnavailable;
  return (status.code() == StatusCode::kDataLoss || newer || waits) && MayBeDamaged();
}

Ending Ledger::Judge(const Status& status, std::initializer_list<StatusCode> answers,
                     const std::string& what) {
  if (disk_.is_off()) return Ending::kLost;
  if (status.ok() || std::find(answers.begin(), answers.end(), status.code()) != answers.end()) {
    return Ending::kAnswered;
  }
  if (runtime::LogEnabled(runtime::LogLevel::kDebug)) {
    runtime::Log(runtime::LogLevel::kDebug, "error", {{"call", what}, {"is", status.ToString()}});
  }
  if (IsReportOfDamage(status, what)) {
    ++damages_;
    return Ending::kFailed;
  }
  const bool error_of_disk = status.code() == StatusCode::kInternal ||
                             status.code() == StatusCode::kResourceExhausted ||
                             status.code() == StatusCode::kUnavailable;
  if (!error_of_disk || !excuse_ || disk_.faults() == faults_before_) {
    Fail("unexpected answer: " + what + ": " + status.ToString());
  }
  return Ending::kFailed;
}

History<CatalogState>::Handle Ledger::BeginCatalog(const CatalogCall& call,
                                                   std::shared_ptr<CatalogAnswer> answer) {
  return catalog_.Begin(call.Changes(), call.Describe(),
                        [call, answer](CatalogState& state, bool answered) {
                          const CatalogAnswer expected = state.Perform(call);
                          return !answered || expected == *answer;
                        });
}

std::shared_ptr<Collection> Ledger::NewCollection(uint32_t created, uint32_t database) {
  auto collection = std::make_shared<Collection>();
  collection->created = created;
  collection->database = database;
  collection->inner_product = created % 3 == 0;
  collection->doomed = deletions_[database] > 0;
  collections_.push_back(collection);
  return collection;
}

std::shared_ptr<Collection> Ledger::See(uint32_t created, const Uuid& id) {
  for (const auto& collection : collections_) {
    if (collection->created != created) continue;
    if (!collection->id) collection->id = id;
    if (*collection->id == id) return collection;
    Fail("collection c" + std::to_string(created) + " changed its id");
    return nullptr;
  }
  if (!given_up_.contains(created)) {
    Fail("a collection that nobody created: c" + std::to_string(created));
  }
  return nullptr;
}

void Ledger::BeginDoom(uint32_t database) {
  ++deletions_[database];
  for (const auto& collection : collections_) {
    if (collection->database == database) collection->doomed = true;
  }
}

Unanswered Ledger::TakeUnanswered(testing::SeededRandom& random) {
  const auto at =
      unanswered_.begin() + static_cast<std::ptrdiff_t>(random.Below(unanswered_.size()));
  Unanswered taken = std::move(*at);
  unanswered_.erase(at);
  return taken;
}

void Ledger::OnLifeEnded() {
  if (!catalog_.Crash()) Fail(catalog_.explanation());
  for (const auto& collection : collections_) {
    if (!collection->history.Crash()) Fail(collection->history.explanation());
  }
}

void Ledger::OnEverythingRead() {
  if (!catalog_.Settle()) Fail(catalog_.explanation());
  for (const auto& collection : collections_) {
    if (!collection->history.Settle()) Fail(collection->history.explanation());
  }
  for (Unanswered& request : unanswered_) {
    const History<CollectionState>& history = request.collection->history;
    if (history.abandoned() || history.uncertainty() != 1) continue;
    request.happened |= history.some_state().Shows(request.change);
  }
  std::erase_if(unanswered_, [](const Unanswered& request) {
    return request.collection->gone || request.collection->history.abandoned();
  });
  std::erase_if(collections_, [this](const auto& collection) {
    if (collection->history.abandoned()) {
      given_up_.insert(collection->created);
      if (collection->id) given_up_ids_.insert(collection->id->ToString());
    }
    return collection->gone || collection->history.abandoned();
  });
}

}  // namespace chroma::simulation
