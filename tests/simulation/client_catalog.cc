// The requests about databases and collections.
#include <algorithm>
#include <utility>

#include "base/json_value.h"
#include "client.h"

namespace chroma::simulation {

using Kind = CatalogCall::Kind;

std::string TenantName(uint32_t database) {
  return TenantOf(database) == 0 ? model::kDefaultTenant : "tenant_1";
}

std::string DatabaseName(uint32_t database) {
  return database == 0 ? model::kDefaultDatabase : "database_1";
}

std::string CollectionName(uint32_t name) {
  return "collection_" + std::to_string(name);
}

namespace {

model::Metadata MetadataOf(const Slot& slot) {
  model::Metadata metadata;
  metadata.Set("created", int64_t{slot.created});
  metadata.Set("meta", int64_t{slot.meta});
  return metadata;
}

model::Configuration ConfigurationOf(uint32_t ef) {
  model::Configuration configuration;
  configuration.hnsw.emplace();
  configuration.hnsw->ef_search = ef;
  return configuration;
}

uint32_t NumberIn(const std::optional<model::Metadata>& metadata, const char* key) {
  const model::MetadataValue* value = metadata ? metadata->Find(key) : nullptr;
  const int64_t* number = value == nullptr ? nullptr : std::get_if<int64_t>(value);
  return number == nullptr ? 0 : static_cast<uint32_t>(*number);
}

}  // namespace

Slot SlotOf(const model::Collection& collection) {
  Slot slot;
  slot.created = NumberIn(collection.metadata, "created");
  slot.meta = NumberIn(collection.metadata, "meta");
  for (uint32_t name = 0; name < kNames; ++name) {
    if (CollectionName(name) == collection.name) slot.name = name;
  }
  slot.ef = static_cast<uint32_t>(collection.schema.hnsw().ef_search.value_or(0));
  return slot;
}

bool Client::FinishCatalog(const History<CatalogState>::Handle& call,
                           const std::shared_ptr<CatalogAnswer>& answer, const Status& status,
                           std::initializer_list<StatusCode> answers) {
  ++counts_.operations;
  const Ending ending = ledger_.Judge(status, answers, call->text);
  answer->code = status.code();
  call->text += " = " + answer->Describe();
  counts_.answered += ending == Ending::kAnswered;
  counts_.failed += ending == Ending::kFailed;
  ledger_.End(ledger_.catalog(), call, ending);
  return ending == Ending::kAnswered;
}

void Client::Create() {
  CatalogCall create;
  create.kind = random_.Chance(1, 2) ? Kind::kCreate : Kind::kGetOrCreate;
  create.database = static_cast<uint32_t>(random_.Below(kDatabases));
  create.name = static_cast<uint32_t>(random_.Below(kNames));
  create.slot = {ledger_.NextStamp(), ledger_.NextStamp(), ledger_.NextStamp()};
  const auto made = ledger_.NewCollection(create.slot.created, create.database);
  engine::CreateCollectionRequest request;
  request.name = CollectionName(create.name);
  request.metadata = MetadataOf(create.slot);
  request.configuration = ConfigurationOf(create.slot.ef);
  if (made->inner_product) request.configuration->hnsw->space = model::Space::kInnerProduct;
  request.get_or_create = create.kind == Kind::kGetOrCreate;
  auto answer = std::make_shared<CatalogAnswer>();
  const auto call = ledger_.BeginCatalog(create, answer);
  runtime::Context ctx(scheduler_);
  const auto created = engine_.CreateCollection(ctx, TenantName(create.database),
                                                DatabaseName(create.database), request);
  if (created.ok()) answer->slots.push_back(SlotOf(**created));
  const bool known = FinishCatalog(call, answer, created.status(),
                                   {StatusCode::kAlreadyExists, StatusCode::kInvalidArgument});
  if (known && created.ok()) ledger_.See(answer->slots[0].created, (*created)->id);
}

void Client::GetCollection() {
  CatalogCall get;
  get.kind = Kind::kGet;
  get.database = static_cast<uint32_t>(random_.Below(kDatabases));
  get.name = static_cast<uint32_t>(random_.Below(kNames));
  auto answer = std::make_shared<CatalogAnswer>();
  const auto call = ledger_.BeginCatalog(get, answer);
  runtime::Context ctx(scheduler_);
  const auto found = engine_.GetCollection(ctx, TenantName(get.database),
                                           DatabaseName(get.database), CollectionName(get.name));
  if (found.ok()) answer->slots.push_back(SlotOf(**found));
  static_cast<void>(FinishCatalog(call, answer, found.status(), {StatusCode::kNotFound}));
}

bool Client::ListCollections(uint32_t database) {
  CatalogCall list;
  list.kind = Kind::kList;
  list.database = database;
  auto answer = std::make_shared<CatalogAnswer>();
  const auto call = ledger_.BeginCatalog(list, answer);
  runtime::Context ctx(scheduler_);
  const auto listed =
      engine_.ListCollections(ctx, TenantName(database), DatabaseName(database), {});
  if (listed.ok()) {
    for (const model::Collection& one : *listed) answer->slots.push_back(SlotOf(one));
    std::sort(answer->slots.begin(), answer->slots.end(),
              [](const Slot& a, const Slot& b) { return a.created < b.created; });
    answer->count = listed->size();
  }
  const bool known = FinishCatalog(call, answer, listed.status(), {});
  if (!known || !listed.ok()) return false;
  for (const model::Collection& one : *listed) {
    const auto seen = ledger_.See(SlotOf(one).created, one.id);
    if (seen != nullptr) seen->gone = false;
  }
  return true;
}

void Client::CountCollections() {
  CatalogCall count;
  count.kind = Kind::kCount;
  count.database = static_cast<uint32_t>(random_.Below(kDatabases));
  auto answer = std::make_shared<CatalogAnswer>();
  const auto call = ledger_.BeginCatalog(count, answer);
  runtime::Context ctx(scheduler_);
  const auto counted =
      engine_.CountCollections(ctx, TenantName(count.database), DatabaseName(count.database));
  if (counted.ok()) answer->count = *counted;
  static_cast<void>(FinishCatalog(call, answer, counted.status(), {}));
}

void Client::ListDatabases(uint32_t database) {
  CatalogCall list;
  list.kind = Kind::kListDatabases;
  list.database = database;
  auto answer = std::make_shared<CatalogAnswer>();
  const auto call = ledger_.BeginCatalog(list, answer);
  runtime::Context ctx(scheduler_);
  const auto listed = engine_.ListDatabases(ctx, TenantName(database), {});
  if (listed.ok()) {
    for (uint32_t d = 0; d < kDatabases; ++d) {
      if (TenantOf(d) != TenantOf(database)) continue;
      const bool there = std::any_of(listed->begin(), listed->end(),
                                     [d](const auto& one) { return one.name == DatabaseName(d); });
      answer->count |= uint64_t{there} << d;
    }
  }
  static_cast<void>(FinishCatalog(call, answer, listed.status(), {}));
}

namespace {

// Sparse vectors of documents, with tokens that tell which ones (DecodeRecord).
void SwitchWords(bool on, model::Schema* schema) {
  model::ValueTypes& words = schema->keys[kWordsKey];
  words.has_sparse_vector = true;
  words.sparse_vector_index.emplace().enabled = on;
  model::SparseIndexConfig& config = words.sparse_vector_index->config;
  config.source_key = std::string(model::kDocumentKey);
  config.embedding_function = {
      model::EmbeddingFunction::Type::kKnown, "chroma_bm25",
      JsonValue(JsonObject{{"include_tokens", JsonValue(JsonValue::Storage(true))}})};
}

}  // namespace

void Client::Modify(const std::shared_ptr<Collection>& collection) {
  CatalogCall modify;
  modify.kind = Kind::kModify;
  modify.database = collection->database;
  modify.slot.created = collection->created;
  engine::ModifyCollectionRequest request;
  if (random_.Chance(1, 3)) {
    modify.new_name = static_cast<uint32_t>(random_.Below(kNames));
    request.new_name = CollectionName(*modify.new_name);
  }
  if (random_.Chance(1, 2)) {
    modify.slot.meta = ledger_.NextStamp();
    request.new_metadata = MetadataOf(modify.slot);
  }
  if (random_.Chance(1, 2)) {
    modify.slot.ef = ledger_.NextStamp();
    request.new_configuration = ConfigurationOf(modify.slot.ef);
  }
  const auto found = Find(collection);
  if (!found.ok()) return;
  // Not kept in the model: filters by text may be refused from now on, and segments be rewritten.
  if (random_.Chance(1, 2)) {
    request.new_schema.emplace().keys[std::string(model::kDocumentKey)].fts_index = {
        random_.Chance(2, 3), {}};
  }
  // The same, and records may have what is made of their documents.
  if (random_.Chance(1, 2)) {
    if (!request.new_schema) request.new_schema.emplace();
    SwitchWords(random_.Chance(2, 3), &*request.new_schema);
  }
  auto answer = std::make_shared<CatalogAnswer>();
  const auto call = ledger_.BeginCatalog(modify, answer);
  runtime::Context ctx(scheduler_);
  const Status status = engine_.ModifyCollection(ctx, *found, request);
  static_cast<void>(
      FinishCatalog(call, answer, status, {StatusCode::kNotFound, StatusCode::kAlreadyExists}));
}

void Client::DeleteCollection() {
  CatalogCall drop;
  drop.kind = Kind::kDelete;
  drop.database = static_cast<uint32_t>(random_.Below(kDatabases));
  drop.name = static_cast<uint32_t>(random_.Below(kNames));
  ledger_.BeginDoom(drop.database);
  auto answer = std::make_shared<CatalogAnswer>();
  const auto call = ledger_.BeginCatalog(drop, answer);
  runtime::Context ctx(scheduler_);
  const Status status = engine_.DeleteCollection(
      ctx, TenantName(drop.database), DatabaseName(drop.database), CollectionName(drop.name));
  ledger_.EndDoom(drop.database);
  static_cast<void>(FinishCatalog(call, answer, status, {StatusCode::kNotFound}));
}

void Client::ChangeDatabase(bool create) {
  CatalogCall change;
  change.kind = create ? Kind::kCreateDatabase : Kind::kDeleteDatabase;
  change.database = static_cast<uint32_t>(random_.Between(1, kDatabases - 1));
  if (!create) ledger_.BeginDoom(change.database);
  auto answer = std::make_shared<CatalogAnswer>();
  const auto call = ledger_.BeginCatalog(change, answer);
  runtime::Context ctx(scheduler_);
  const std::string tenant = TenantName(change.database);
  const std::string name = DatabaseName(change.database);
  const Status status = create ? engine_.CreateDatabase(ctx, tenant, name)
                               : engine_.DeleteDatabase(ctx, tenant, name);
  if (!create) ledger_.EndDoom(change.database);
  static_cast<void>(
      FinishCatalog(call, answer, status, {StatusCode::kAlreadyExists, StatusCode::kNotFound}));
}

void Client::UseTenant(bool create) {
  CatalogCall use;
  use.kind = create ? Kind::kCreateTenant : Kind::kGetTenant;
  use.database = kDatabases - 1;
  auto answer = std::make_shared<CatalogAnswer>();
  const auto call = ledger_.BeginCatalog(use, answer);
  runtime::Context ctx(scheduler_);
  const std::string name = TenantName(use.database);
  const Status status =
      create ? engine_.CreateTenant(ctx, name) : engine_.GetTenant(ctx, name).status();
  static_cast<void>(
      FinishCatalog(call, answer, status, {StatusCode::kAlreadyExists, StatusCode::kNotFound}));
}

void Client::Reset() {
  CatalogCall reset;
  reset.kind = Kind::kReset;
  for (uint32_t database = 0; database < kDatabases; ++database) ledger_.BeginDoom(database);
  auto answer = std::make_shared<CatalogAnswer>();
  const auto call = ledger_.BeginCatalog(reset, answer);
  runtime::Context ctx(scheduler_);
  const Status status = engine_.Reset(ctx, /*allowed=*/true);
  for (uint32_t database = 0; database < kDatabases; ++database) ledger_.EndDoom(database);
  static_cast<void>(FinishCatalog(call, answer, status, {}));
}

}  // namespace chroma::simulation
