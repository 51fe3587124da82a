// One client of the engine: does one request after the other, as the plan weighs them, and tells
// the ledger what it was told.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "ledger.h"
#include "plan.h"
#include "service/wiring.h"
#include "testing/seeded_random.h"

namespace chroma::simulation {

std::string TenantName(uint32_t database);
std::string DatabaseName(uint32_t database);
std::string CollectionName(uint32_t name);
// What a catalog row says of what the model keeps.
Slot SlotOf(const model::Collection& collection);

struct Counts {
  uint64_t operations = 0;
  uint64_t answered = 0;
  uint64_t failed = 0;  // with errors of the disk
};

class Client {
 public:
  // All outlive it.
  Client(const Plan& plan, uint64_t seed, service::LocalService& service,
         testing::FiberScheduler& scheduler, Ledger& ledger, Counts& counts);

  // Requests until the power fails, or as many as the plan says.
  void Run();

  // What follows are also the checks of a whole directory, by one client alone.
  // Lists databases and collections, and reads each wholly; false when one did not answer.
  bool ReadEverything();
  bool GetAll(const std::shared_ptr<Collection>& collection);
  bool Count(const std::shared_ptr<Collection>& collection);
  bool WriteOne(const std::shared_ptr<Collection>& collection);
  bool CompactAll();

 private:
  using CollectionHandle = History<CollectionState>::Handle;

  void Step(Action action);
  void StepOn(const std::shared_ptr<Collection>& collection, Action action);
  void Compact(const std::shared_ptr<Collection>& collection);

  // Records (client_records.cc).
  bool Change(const std::shared_ptr<Collection>& collection, const CollectionChange& change);
  // A change of an earlier life, once more.
  void Repeat();
  // Returns how many a delete removed.
  Result<uint64_t> Send(const engine::CollectionRef& collection, const CollectionChange& change,
                        const model::RequestTag& tag);
  bool Get(const std::shared_ptr<Collection>& collection, const engine::GetRequest& request,
           std::shared_ptr<const std::vector<uint32_t>> ids,
           std::shared_ptr<const Condition> where);
  void GetSome(const std::shared_ptr<Collection>& collection);
  void Query(const std::shared_ptr<Collection>& collection);
  CollectionChange RandomChange(model::Operation operation);
  CollectionChange RandomDelete(bool where);
  std::vector<uint32_t> RandomIds();
  Condition RandomCondition();
  // Ends a call on a collection with what it returned.
  bool Finish(Collection& collection, const CollectionHandle& call, const Status& status,
              const std::string& what);
  // The first half of a request: null, and the reason, when the collection was not found.
  Result<engine::CollectionRef> Find(const std::shared_ptr<Collection>& collection);

  // Databases and collections (client_catalog.cc).
  void Create();
  void GetCollection();
  bool ListCollections(uint32_t database);
  void CountCollections();
  void ListDatabases(uint32_t database);
  void Modify(const std::shared_ptr<Collection>& collection);
  void DeleteCollection();
  void ChangeDatabase(bool create);
  void UseTenant(bool create);
  void Reset();
  bool FinishCatalog(const History<CatalogState>::Handle& call,
                     const std::shared_ptr<CatalogAnswer>& answer, const Status& status,
                     std::initializer_list<StatusCode> answers);

  std::shared_ptr<Collection> PickCollection();

  const Plan& plan_;
  testing::SeededRandom random_;
  service::LocalService& service_;
  engine::Engine& engine_;
  testing::FiberScheduler& scheduler_;
  Ledger& ledger_;
  Counts& counts_;
};

}  // namespace chroma::simulation
