#include "executor/group_by.h"

#include <algorithm>
#include <compare>
#include <memory>
#include <string>
#include <utility>

#include "executor/rank_eval.h"
#include "model/metadata_order.h"
#include "segment/key_values.h"

namespace chroma::executor {
namespace {

using segment::ValueView;

// The first of equal keys of `keys` that are not in `known`; later ones decide nothing.
std::vector<std::string> Distinct(const std::vector<std::string>& keys,
                                  const std::vector<std::string>& known) {
  std::vector<std::string> distinct;
  for (const std::string& key : keys) {
    const auto has = [&](const std::vector<std::string>& list) {
      return std::find(list.begin(), list.end(), key) != list.end();
    };
    if (!has(known) && !has(distinct)) distinct.push_back(key);
  }
  return distinct;
}

// What the rows, which are ordered by part and row, have under the key: a null, which is less than
// any value, where they have nothing. Views live as long as `opened`.
Status ReadKey(runtime::Context& ctx, const segment::Snapshot& snapshot, const std::string& key,
               const std::vector<Neighbor>& rows,
               std::vector<std::unique_ptr<segment::KeyValues>>* opened,
               std::vector<ValueView>* views) {
  constexpr size_t kRowsPerCheck = 4096;
  std::vector<uint32_t> numbers;
  for (size_t begin = 0; begin < rows.size(); begin += numbers.size()) {
    const uint32_t part = rows[begin].part;
    numbers.clear();
    for (size_t i = begin; i < rows.size() && rows[i].part == part; ++i) {
      numbers.push_back(rows[i].row);
    }
    const Bitmap of_part = Bitmap::FromSorted(numbers.data(), numbers.size());
    CHROMA_ASSIGN(auto values, snapshot.parts[part].part->Key(key, of_part));
    for (size_t i = 0; i < numbers.size(); ++i) {
      if (i % kRowsPerCheck == 0) CHROMA_TRY(ctx.Check());
      views->push_back(values->At(numbers[i]));
    }
    opened->push_back(std::move(values));
  }
  return Status::Ok();
}

// Gives the rows places in the order of keys, one key after the other, so that the values of one
// key are held at a time. Rows that are equal in all keys so far have one place.
class Placing {
 public:
  Placing(runtime::Context& ctx, const segment::Snapshot& snapshot, std::vector<Neighbor>* rows)
      : ctx_(ctx), snapshot_(snapshot), rows_(*rows), places_(rows->size()) {
    std::sort(rows_.begin(), rows_.end(), [](const Neighbor& a, const Neighbor& b) {
      return a.part != b.part ? a.part < b.part : a.row < b.row;
    });
  }

  Status By(const std::string& key, bool descending) {
    CHROMA_TRY(ctx_.Check());
    if (key == model::kScoreKey) {
      Refine(descending, [&](size_t a, size_t b) {
        return model::CompareTotally(rows_[a].distance, rows_[b].distance);
      });
      return Status::Ok();
    }
    std::vector<std::unique_ptr<segment::KeyValues>> opened;
    std::vector<ValueView> views;
    views.reserve(rows_.size());
    CHROMA_TRY(ReadKey(ctx_, snapshot_, key, rows_, &opened, &views));
    Refine(descending,
           [&](size_t a, size_t b) { return segment::CompareViews(views[a], views[b]); });
    return Status::Ok();
  }

  // By row of `rows`. Places count from 0.
  const std::vector<uint32_t>& places() const { return places_; }

 private:
  // Those that have one place are told apart by `compare`.
  template <typename Compare>
  void Refine(bool descending, Compare compare) {
    std::vector<uint32_t> order(rows_.size());
    for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
    const auto by_value = [&](uint32_t a, uint32_t b) -> std::weak_ordering {
      if (places_[a] != places_[b]) return places_[a] <=> places_[b];
      return descending ? compare(b, a) : compare(a, b);
    };
    std::sort(order.begin(), order.end(),
              [&](uint32_t a, uint32_t b) { return by_value(a, b) < 0; });
    std::vector<uint32_t> refined(order.size());
    for (size_t i = 1; i < order.size(); ++i) {
      refined[order[i]] = refined[order[i - 1]] + (by_value(order[i - 1], order[i]) < 0 ? 1 : 0);
    }
    places_ = std::move(refined);
  }

  runtime::Context& ctx_;
  const segment::Snapshot& snapshot_;
  std::vector<Neighbor>& rows_;
  std::vector<uint32_t> places_;
};

}  // namespace

uint64_t GroupKeysRead(const model::GroupBy& group_by) {
  return Distinct(group_by.keys, {}).size() +
         Distinct(group_by.aggregate->keys, group_by.keys).size();
}

Status KeepBestOfGroups(runtime::Context& ctx, const segment::Snapshot& snapshot,
                        const model::GroupBy& group_by, std::vector<Neighbor>* rows) {
  Placing placing(ctx, snapshot, rows);
  for (const std::string& key : Distinct(group_by.keys, {})) CHROMA_TRY(placing.By(key, false));
  const std::vector<uint32_t> groups = placing.places();
  for (const std::string& key : Distinct(group_by.aggregate->keys, group_by.keys)) {
    CHROMA_TRY(placing.By(key, group_by.aggregate->largest));
  }
  // By group, and inside it the best first.
  const std::vector<uint32_t>& places = placing.places();
  std::vector<uint32_t> order(rows->size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return places[a] != places[b] ? places[a] < places[b] : ScoresBefore((*rows)[a], (*rows)[b]);
  });
  std::vector<Neighbor> kept;
  uint32_t of_group = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    if (i > 0 && groups[order[i - 1]] != groups[order[i]]) of_group = 0;
    if (of_group < group_by.aggregate->k) kept.push_back((*rows)[order[i]]);
    ++of_group;
  }
  *rows = std::move(kept);
  return Status::Ok();
}

}  // namespace chroma::executor
