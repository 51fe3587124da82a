// What the clients were told, and whether it can all be true: the histories of the catalog and of
// every collection, and the first thing that was wrong.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/uuid.h"
#include "catalog_model.h"
#include "chroma/status.h"
#include "collection_model.h"
#include "history.h"
#include "model/request_tag.h"
#include "testing/seeded_random.h"
#include "testing/simulation/simulated_disk.h"

namespace chroma::simulation {

struct Collection {
  uint32_t created = 0;
  uint32_t database = 0;
  std::optional<Uuid> id;  // once somebody saw it
  bool inner_product = false;
  bool doomed = false;  // somebody began to delete it, or what it is in
  bool gone = false;    // and it is certain that this happened
  History<CollectionState> history;
};

// A change whose answer the failing power took: its sender may send it again, in a later life.
struct Unanswered {
  std::shared_ptr<Collection> collection;
  CollectionChange change;
  model::RequestTag tag;
  bool happened = false;  // that is certain: somebody saw what it wrote
};

class Ledger {
 public:
  explicit Ledger(testing::SimulatedDisk& disk) : disk_(disk) {}
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  testing::SimulatedDisk& disk() { return disk_; }
  uint32_t NextStamp() { return ++stamp_; }

  // The first failure counts; the power goes off, so that the run ends soon.
  void Fail(std::string what);
  bool failed() const { return !failure_.empty(); }
  const std::string& failure() const { return failure_; }

  // From now on errors of the disk are an excuse, or not; those before do not count.
  void ExcuseErrors(bool excuse);
  // A directory was opened: from now on damage is an answer where bits flip, or have been flipped.
  void OnOpened() { flips_before_ = disk_.flips(); }
  uint64_t damages() const { return damages_; }  // that were reported
  // How a call ended that returned `status`, which may be OK, one of `answers`, or excused.
  Ending Judge(const Status& status, std::initializer_list<StatusCode> answers,
               const std::string& what);

  template <typename State>
  void End(History<State>& history, const typename History<State>::Handle& call, Ending ending) {
    Show(call->text, ending);
    if (!history.End(call, ending)) Fail(history.explanation());
  }
  History<CatalogState>& catalog() { return catalog_; }
  // Asks the catalog's history; the answer is filled in before the call is ended.
  History<CatalogState>::Handle BeginCatalog(const CatalogCall& call,
                                             std::shared_ptr<CatalogAnswer> answer);

  std::vector<std::shared_ptr<Collection>>& collections() { return collections_; }
  std::shared_ptr<Collection> NewCollection(uint32_t created, uint32_t database);
  // The collection whose creation had that number, seen under `id`; null after Fail().
  std::shared_ptr<Collection> See(uint32_t created, const Uuid& id);
  uint64_t NextTag() { return ++tag_; }
  void AddUnanswered(Unanswered request) { unanswered_.push_back(std::move(request)); }
  bool has_unanswered() const { return !unanswered_.empty(); }
  Unanswered TakeUnanswered(testing::SeededRandom& random);

  // A deletion in a database began, and came to its end.
  void BeginDoom(uint32_t database);
  void EndDoom(uint32_t database) { --deletions_[database]; }

  uint64_t abandoned() const { return given_up_.size(); }
  // Whether the history of the collection with this id is one of them.
  bool IsGivenUp(const std::string& id) const { return given_up_ids_.contains(id); }

  // The process died, or closed the directory.
  void OnLifeEnded();
  // After everything was read once.
  void OnEverythingRead();

 private:
  // Bits flip, or are flipped in what is stored.
  bool MayBeDamaged() const { return disk_.flips() != flips_before_ || disk_.has_flips(); }
  bool IsReportOfDamage(const Status& status, const std::string& what) const;
  // For those who look at one run.
  static void Show(const std::string& call, Ending ending);

  testing::SimulatedDisk& disk_;
  std::set<std::string> given_up_ids_;
  std::set<uint32_t> given_up_;  // collections whose histories became too many to follow
  std::array<uint32_t, kDatabases> deletions_{};  // under way
  uint32_t stamp_ = 0;
  uint64_t tag_ = 0;
  std::vector<Unanswered> unanswered_;
  bool excuse_ = true;
  uint64_t faults_before_ = 0;
  uint64_t flips_before_ = 0;
  uint64_t damages_ = 0;
  std::string failure_;
  History<CatalogState> catalog_;
  std::vector<std::shared_ptr<Collection>> collections_;
};

}  // namespace chroma::simulation
