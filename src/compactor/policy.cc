#include "compactor/policy.h"

#include <algorithm>
#include <numeric>
#include <span>

namespace chroma::compactor {
namespace {

// What a merge would leave of the segment, if its rows are about equally large.
SegmentSize LiveOf(const SegmentSize& segment) {
  if (segment.dead == 0 || segment.rows == 0) return segment;
  const uint64_t live = segment.rows - std::min(segment.rows, segment.dead);
  const double share = static_cast<double>(live) / static_cast<double>(segment.rows);
  return {static_cast<uint64_t>(static_cast<double>(segment.size_bytes) * share), live, 0};
}

// More than half of the cap: no two of these fit into one segment.
bool IsFull(const Policy& policy, const SegmentSize& segment) {
  const SegmentSize live = LiveOf(segment);
  return live.size_bytes > policy.segment_bytes_max / 2 || live.rows > policy.segment_rows_max / 2;
}

int TierOf(const Policy& policy, uint64_t size_bytes) {
  int tier = 0;
  for (uint64_t limit = policy.smallest_tier_bytes; size_bytes > limit; limit *= policy.fan_in) {
    ++tier;
  }
  return tier;
}

// Candidates in the order of their sizes.
std::vector<size_t> SmallestFirst(const std::vector<SegmentSize>& segments,
                                  std::vector<size_t> candidates) {
  const auto bytes_of = [&](size_t i) { return LiveOf(segments[i]).size_bytes; };
  std::stable_sort(candidates.begin(), candidates.end(),
                   [&](size_t a, size_t b) { return bytes_of(a) < bytes_of(b); });
  return candidates;
}

std::vector<size_t> All(const std::vector<SegmentSize>& segments) {
  std::vector<size_t> all(segments.size());
  std::iota(all.begin(), all.end(), size_t{0});
  return all;
}

bool IsWorth(const Policy& policy, uint64_t part, uint64_t whole) {
  return whole > 0 &&
         static_cast<double>(part) >= policy.idle_share_min * static_cast<double>(whole);
}

bool IsRotten(const Policy& policy, const SegmentSize& segment) {
  return static_cast<double>(segment.dead) >
         policy.dead_share_max * static_cast<double>(segment.rows);
}

// What becomes one segment, together with the tail.
class Merge {
 public:
  Merge(const Policy& policy, const std::vector<SegmentSize>& segments, const SegmentSize& tail)
      : policy_(policy),
        segments_(segments),
        tail_(tail),
        bytes_(tail.size_bytes),
        rows_(tail.rows) {}

  bool Add(size_t i) {
    const SegmentSize live = LiveOf(segments_[i]);
    if (bytes_ + live.size_bytes > policy_.segment_bytes_max) return false;
    if (rows_ + live.rows > policy_.segment_rows_max) return false;
    Put(i, live);
    return true;
  }
  // As many as fit, in this order.
  void Fill(std::span<const size_t> candidates) {
    for (const size_t i : candidates) Add(i);
  }
  // A segment that is larger than what a merge may make is written again alone, if that makes it
  // smaller.
  void AddOversized(size_t i) {
    const SegmentSize live = LiveOf(segments_[i]);
    if (!members_.empty() || bytes_ + live.size_bytes >= segments_[i].size_bytes) return;
    if (rows_ + live.rows < segments_[i].rows) Put(i, live);
  }
  size_t size() const { return members_.size(); }
  bool Contains(size_t i) const {
    return std::find(members_.begin(), members_.end(), i) != members_.end();
  }
  // Whether segments get fewer by it than without it, or dead rows.
  bool Gains() const {
    return members_.size() > 1 || dead_ > 0 || (members_.size() == 1 && tail_.rows > 0);
  }
  // The same, and that it is much for what is written.
  bool GainsMuch() const {
    const uint64_t bytes = bytes_before_ + tail_.size_bytes;
    return Gains() && (IsWorth(policy_, bytes - largest_bytes_, bytes) ||
                       IsWorth(policy_, dead_, rows_before_));
  }
  std::vector<size_t> Members() const {
    std::vector<size_t> members = members_;
    std::sort(members.begin(), members.end());
    return members;
  }

 private:
  void Put(size_t i, const SegmentSize& live) {
    members_.push_back(i);
    bytes_ += live.size_bytes;
    rows_ += live.rows;
    dead_ += segments_[i].dead;
    bytes_before_ += segments_[i].size_bytes;
    rows_before_ += segments_[i].rows;
    largest_bytes_ = std::max(largest_bytes_, segments_[i].size_bytes);
  }

  const Policy& policy_;
  const std::vector<SegmentSize>& segments_;
  const SegmentSize tail_;
  std::vector<size_t> members_;
  uint64_t bytes_;  // about what is written
  uint64_t rows_;
  uint64_t dead_ = 0;  // of the members, with their dead rows
  uint64_t bytes_before_ = 0;
  uint64_t rows_before_ = 0;
  uint64_t largest_bytes_ = 0;
};

// The lowest tier that is full takes the smaller segments with it.
void FillBusy(const Policy& policy, const std::vector<SegmentSize>& segments, Merge* merge) {
  int highest = 0;
  for (const SegmentSize& s : segments) highest = std::max(highest, TierOf(policy, s.size_bytes));
  for (int tier = 0; tier <= highest; ++tier) {
    std::vector<size_t> members;
    size_t in_tier = 0;
    for (size_t i = 0; i < segments.size(); ++i) {
      if (IsFull(policy, segments[i])) continue;
      const int of = TierOf(policy, segments[i].size_bytes);
      if (of <= tier) members.push_back(i);
      if (of == tier) ++in_tier;
    }
    if (in_tier < policy.fan_in) continue;
    merge->Fill(SmallestFirst(segments, std::move(members)));
    return;
  }
}

std::vector<size_t> PickBusy(const Policy& policy, const std::vector<SegmentSize>& segments,
                             const SegmentSize& tail) {
  Merge merge(policy, segments, tail);
  FillBusy(policy, segments, &merge);
  for (size_t i = 0; i < segments.size(); ++i) {
    if (!IsRotten(policy, segments[i]) || merge.Contains(i)) continue;
    if (!merge.Add(i)) merge.AddOversized(i);
  }
  return merge.Gains() ? merge.Members() : std::vector<size_t>();
}

// As many segments as fit into one: all of them, of most collections. If two fit, two are taken.
Merge FillIdle(const Policy& policy, const std::vector<SegmentSize>& segments,
               const SegmentSize& tail) {
  const std::vector<size_t> order = SmallestFirst(segments, All(segments));
  Merge smallest(policy, segments, tail);
  smallest.Fill(order);
  if (smallest.size() > 1) return smallest;
  // The smallest may have so many rows that nothing fits beside it.
  for (size_t begin = 1; begin < order.size(); ++begin) {
    Merge merge(policy, segments, tail);
    merge.Fill(std::span(order).subspan(begin));
    if (merge.size() > 1) return merge;
  }
  return smallest;
}

// The segment with most dead rows: those that do not fit with others are written again one by one.
std::vector<size_t> PickDead(const Policy& policy, const std::vector<SegmentSize>& segments,
                             const SegmentSize& tail) {
  std::vector<size_t> by_dead = All(segments);
  std::stable_sort(by_dead.begin(), by_dead.end(),
                   [&](size_t a, size_t b) { return segments[a].dead > segments[b].dead; });
  for (const size_t i : by_dead) {
    if (segments[i].dead == 0) break;
    Merge merge(policy, segments, tail);
    if (!merge.Add(i)) merge.AddOversized(i);
    if (merge.Contains(i)) return {i};
  }
  return {};
}

}  // namespace

std::vector<size_t> PickMerge(const Policy& policy, Activity activity,
                              const std::vector<SegmentSize>& segments, const SegmentSize& tail) {
  if (activity == Activity::kBusy) return PickBusy(policy, segments, tail);
  const Merge most = FillIdle(policy, segments, tail);
  if (activity == Activity::kSettled) {
    return most.Gains() ? most.Members() : PickDead(policy, segments, tail);
  }
  return most.GainsMuch() ? most.Members() : PickBusy(policy, segments, tail);
}

bool IsSettled(const Policy& policy, const format::Manifest& manifest) {
  std::vector<SegmentSize> sizes;
  for (const format::ManifestSegment& segment : manifest.segments) {
    sizes.push_back({segment.size_bytes, segment.rows, segment.deleted.Count()});
  }
  return manifest.carried.empty() && PickMerge(policy, Activity::kSettled, sizes).empty();
}

}  // namespace chroma::compactor
