#include "executor/facets.h"

#include <algorithm>
#include <utility>

#include "executor/filter.h"
#include "model/metadata_order.h"

namespace chroma::executor {
namespace {

using segment::ValueCount;
using segment::ValueCounts;

FacetValues FirstOf(const model::Facet& facet, const ValueCounts& counts) {
  FacetValues result{facet.key, counts.records(), 0, counts.Take()};
  std::vector<ValueCount>& values = result.values;
  result.distinct = values.size();
  const auto before = [&](const ValueCount& a, const ValueCount& b) {
    if (!facet.by_value && a.count != b.count) return a.count > b.count;
    return model::CompareValues(a.value, b.value) < 0;
  };
  const size_t shown = std::min<size_t>(facet.limit, values.size());
  const auto end = values.begin() + static_cast<ptrdiff_t>(shown);
  std::partial_sort(values.begin(), end, values.end(), before);
  values.erase(end, values.end());
  return result;
}

}  // namespace

Result<FacetResult> CountFacets(runtime::Context& ctx, const segment::Snapshot& snapshot,
                                const planner::FacetsPlan& plan, runtime::ThreadPool* pool) {
  FacetResult result;
  std::vector<ValueCounts> counts(plan.facets.size());
  const planner::Predicate* predicate = plan.predicate ? &*plan.predicate : nullptr;
  for (const segment::SnapshotPart& part : snapshot.parts) {
    CHROMA_ASSIGN(const Bitmap rows, SelectRows(ctx, predicate, part, {kAllRows, pool}));
    result.count += rows.Count();
    for (size_t i = 0; i < counts.size() && !rows.Empty(); ++i) {
      CHROMA_ASSIGN(const auto values, part.part->Key(plan.facets[i].key, rows));
      CHROMA_TRY(values->Count(ctx, rows, &counts[i]));
    }
  }
  for (size_t i = 0; i < counts.size(); ++i) {
    result.facets.push_back(FirstOf(plan.facets[i], counts[i]));
  }
  return result;
}

}  // namespace chroma::executor
