// The requests about records.
#include <algorithm>
#include <utility>

#include "client.h"

namespace chroma::simulation {
namespace {

std::vector<std::string> IdTexts(const std::vector<uint32_t>& ids) {
  std::vector<std::string> texts;
  for (const uint32_t id : ids) texts.push_back(IdText(id));
  return texts;
}

constexpr model::IncludeSet kEverything = model::kIncludeDocuments | model::kIncludeMetadatas |
                                          model::kIncludeEmbeddings | model::kIncludeUris;

// What a read that included everything showed; a description of the first record that is damaged.
std::string Decode(const executor::Records& records, std::vector<Observed>* out) {
  for (size_t i = 0; i < records.ids.size(); ++i) {
    const std::optional<uint32_t> id = DecodeId(records.ids[i]);
    if (!id) return "an id that nobody wrote: " + records.ids[i];
    const float* row = records.embeddings.row(i);
    std::string damage;
    const std::optional<RecordState> record =
        DecodeRecord(std::vector<float>(row, row + records.embeddings.dimension),
                     records.documents[i], records.metadatas[i], &damage);
    if (!record) return records.ids[i] + " has " + damage;
    out->push_back({*id, *record});
  }
  return "";
}

std::string DescribeAll(const std::vector<Observed>& records) {
  CollectionState state;
  for (const Observed& one : records) {
    if (state.size == kIds) break;
    state.order[state.size++] = static_cast<uint8_t>(one.id);
    state.records[one.id] = one.record;
  }
  return std::to_string(records.size()) + " records: " + state.Describe();
}

double Distance(bool inner_product, uint32_t a, uint32_t b) {
  const std::vector<float> x = VectorOf(a);
  const std::vector<float> y = VectorOf(b);
  double sum = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double d = static_cast<double>(x[i]) - static_cast<double>(y[i]);
    sum += inner_product ? static_cast<double>(x[i]) * static_cast<double>(y[i]) : d * d;
  }
  return inner_product ? 1.0 - sum : sum;
}

using Nearest = std::vector<std::pair<double, uint32_t>>;  // distances and ids

// Whether `seen` are the n nearest of `all`, which is in insertion order, in the right order.
// Which of several at the last distance are among them is left open.
bool IsNearest(Nearest all, size_t n, const Nearest& seen) {
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  if (seen.size() != std::min(n, all.size())) return false;
  auto at = all.begin();
  for (size_t i = 0; i < seen.size(); ++i) {
    if (seen[i].first != all[i].first) return false;
    at = std::find(at, all.end(), seen[i]);
    if (at == all.end()) return false;
    ++at;
  }
  return true;
}

// Modify switches the index of documents off and on.
bool IsRefusal(const Status& status) {
  return status.message() ==
         "Cannot filter using full-text search because FTS indexing is disabled";
}

}  // namespace

std::vector<uint32_t> Client::RandomIds() {
  std::vector<uint32_t> ids;
  const uint64_t n = random_.Between(1, plan_.batch_max);
  for (uint64_t i = 0; i < n; ++i) {
    const uint32_t id = static_cast<uint32_t>(random_.Below(kIds));
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  }
  return ids;
}

Condition Client::RandomCondition() {
  Condition condition;
  condition.all = random_.Chance(1, 2);
  const uint64_t n = random_.Between(1, 2);
  for (uint64_t i = 0; i < n; ++i) {
    Condition::Leaf leaf;
    leaf.kind = static_cast<Condition::Leaf::Kind>(random_.Below(7));
    const uint32_t values = leaf.kind <= Condition::Leaf::Kind::kNumberFrom ? kNumbers
                            : leaf.kind <= Condition::Leaf::Kind::kTagNot   ? kTags
                                                                            : kWords;
    leaf.value = static_cast<uint32_t>(random_.Below(values));
    condition.leaves.push_back(leaf);
  }
  return condition;
}

CollectionChange Client::RandomChange(model::Operation operation) {
  CollectionChange change;
  change.operation = operation;
  change.ids = RandomIds();
  const bool update = operation == model::Operation::kUpdate;
  const bool vectors = !update || random_.Chance(1, 2);
  for (size_t i = 0; i < change.ids.size(); ++i) {
    const uint32_t stamp = ledger_.NextStamp();
    const auto field = [&] { return random_.Chance(2, 3) ? stamp : kKept; };
    RecordState record;
    if (vectors) record.vector = stamp;
    record.document = field();
    record.number = update && random_.Chance(1, 8) ? kCleared : field();
    record.tag = update && random_.Chance(1, 8) ? kCleared : field();
    change.records.push_back(record);
  }
  return change;
}

CollectionChange Client::RandomDelete(bool where) {
  CollectionChange change;
  change.operation = model::Operation::kDelete;
  if (!where) {
    change.ids = RandomIds();
    return change;
  }
  change.where = RandomCondition();
  change.by_ids = random_.Chance(1, 2);
  if (change.by_ids) change.ids = RandomIds();
  if (random_.Chance(1, 3)) change.limit = static_cast<uint32_t>(random_.Between(1, 3));
  return change;
}

Result<engine::CollectionRef> Client::Find(const std::shared_ptr<Collection>& collection) {
  CatalogCall find;
  find.kind = CatalogCall::Kind::kFind;
  find.database = collection->database;
  find.slot.created = collection->created;
  auto answer = std::make_shared<CatalogAnswer>();
  const auto call = ledger_.BeginCatalog(find, answer);
  runtime::Context ctx(scheduler_);
  auto found = engine_.FindCollection(ctx, TenantName(find.database), DatabaseName(find.database),
                                      *collection->id);
  if (found.ok()) answer->slots.push_back(SlotOf(**found));
  static_cast<void>(FinishCatalog(call, answer, found.status(), {StatusCode::kNotFound}));
  if (found.status().code() == StatusCode::kNotFound && !ledger_.disk().is_off()) {
    collection->gone = true;
  }
  return found;
}

bool Client::Finish(Collection& collection, const CollectionHandle& call, const Status& status,
                    const std::string& what) {
  ++counts_.operations;
  if (IsRefusal(status)) {
    ledger_.End(collection.history, call, Ending::kRefused);
    return true;
  }
  Ending ending = ledger_.Judge(status, {StatusCode::kNotFound}, what);
  if (ending == Ending::kAnswered && !status.ok()) {
    if (!collection.doomed) ledger_.Fail("not found, though nobody deleted it: " + what);
    ending = Ending::kRefused;
  }
  counts_.answered += ending == Ending::kAnswered;
  counts_.failed += ending == Ending::kFailed;
  ledger_.End(collection.history, call, ending);
  return ending == Ending::kAnswered || ending == Ending::kRefused;
}

bool Client::Change(const std::shared_ptr<Collection>& collection, const CollectionChange& change) {
  const std::string text = "c" + std::to_string(collection->created) + " " + change.Describe();
  auto deleted = std::make_shared<uint64_t>(0);
  const auto call =
      collection->history.Begin(true, text, [change, deleted](CollectionState& state, bool known) {
        const uint64_t count = state.Change(change);
        return !known || count == *deleted;
      });
  auto found = Find(collection);
  if (!found.ok()) return Finish(*collection, call, found.status(), text);
  model::RequestTag tag;
  if (random_.Chance(1, 2)) tag = {ledger_.NextTag(), scheduler_.MonotonicNs(), false};
  const Result<uint64_t> count = Send(*found, change, tag);
  if (count.ok()) *deleted = *count;
  if (tag.id != 0 && ledger_.disk().is_off()) ledger_.AddUnanswered({collection, change, tag});
  return Finish(*collection, call, count.status(), text + " = " + std::to_string(*deleted));
}

Result<uint64_t> Client::Send(const engine::CollectionRef& collection,
                              const CollectionChange& change, const model::RequestTag& tag) {
  runtime::Context ctx(scheduler_);
  if (change.operation != model::Operation::kDelete) {
    engine::WriteRequest request;
    request.batch = change.ToBatch();
    request.shape = model::ShapeOf(request.batch);
    request.tag = tag;
    CHROMA_TRY(engine_.Write(ctx, collection, std::move(request)));
    return uint64_t{0};
  }
  engine::DeleteRequest request;
  if (change.by_ids) request.ids = IdTexts(change.ids);
  if (change.where) request.where = change.where->ToFilter();
  request.limit = change.limit;
  request.tag = tag;
  return engine_.Delete(ctx, collection, request);
}

void Client::Repeat() {
  Unanswered request = ledger_.TakeUnanswered(random_);
  Collection& collection = *request.collection;
  if (collection.gone || !collection.id) return;
  const std::string text = "c" + std::to_string(collection.created) + " again " +
                           (request.happened ? "(done) " : "") + request.change.Describe();
  const bool done = request.happened;
  const auto call = collection.history.Begin(
      !done, text, [done, change = request.change](CollectionState& state, bool) {
        if (!done) state.Change(change);
        return true;
      });
  const auto found = Find(request.collection);
  if (!found.ok()) {
    Finish(collection, call, found.status(), text);
    return;
  }
  request.tag.repeated = true;
  const Status status = Send(*found, request.change, request.tag).status();
  if (ledger_.disk().is_off()) ledger_.AddUnanswered(request);
  const bool too_late = status.code() == StatusCode::kDeadlineExceeded;
  if (!ledger_.disk().is_off() && (too_late || IsRefusal(status))) {
    ledger_.End(collection.history, call, Ending::kRefused);
  } else if (done) {
    Finish(collection, call, status, text);
  } else {
    // It may have happened in its own life, unseen: then nothing happens now.
    static_cast<void>(ledger_.Judge(status, {StatusCode::kNotFound}, text));
    ledger_.End(collection.history, call, Ending::kLost);
  }
}

bool Client::WriteOne(const std::shared_ptr<Collection>& collection) {
  return Change(collection, RandomChange(model::Operation::kUpsert));
}

bool Client::Get(const std::shared_ptr<Collection>& collection, const engine::GetRequest& request,
                 std::shared_ptr<const std::vector<uint32_t>> ids,
                 std::shared_ptr<const Condition> where) {
  auto seen = std::make_shared<std::vector<Observed>>();
  const uint32_t offset = request.offset;
  const std::optional<uint32_t> limit = request.limit;
  const auto matches = [=](CollectionState& state, bool) {
    std::vector<uint32_t> expected = state.Select(ids.get(), where.get());
    expected.erase(expected.begin(),
                   expected.begin() + std::min<std::ptrdiff_t>(
                                          offset, static_cast<std::ptrdiff_t>(expected.size())));
    if (limit && expected.size() > *limit) expected.resize(*limit);
    return std::equal(expected.begin(), expected.end(), seen->begin(), seen->end(),
                      [&](uint32_t id, const Observed& one) {
                        return id == one.id && state.records[id] == one.record;
                      });
  };
  const std::string text = "c" + std::to_string(collection->created) + " get " +
                           (ids != nullptr ? std::to_string(ids->size()) + " ids " : "") +
                           (where != nullptr ? where->Describe() : "");
  const auto call = collection->history.Begin(false, text, matches);
  auto found = Find(collection);
  if (!found.ok()) return Finish(*collection, call, found.status(), text);
  runtime::Context ctx(scheduler_);
  const Result<executor::Records> records = engine_.Get(ctx, *found, request);
  if (records.ok()) {
    const std::string damage = Decode(*records, seen.get());
    if (!damage.empty()) ledger_.Fail(text + ": " + damage);
    call->text += " = " + DescribeAll(*seen);
  }
  return Finish(*collection, call, records.status(), text);
}

bool Client::GetAll(const std::shared_ptr<Collection>& collection) {
  engine::GetRequest request;
  request.include = kEverything;
  return Get(collection, request, nullptr, nullptr);
}

void Client::GetSome(const std::shared_ptr<Collection>& collection) {
  engine::GetRequest request;
  request.include = kEverything;
  std::shared_ptr<const std::vector<uint32_t>> ids;
  std::shared_ptr<const Condition> where;
  if (random_.Chance(1, 2)) {
    ids = std::make_shared<const std::vector<uint32_t>>(RandomIds());
    request.ids = IdTexts(*ids);
  }
  if (random_.Chance(2, 3)) {
    where = std::make_shared<const Condition>(RandomCondition());
    request.where = where->ToFilter();
  }
  if (random_.Chance(1, 3)) request.limit = static_cast<uint32_t>(random_.Between(1, 8));
  if (random_.Chance(1, 4)) request.offset = static_cast<uint32_t>(random_.Below(4));
  Get(collection, request, ids, where);
}

void Client::Query(const std::shared_ptr<Collection>& collection) {
  std::shared_ptr<const Condition> where;
  if (random_.Chance(1, 2)) where = std::make_shared<const Condition>(RandomCondition());
  const uint32_t stamp = static_cast<uint32_t>(random_.Between(1, 4'096));
  const auto n_results = static_cast<uint32_t>(random_.Between(1, kIds));
  const bool inner_product = collection->inner_product;
  auto seen = std::make_shared<Nearest>();
  const auto matches = [=](CollectionState& state, bool) {
    Nearest expected;
    for (const uint32_t id : state.Select(nullptr, where.get())) {
      expected.push_back({Distance(inner_product, state.records[id].vector, stamp), id});
    }
    return IsNearest(std::move(expected), n_results, *seen);
  };
  std::string text = "c" + std::to_string(collection->created) + " query v" +
                     std::to_string(stamp) + " n " + std::to_string(n_results) +
                     (where != nullptr ? " where " + where->Describe() : "");
  const auto call = collection->history.Begin(false, text, matches);
  auto found = Find(collection);
  if (!found.ok()) {
    Finish(*collection, call, found.status(), text);
    return;
  }
  engine::QueryRequest request;
  request.queries.dimension = kDimension;
  request.queries.values = VectorOf(stamp);
  request.query_lengths = {kDimension};
  request.n_results = n_results;
  if (where != nullptr) request.where = where->ToFilter();
  runtime::Context ctx(scheduler_);
  const Result<executor::QueryResult> result = engine_.Query(ctx, *found, request);
  if (result.ok()) {
    for (size_t i = 0; i < result->records[0].ids.size(); ++i) {
      const uint32_t id = DecodeId(result->records[0].ids[i]).value_or(kIds);
      seen->push_back({static_cast<double>(result->distances[0][i]), id});
      call->text += " " + IdText(id) + "@" + std::to_string(result->distances[0][i]);
    }
  }
  Finish(*collection, call, result.status(), text);
}

bool Client::Count(const std::shared_ptr<Collection>& collection) {
  auto seen = std::make_shared<uint64_t>(0);
  const std::string text = "c" + std::to_string(collection->created) + " count";
  const auto call = collection->history.Begin(
      false, text, [seen](CollectionState& state, bool) { return state.size == *seen; });
  auto found = Find(collection);
  if (!found.ok()) return Finish(*collection, call, found.status(), text);
  runtime::Context ctx(scheduler_);
  const Result<uint64_t> count = engine_.Count(ctx, *found);
  if (count.ok()) *seen = *count;
  call->text += " = " + std::to_string(*seen);
  return Finish(*collection, call, count.status(), text);
}

}  // namespace chroma::simulation
