// The record operations of the engine: what writes, and what reads.
#include <algorithm>
#include <utility>

#include "engine/engine.h"
#include "engine/read_version.h"
#include "engine/sparse_embedding.h"
#include "log/record_codec.h"
#include "model/tuning.h"
#include "model/validate.h"
#include "planner/planner.h"
#include "runtime/test_points.h"

namespace chroma::engine {
namespace {

constexpr size_t kAtOnceIdsMax = 16;

index::SearchTuning TuningOf(const model::Collection& collection) {
  constexpr uint64_t kEffortMax = 10'000;
  // Where nobody said otherwise .98 is found, whatever it takes, and a sample may err by .005; and
  // no time is spent on more than a little beyond.
  constexpr float kLeastRecall = .985F;
  constexpr float kEnoughRecall = .99F;
  index::SearchTuning tuning;
  tuning.effort = std::min(*collection.schema.hnsw().ef_search, kEffortMax);
  // Checked when it was set; what an earlier program let in means nothing.
  const Result<model::VectorTuning> asked = model::TuningOf(collection.metadata);
  if (!asked.ok()) return tuning;
  tuning.target_recall = asked->target_recall;
  if (tuning.effort == model::kDefaultEfSearch) {
    tuning.least_recall = kLeastRecall;
    tuning.enough_recall = kEnoughRecall;
  }
  tuning.memory = asked->memory;
  return tuning;
}

// The metadata by which the schema has to grow, each with something that those before it lack.
std::vector<model::Metadata> NewSchemaKeys(const model::RecordBatch& batch,
                                           const model::Schema& schema) {
  std::vector<model::Metadata> keys;
  std::optional<model::Schema> grown;  // copied for the rare write that brings something new
  for (const std::optional<model::Metadata>& metadata : batch.metadatas) {
    if (!metadata || model::SchemaCovers(grown ? *grown : schema, *metadata)) continue;
    if (!grown) grown = schema;
    model::ExtendSchema(*grown, *metadata);
    keys.push_back(*metadata);
  }
  return keys;
}

// Whether the columns fit together, so that what is logged can be applied. Requests were checked
// before; a batch that fails here was put together wrongly by a caller in this process.
Status CheckConsistent(const model::RecordBatch& batch) {
  size_t vectors = batch.has_vector.empty() ? batch.vectors.rows() : 0;
  for (uint8_t has : batch.has_vector) vectors += has;
  const bool all = batch.has_vector.empty() ? vectors == 0 || vectors == batch.size()
                                            : batch.has_vector.size() == batch.size();
  if (all && vectors == batch.vectors.rows()) return Status::Ok();
  return Status::Internal("a write's vectors do not fit its records; nothing was written");
}

}  // namespace

// ---- writes

Result<bool> Engine::RegisterWrite(runtime::Context& ctx, const CollectionRef& collection,
                                   const WriteRequest& request) {
  // The caller may have looked the collection up before another write fixed the dimension.
  CHROMA_TRY(model::ValidateDimensions(request.shape.vector_lengths, collection->dimension));
  std::optional<uint32_t> dimension;
  if (!request.shape.vector_lengths.empty()) dimension = request.shape.vector_lengths.front();
  const std::vector<model::Metadata> keys = NewSchemaKeys(request.batch, collection->schema);
  const bool fixes_dimension = dimension && !collection->dimension;
  if (!fixes_dimension && keys.empty()) return false;
  CHROMA_ASSIGN(model::Collection row, Changing(CollectionScope::Id(collection->id), [&] {
                  return catalog_.RegisterWrite(ctx, collection->id, dimension, keys);
                }));
  // Another first write may have fixed another dimension just before.
  CHROMA_TRY(model::ValidateDimensions(request.shape.vector_lengths, row.dimension));
  return fixes_dimension;
}

void Engine::UnfixDimension(const Uuid& id) {
  // Not the request's, which may be given up.
  runtime::Context ctx(*env_.clock);
  // Those who have found the dimension fixed are done, so the log tells whether they wrote.
  WriteGates::Hold gate(gates_, id, /*exclusive=*/true, nullptr);
  const Result<uint64_t> end = log_.End(ctx, id);
  const Result<model::Collection> row = catalog_.GetCollectionById(ctx, id);
  if (!end.ok() || *end != 0 || !row.ok() || row->version != 0) return;
  static_cast<void>(
      Changing(CollectionScope::Id(id), [&] { return catalog_.ForgetDimension(ctx, id); }));
}

Status Engine::Write(runtime::Context& ctx, const CollectionRef& collection, WriteRequest request) {
  CHROMA_TRY(CheckWritable());
  model::RecordBatch& batch = request.batch;
  CHROMA_TRY(model::ValidateRecordPayload(batch, request.shape.vector_lengths));
  CHROMA_TRY(model::ValidateDimensions(request.shape.vector_lengths, collection->dimension));
  CHROMA_TRY(model::ValidateRecords(batch, request.shape));
  CHROMA_TRY(CheckConsistent(batch));
  model::ExtractReservedKeys(batch);
  if (batch.ids.empty()) return Status::Ok();
  EmbedSparseKeys(collection->schema, batch);
  // What may have taken place already must not be refused now.
  if (!request.tag.repeated) CHROMA_TRY(backlog_.Pass(ctx, collection->id));
  const uint32_t count = static_cast<uint32_t>(batch.size());
  Bytes entry = log::EncodeBatch(batch, request.tag.id);
  bool fixed_dimension = false;
  Status logged;
  {
    WriteGates::Hold gate(gates_, collection->id, /*exclusive=*/request.tag.repeated, &ctx);
    CHROMA_TRY(gate.status());
    // The collection may have been deleted since it was looked up, and its log forgotten.
    CHROMA_ASSIGN(CollectionRef current, LoadCollection(ctx, collection->id));
    CHROMA_ASSIGN(const std::optional<uint32_t> done, FindDone(ctx, current, request.tag));
    if (done) return Status::Ok();
    // A key may have been switched on since the collection was looked up.
    if (current != collection && current->schema != collection->schema) {
      EmbedSparseKeys(current->schema, batch);
      entry = log::EncodeBatch(batch, request.tag.id);
    }
    CHROMA_TRY(ctx.Check());
    CHROMA_ASSIGN(fixed_dimension, RegisterWrite(ctx, current, request));
    CHROMA_TEST_POINT("engine.write_registered");
    logged = Append(ctx, collection->id, std::move(entry), count);
    CHROMA_TEST_POINT("engine.write_logged");
  }
  if (!logged.ok() && fixed_dimension) UnfixDimension(collection->id);
  CHROMA_TRY(logged);
  observer_.OnWrite(collection->id);
  return Status::Ok();
}

Result<uint64_t> Engine::Delete(runtime::Context& ctx, const CollectionRef& collection,
                                const DeleteRequest& request) {
  CHROMA_TRY(CheckWritable());
  const bool filtered = request.where || request.where_document;
  CHROMA_TRY(model::ValidateDelete(request.ids, request.where.has_value(),
                                   request.where_document.has_value(), request.limit.has_value()));
  if (!request.tag.repeated) CHROMA_TRY(backlog_.Pass(ctx, collection->id));
  if (filtered) return DeleteMatching(ctx, collection, request);
  if (!request.ids) return uint64_t{0};
  const uint64_t count = request.ids->size();
  {
    WriteGates::Hold gate(gates_, collection->id, /*exclusive=*/request.tag.repeated, &ctx);
    CHROMA_TRY(gate.status());
    CHROMA_ASSIGN(CollectionRef current, LoadCollection(ctx, collection->id));
    CHROMA_ASSIGN(const std::optional<uint32_t> done, FindDone(ctx, current, request.tag));
    if (done) return uint64_t{*done};
    CHROMA_TRY(AppendDelete(ctx, collection->id, *request.ids, request.tag));
  }
  observer_.OnWrite(collection->id);
  return count;
}

Result<uint64_t> Engine::DeleteMatching(runtime::Context& ctx, const CollectionRef& collection,
                                        const DeleteRequest& request) {
  GetRequest get;
  get.ids = request.ids;
  get.where = request.where;
  get.where_document = request.where_document;
  get.limit = request.limit;
  get.include = 0;
  uint64_t count = 0;
  {
    // Nobody writes between the read and the delete.
    WriteGates::Hold gate(gates_, collection->id,
                          /*exclusive=*/!CHROMA_PLANTED_BUG("engine.delete_without_gate"), &ctx);
    CHROMA_TRY(gate.status());
    CHROMA_ASSIGN(CollectionRef current, LoadCollection(ctx, collection->id));
    CHROMA_ASSIGN(const std::optional<uint32_t> done, FindDone(ctx, current, request.tag));
    if (done) return uint64_t{*done};
    CHROMA_ASSIGN(executor::Records matching, Get(ctx, current, get));
    count = matching.ids.size();
    CHROMA_TRY(AppendDelete(ctx, collection->id, std::move(matching.ids), request.tag));
  }
  observer_.OnWrite(collection->id);
  return count;
}

Status Engine::AppendDelete(runtime::Context& ctx, const Uuid& collection,
                            std::vector<std::string> ids, const model::RequestTag& tag) {
  if (ids.empty()) return Status::Ok();
  model::RecordBatch batch;
  batch.operation = model::Operation::kDelete;
  batch.ids = std::move(ids);
  const uint32_t count = static_cast<uint32_t>(batch.size());
  return Append(ctx, collection, log::EncodeBatch(batch, tag.id), count);
}

// Who writes makes what searches need of it. They would else come to wait, one of them for all that
// was written since the one before.
Status Engine::Append(runtime::Context& ctx, const Uuid& collection, Bytes entry, uint32_t count) {
  const auto prepare = [&](uint64_t end) { node_.Prepare(collection, end); };
  return log_.Append(ctx, collection, std::move(entry), count, prepare).status();
}

Result<std::optional<uint32_t>> Engine::FindDone(runtime::Context& ctx,
                                                 const CollectionRef& collection,
                                                 const model::RequestTag& tag) {
  if (tag.id == 0) return std::optional<uint32_t>();
  if (!tag.repeated) {
    if (!repeats_.Contains(tag.id)) return std::optional<uint32_t>();
    return Status::Cancelled("the request was sent again meanwhile");
  }
  // Before the log is read: what comes from now on sees it, and in a gate for itself nothing that
  // came before is under way.
  repeats_.Add(tag.id);
  if (CHROMA_PLANTED_BUG("engine.repeat_blindly")) return std::optional<uint32_t>();
  return ReadVersion(ctx, collection, [&](const segment::VersionRef& version) {
    return node_.FindRequest(ctx, version, tag);
  });
}

// ---- reads

Result<executor::Records> Engine::Get(runtime::Context& ctx, const CollectionRef& collection,
                                      const GetRequest& request) {
  const bool few_ids = request.ids && request.ids->size() <= kAtOnceIdsMax;
  if (!few_ids || request.where || request.where_document) CHROMA_TRY(ctx.CheckMayWait());
  planner::GetPlan plan;
  index::RegexSet regexes = planner::RegexesOf(ctx);
  CHROMA_ASSIGN(plan.predicate, planner::PlanPredicate(request.ids, request.where,
                                                       request.where_document, &regexes));
  for (const std::optional<model::Filter>* filter : {&request.where, &request.where_document}) {
    if (*filter) CHROMA_TRY(model::ValidateFilterAgainstSchema(**filter, collection->schema));
  }
  plan.offset = request.offset;
  plan.limit = request.limit;
  plan.include = request.include;
  return ReadVersion(ctx, collection, [&](const segment::VersionRef& version) {
    return node_.Get(ctx, version, plan);
  });
}

Result<planner::QueryPlan> Engine::PlanQuery(runtime::Context& ctx,
                                             const model::Collection& collection,
                                             const QueryRequest& request) const {
  planner::QueryPlan plan;
  index::RegexSet regexes = planner::RegexesOf(ctx);
  CHROMA_ASSIGN(plan.predicate, planner::PlanPredicate(request.ids, request.where,
                                                       request.where_document, &regexes));
  CHROMA_TRY(model::ValidateDimensions(request.query_lengths, collection.dimension));
  for (const std::optional<model::Filter>* filter : {&request.where, &request.where_document}) {
    if (*filter) CHROMA_TRY(model::ValidateFilterAgainstSchema(**filter, collection.schema));
  }
  plan.queries = request.queries;
  plan.n_results = request.n_results;
  plan.rows_max = options_.query_rows_max;
  plan.answer_bytes_max = options_.query_answer_bytes_max;
  plan.space = collection.schema.space();
  plan.tuning = TuningOf(collection);
  plan.include = request.include;
  return plan;
}

Result<executor::QueryResult> Engine::Query(runtime::Context& ctx, const CollectionRef& collection,
                                            const QueryRequest& request) {
  if (request.ids || request.where || request.where_document) CHROMA_TRY(ctx.CheckMayWait());
  CHROMA_ASSIGN(const planner::QueryPlan plan, PlanQuery(ctx, *collection, request));
  if (!collection->dimension) {
    executor::QueryResult nothing;
    nothing.records.resize(request.query_lengths.size());
    nothing.distances.resize(request.query_lengths.size());
    return nothing;
  }
  return ReadVersion(ctx, collection, [&](const segment::VersionRef& version) {
    return node_.Query(ctx, version, plan);
  });
}

Result<planner::SearchBatchPlan> Engine::PlanSearches(
    runtime::Context& ctx, const model::Collection& collection,
    const std::vector<model::Search>& searches) const {
  planner::SearchBatchPlan plan;
  index::RegexSet regexes = planner::RegexesOf(ctx);
  CHROMA_ASSIGN(const auto embedded, EmbedQueries(collection.schema, searches));
  for (const model::Search& search : embedded ? *embedded : searches) {
    CHROMA_TRY(
        model::ValidateSearchAgainstCollection(search, collection.schema, collection.dimension));
    CHROMA_ASSIGN(planner::SearchPlan planned,
                  planner::PlanSearch(search, collection.schema, &regexes));
    plan.searches.push_back(std::move(planned));
  }
  plan.space = collection.schema.space();
  plan.tuning = TuningOf(collection);
  plan.rows_max = options_.query_rows_max;
  plan.answer_bytes_max = options_.query_answer_bytes_max;
  return plan;
}

Result<executor::SearchResult> Engine::Search(runtime::Context& ctx,
                                              const CollectionRef& collection,
                                              const SearchRequest& request) {
  CHROMA_TRY(model::ValidateSearches(request.searches));
  CHROMA_ASSIGN(const planner::SearchBatchPlan plan,
                PlanSearches(ctx, *collection, request.searches));
  if (!collection->dimension) {
    executor::SearchResult nothing;
    nothing.records.resize(request.searches.size());
    nothing.scores.resize(request.searches.size());
    return nothing;
  }
  return ReadVersion(ctx, collection, [&](const segment::VersionRef& version) {
    return node_.Search(ctx, version, plan);
  });
}

Result<uint64_t> Engine::Count(runtime::Context& ctx, const CollectionRef& collection) {
  return ReadVersion(ctx, collection, [&](const segment::VersionRef& version) {
    return node_.Count(ctx, version, planner::CountPlan{});
  });
}

Result<executor::RecallReport> Engine::MeasureRecall(runtime::Context& ctx,
                                                     const CollectionRef& collection,
                                                     uint32_t queries, uint32_t n_results) {
  constexpr uint32_t kQueriesMax = 10'000;
  constexpr uint32_t kResultsMax = 1'000;
  if (queries == 0 || queries > kQueriesMax || n_results == 0 || n_results > kResultsMax) {
    return Status::InvalidArgument("n_queries must be from 1 to " + std::to_string(kQueriesMax) +
                                   " and n_results from 1 to " + std::to_string(kResultsMax));
  }
  const planner::RecallPlan plan{queries, n_results, collection->schema.space(),
                                 TuningOf(*collection)};
  return ReadVersion(ctx, collection, [&](const segment::VersionRef& version) {
    return node_.MeasureRecall(ctx, version, plan);
  });
}

Result<IndexingStatus> Engine::GetIndexingStatus(runtime::Context& ctx,
                                                 const CollectionRef& collection) {
  const Result<executor::CollectionStatus> status = Describe(ctx, collection);
  if (!status.ok()) return status.status();
  return IndexingStatus{status->indexed_operations,
                        status->total_operations - status->indexed_operations};
}

}  // namespace chroma::engine
