// What the engine answers beyond upstream (docs/extensions.md).
#include "engine/read_version.h"
#include "model/limits.h"
#include "model/validate.h"
#include "planner/planner.h"

namespace chroma::engine {
namespace {

// The filters of a request as one predicate, checked against the schema.
template <typename Request>
Result<std::optional<planner::Predicate>> PlanFilters(runtime::Context& ctx, const Request& request,
                                                      const model::Schema& schema) {
  index::RegexSet regexes = planner::RegexesOf(ctx);
  auto predicate =
      planner::PlanPredicate(request.ids, request.where, request.where_document, &regexes);
  if (!predicate.ok()) return predicate;
  for (const std::optional<model::Filter>* filter : {&request.where, &request.where_document}) {
    if (*filter) CHROMA_TRY(model::ValidateFilterAgainstSchema(**filter, schema));
  }
  return predicate;
}

Result<planner::ListPlan> PlanList(runtime::Context& ctx, const ListRequest& request,
                                   const model::Schema& schema) {
  planner::ListPlan plan;
  CHROMA_TRY(model::ValidateOrder(request.order_by));
  if (request.highlight) CHROMA_TRY(model::ValidateHighlight(*request.highlight));
  CHROMA_ASSIGN(plan.get.predicate, PlanFilters(ctx, request, schema));
  plan.get.offset = request.offset;
  plan.get.limit = request.limit;
  plan.get.include = request.include;
  plan.order_by = request.order_by;
  plan.highlight = request.highlight;
  return plan;
}

}  // namespace

Result<executor::ListResult> Engine::List(runtime::Context& ctx, const CollectionRef& collection,
                                          const ListRequest& request) {
  CHROMA_ASSIGN(planner::ListPlan plan, PlanList(ctx, request, collection->schema));
  plan.highlight_bytes_max = options_.query_answer_bytes_max;
  return ReadVersion(ctx, collection, [&](const segment::VersionRef& version) {
    return node_.List(ctx, version, plan);
  });
}

Result<executor::Explanation> Engine::Explain(runtime::Context& ctx,
                                              const CollectionRef& collection,
                                              const ExplainRequest& request) {
  planner::ExplainPlan plan;
  if (request.records.size() > model::kExplainedRecordsMax) {
    return Status::InvalidArgument("Validation error: records: more than " +
                                   std::to_string(model::kExplainedRecordsMax) + " records");
  }
  plan.records = request.records;
  if (const auto* list = std::get_if<ListRequest>(&request.request)) {
    CHROMA_ASSIGN(plan.plan, PlanList(ctx, *list, collection->schema));
  } else if (const auto* query = std::get_if<QueryRequest>(&request.request)) {
    if (query->query_lengths.size() != 1) {
      return Status::InvalidArgument(
          "Validation error: query.query_embeddings: one vector at a time is explained");
    }
    CHROMA_ASSIGN(plan.plan, PlanQuery(ctx, *collection, *query));
  } else {
    const std::vector<model::Search> one = {std::get<model::Search>(request.request)};
    CHROMA_TRY(model::ValidateSearches(one));
    CHROMA_ASSIGN(plan.plan, PlanSearches(ctx, *collection, one));
  }
  return ReadVersion(ctx, collection, [&](const segment::VersionRef& version) {
    return node_.Explain(ctx, version, plan);
  });
}

Result<executor::FacetResult> Engine::Facets(runtime::Context& ctx, const CollectionRef& collection,
                                             const FacetsRequest& request) {
  CHROMA_TRY(model::ValidateFacets(request.facets));
  planner::FacetsPlan plan;
  CHROMA_ASSIGN(plan.predicate, PlanFilters(ctx, request, collection->schema));
  plan.facets = request.facets;
  plan.answer_bytes_max = options_.query_answer_bytes_max;
  return ReadVersion(ctx, collection, [&](const segment::VersionRef& version) {
    return node_.Facets(ctx, version, plan);
  });
}

Result<executor::CollectionStatus> Engine::Describe(runtime::Context& ctx,
                                                    const CollectionRef& collection) {
  return ReadVersion(ctx, collection, [&](const segment::VersionRef& version) {
    return node_.Describe(ctx, version, collection->schema);
  });
}

Status Engine::Compact(runtime::Context& ctx, const CollectionRef& collection) {
  CHROMA_TRY(CheckWritable());
  const runtime::Context::LongWait wait(ctx);
  if (!wait.granted()) {
    return Status::Unavailable("Too many requests wait for compaction; try again later");
  }
  return observer_.Compact(ctx, collection->id);
}

}  // namespace chroma::engine
