// What the engine answers beyond upstream (docs/extensions.md).
#include "engine/read_version.h"
#include "model/validate.h"
#include "planner/planner.h"

namespace chroma::engine {
namespace {

// The filters of a request as one predicate, checked against the schema.
template <typename Request>
Result<std::optional<planner::Predicate>> PlanFilters(const Request& request,
                                                      const model::Schema& schema) {
  auto predicate = planner::PlanPredicate(request.ids, request.where, request.where_document);
  if (!predicate.ok()) return predicate;
  for (const std::optional<model::Filter>* filter : {&request.where, &request.where_document}) {
    if (*filter) CHROMA_TRY(model::ValidateFilterAgainstSchema(**filter, schema));
  }
  return predicate;
}

}  // namespace

Result<executor::FacetResult> Engine::Facets(runtime::Context& ctx, const CollectionRef& collection,
                                             const FacetsRequest& request) {
  CHROMA_TRY(model::ValidateFacets(request.facets));
  planner::FacetsPlan plan;
  CHROMA_ASSIGN(plan.predicate, PlanFilters(request, collection->schema));
  plan.facets = request.facets;
  return ReadVersion(ctx, collection, [&](const segment::VersionRef& version) {
    return node_.Facets(ctx, version, plan);
  });
}

}  // namespace chroma::engine
