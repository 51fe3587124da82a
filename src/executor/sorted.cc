#include "executor/sorted.h"

#include <algorithm>
#include <compare>
#include <memory>
#include <string_view>
#include <utility>

#include "executor/filter.h"
#include "executor/part_name.h"
#include "executor/scan.h"
#include "model/schema.h"

namespace chroma::executor {
namespace {

using segment::KeyValues;
using segment::Part;
using segment::ValueView;

// The ids of a part as if they were values of a key.
class IdValues final : public KeyValues {
 public:
  explicit IdValues(const Part& part) : part_(part) {}
  ValueView At(uint32_t row) const override {
    const Result<std::string_view> id = part_.Id(row);
    return id.ok() ? ValueView(*id) : ValueView();
  }
  Status Count(runtime::Context&, const Bitmap&, segment::ValueCounts*) const override {
    return Status::Unimplemented("ids are not counted");
  }

 private:
  const Part& part_;
};

bool IsNone(const ValueView& view) {
  return std::holds_alternative<std::monostate>(view);
}

std::weak_ordering Directed(std::weak_ordering order, bool descending) {
  return descending ? 0 <=> order : order;
}

// The keys of one part. The last of them are the ids, which no two rows share.
struct SortedPart {
  std::vector<std::unique_ptr<KeyValues>> keys;
};

class Sorter {
 public:
  explicit Sorter(const std::vector<model::SortKey>& order_by) : order_by_(order_by) {
    order_by_.push_back({std::string(model::kIdKey), false});
  }

  Result<SortedPart> Open(const Part& part, const Bitmap& rows) const {
    SortedPart opened;
    for (const model::SortKey& key : order_by_) {
      if (key.key == model::kIdKey) {
        if (!rows.Empty()) CHROMA_TRY(part.Id(0).status());  // ids can be read, or none can
        opened.keys.push_back(std::make_unique<IdValues>(part));
      } else {
        CHROMA_ASSIGN(auto values, part.Key(key.key, rows));
        opened.keys.push_back(std::move(values));
      }
    }
    return opened;
  }

  // Keeps the first `wanted` of the part's rows in the order, themselves in no order.
  void KeepFirst(const SortedPart& part, uint64_t wanted, std::vector<uint32_t>* rows) const {
    KeepFirst(part, 0, wanted, rows);
  }

  bool Before(const SortedPart& part_a, uint32_t row_a, const SortedPart& part_b,
              uint32_t row_b) const {
    for (size_t i = 0; i < order_by_.size(); ++i) {
      const ValueView a = part_a.keys[i]->At(row_a);
      const ValueView b = part_b.keys[i]->At(row_b);
      if (IsNone(a) || IsNone(b)) {
        if (IsNone(a) != IsNone(b)) return IsNone(b);
        continue;
      }
      const auto order = Directed(segment::CompareViews(a, b), order_by_[i].descending);
      if (order != 0) return order < 0;
    }
    return false;
  }

 private:
  // From key `i` on; all rows are equal in those before it.
  void KeepFirst(const SortedPart& part, size_t i, uint64_t wanted,
                 std::vector<uint32_t>* rows) const {
    if (rows->size() <= wanted || i == order_by_.size()) return;
    if (wanted == 0) return rows->clear();
    const KeyValues& key = *part.keys[i];
    if (key.has_codes()) {
      Divide(part, i, wanted, rows, [&](uint32_t row) { return key.Code(row); });
    } else {
      Divide(part, i, wanted, rows, [&](uint32_t row) -> std::optional<ValueView> {
        ValueView view = key.At(row);
        return IsNone(view) ? std::nullopt : std::optional(std::move(view));
      });
    }
  }

  static std::weak_ordering Compare(uint64_t a, uint64_t b) { return a <=> b; }
  static std::weak_ordering Compare(const ValueView& a, const ValueView& b) {
    return segment::CompareViews(a, b);
  }

  // Takes what is surely among the first, and lets the next key decide between those that are equal
  // at the bound. value_of(row) is what key `i` compares, none where the row does not have it.
  template <typename ValueOf>
  void Divide(const SortedPart& part, size_t i, uint64_t wanted, std::vector<uint32_t>* rows,
              ValueOf value_of) const {
    using Value = typename decltype(value_of(0))::value_type;
    std::vector<std::pair<Value, uint32_t>> valued;
    std::vector<uint32_t> without;
    for (const uint32_t row : *rows) {
      if (auto value = value_of(row)) {
        valued.emplace_back(*std::move(value), row);
      } else {
        without.push_back(row);
      }
    }
    rows->clear();
    if (valued.size() <= wanted) {
      for (const auto& [value, row] : valued) rows->push_back(row);
      KeepFirst(part, i + 1, wanted - valued.size(), &without);
      rows->insert(rows->end(), without.begin(), without.end());
      return;
    }
    const bool descending = order_by_[i].descending;
    const auto bound = valued.begin() + static_cast<ptrdiff_t>(wanted - 1);
    std::nth_element(valued.begin(), bound, valued.end(), [&](const auto& a, const auto& b) {
      return Directed(Compare(a.first, b.first), descending) < 0;
    });
    const Value at_bound = bound->first;
    std::vector<uint32_t> equal;
    for (const auto& [value, row] : valued) {
      const auto order = Directed(Compare(value, at_bound), descending);
      if (order < 0) rows->push_back(row);
      if (order == 0) equal.push_back(row);
    }
    KeepFirst(part, i + 1, wanted - rows->size(), &equal);
    rows->insert(rows->end(), equal.begin(), equal.end());
  }

  std::vector<model::SortKey> order_by_;
};

}  // namespace

Result<std::vector<RowRef>> SelectList(runtime::Context& ctx, const segment::Snapshot& snapshot,
                                       const planner::ListPlan& plan, runtime::ThreadPool* pool,
                                       Trace* trace) {
  const planner::GetPlan& get = plan.get;
  const planner::Predicate* predicate = get.predicate ? &*get.predicate : nullptr;
  if (plan.order_by.empty()) {
    return SelectInOrder(ctx, snapshot, predicate, get.offset, get.limit, pool, trace);
  }
  const uint64_t wanted = get.limit ? uint64_t{get.offset} + *get.limit : snapshot.live;
  const Sorter sorter(plan.order_by);
  std::vector<SortedPart> parts;
  std::vector<RowRef> refs;
  for (uint32_t i = 0; i < snapshot.parts.size(); ++i) {
    const segment::SnapshotPart& part = snapshot.parts[i];
    const PartStep step(trace, snapshot, i);
    CHROMA_ASSIGN(const Bitmap selected, SelectRows(ctx, predicate, part, {kAllRows, pool, trace}));
    CHROMA_ASSIGN(SortedPart opened, sorter.Open(*part.part, selected));
    std::vector<uint32_t> rows = selected.ToVector();
    CHROMA_TRY(ctx.Check());
    sorter.KeepFirst(opened, wanted, &rows);
    for (const uint32_t row : rows) refs.push_back({i, row});
    parts.push_back(std::move(opened));
    step.Done(rows.size());
  }
  CHROMA_TRY(ctx.Check());
  if (trace != nullptr) trace->Begin("order_by", refs.size());
  const auto end = refs.begin() + static_cast<ptrdiff_t>(std::min<uint64_t>(wanted, refs.size()));
  std::partial_sort(refs.begin(), end, refs.end(), [&](const RowRef& a, const RowRef& b) {
    return sorter.Before(parts[a.part], a.row, parts[b.part], b.row);
  });
  refs.erase(end, refs.end());
  refs.erase(refs.begin(),
             refs.begin() + static_cast<ptrdiff_t>(std::min<size_t>(get.offset, refs.size())));
  if (trace != nullptr) trace->End(refs.size());
  return refs;
}

}  // namespace chroma::executor
