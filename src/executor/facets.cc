#include "executor/facets.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <string_view>
#include <utility>

#include "executor/answer_size.h"
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
  // No more memory than those that are shown take.
  values = {std::make_move_iterator(values.begin()), std::make_move_iterator(end)};
  return result;
}

uint64_t SizeBytes(const FacetValues& facet) {
  constexpr uint64_t kTextBytesPerValue = 64;
  uint64_t size_bytes = 0;
  for (const ValueCount& one : facet.values) {
    const auto* text = std::get_if<std::string>(&one.value);
    size_bytes += sizeof(one) + kTextBytesPerValue + (text == nullptr ? 0 : 2 * text->size());
  }
  return size_bytes;
}

}  // namespace

Result<FacetResult> CountFacets(runtime::Context& ctx, const segment::Snapshot& snapshot,
                                const planner::FacetsPlan& plan, runtime::ThreadPool* pool) {
  FacetResult result;
  const planner::Predicate* predicate = plan.predicate ? &*plan.predicate : nullptr;
  std::vector<Bitmap> rows;  // per part
  for (const segment::SnapshotPart& part : snapshot.parts) {
    CHROMA_ASSIGN(Bitmap selected, SelectRows(ctx, predicate, part, {kAllRows, pool}));
    result.count += selected.Count();
    rows.push_back(std::move(selected));
  }
  std::map<std::string_view, std::vector<size_t>> by_key;
  for (size_t i = 0; i < plan.facets.size(); ++i) by_key[plan.facets[i].key].push_back(i);
  result.facets.resize(plan.facets.size());
  AnswerSize answer(ctx, {plan.answer_bytes_max, "lower the limits of its facets"});
  // Of one key at a time, since every record may have another value.
  uint64_t reserved_bytes = 0;
  for (const auto& [key, facets] : by_key) {
    ValueCounts counts;
    for (size_t i = 0; i < rows.size(); ++i) {
      if (rows[i].Empty()) continue;
      CHROMA_ASSIGN(const auto values, snapshot.parts[i].part->Key(key, rows[i]));
      CHROMA_TRY(values->Count(ctx, rows[i], &counts));
      if (counts.SizeBytes() <= reserved_bytes) continue;
      CHROMA_TRY(ctx.ReserveAnswer(counts.SizeBytes() - reserved_bytes));
      reserved_bytes = counts.SizeBytes();
    }
    for (const size_t i : facets) {
      CHROMA_TRY(ctx.Check());
      result.facets[i] = FirstOf(plan.facets[i], counts);
      CHROMA_TRY(answer.Add(SizeBytes(result.facets[i])));
    }
  }
  return result;
}

}  // namespace chroma::executor
