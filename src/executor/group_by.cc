#include "executor/group_by.h"

#include <algorithm>
#include <compare>
#include <string>
#include <utility>

#include "executor/rank_eval.h"
#include "model/metadata_order.h"

namespace chroma::executor {
namespace {

using model::MetadataValue;

// A row with the values that decide where it goes: first those of the group's keys, then those of
// the aggregate's. A key that the record lacks has null, which is less than any value.
struct GroupedRow {
  Neighbor row;
  std::vector<MetadataValue> values;
};

class Grouping {
 public:
  explicit Grouping(const model::GroupBy& group_by)
      : group_keys_(group_by.keys.size()),
        keys_(group_by.keys),
        largest_(group_by.aggregate->largest) {
    const std::vector<std::string>& more = group_by.aggregate->keys;
    keys_.insert(keys_.end(), more.begin(), more.end());
  }

  GroupedRow Describe(const Neighbor& row, const model::Metadata& metadata) const {
    GroupedRow grouped{row, std::vector<MetadataValue>(keys_.size())};
    for (size_t i = 0; i < keys_.size(); ++i) {
      const MetadataValue* value = metadata.Find(keys_[i]);
      if (value != nullptr) grouped.values[i] = *value;
    }
    return grouped;
  }

  std::weak_ordering CompareGroups(const GroupedRow& a, const GroupedRow& b) const {
    for (size_t i = 0; i < group_keys_; ++i) {
      const auto order = model::CompareValues(a.values[i], b.values[i]);
      if (order != 0) return order;
    }
    return std::weak_ordering::equivalent;
  }

  // By group, and inside it the best first.
  bool Before(const GroupedRow& a, const GroupedRow& b) const {
    if (const auto order = CompareGroups(a, b); order != 0) return order < 0;
    for (size_t i = group_keys_; i < keys_.size(); ++i) {
      const std::weak_ordering order = keys_[i] == model::kScoreKey
                                           ? model::CompareTotally(a.row.distance, b.row.distance)
                                           : model::CompareValues(a.values[i], b.values[i]);
      if (order != 0) return largest_ ? order > 0 : order < 0;
    }
    return ScoresBefore(a.row, b.row);
  }

 private:
  const size_t group_keys_;
  std::vector<std::string> keys_;
  const bool largest_;
};

// The metadata of every row is read part by part, some rows at a time.
Status DescribeAll(runtime::Context& ctx, const segment::Snapshot& snapshot,
                   const Grouping& grouping, std::vector<Neighbor>* rows,
                   std::vector<GroupedRow>* out) {
  constexpr size_t kRowsAtATime = 4096;
  std::sort(rows->begin(), rows->end(), [](const Neighbor& a, const Neighbor& b) {
    return a.part != b.part ? a.part < b.part : a.row < b.row;
  });
  out->reserve(rows->size());
  std::vector<uint32_t> numbers;
  std::vector<model::Metadata> metadata;
  for (size_t begin = 0; begin < rows->size(); begin += numbers.size()) {
    CHROMA_TRY(ctx.Check());
    const uint32_t part = (*rows)[begin].part;
    numbers.clear();
    metadata.clear();
    for (size_t i = begin; i < rows->size() && numbers.size() < kRowsAtATime; ++i) {
      if ((*rows)[i].part != part) break;
      numbers.push_back((*rows)[i].row);
    }
    CHROMA_TRY(snapshot.parts[part].part->ReadMetadata(numbers, &metadata));
    for (size_t i = 0; i < numbers.size(); ++i) {
      out->push_back(grouping.Describe((*rows)[begin + i], metadata[i]));
    }
  }
  return Status::Ok();
}

}  // namespace

Status KeepBestOfGroups(runtime::Context& ctx, const segment::Snapshot& snapshot,
                        const model::GroupBy& group_by, std::vector<Neighbor>* rows) {
  const Grouping grouping(group_by);
  std::vector<GroupedRow> grouped;
  CHROMA_TRY(DescribeAll(ctx, snapshot, grouping, rows, &grouped));
  std::sort(grouped.begin(), grouped.end(),
            [&](const GroupedRow& a, const GroupedRow& b) { return grouping.Before(a, b); });
  rows->clear();
  uint32_t of_group = 0;
  for (size_t i = 0; i < grouped.size(); ++i) {
    if (i > 0 && grouping.CompareGroups(grouped[i - 1], grouped[i]) != 0) of_group = 0;
    if (of_group < group_by.aggregate->k) rows->push_back(grouped[i].row);
    ++of_group;
  }
  return Status::Ok();
}

}  // namespace chroma::executor
