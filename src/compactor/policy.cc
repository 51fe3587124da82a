#include "compactor/policy.h"

#include <algorithm>
#include <numeric>

namespace chroma::compactor {
namespace {

int TierOf(const Policy& policy, uint64_t size_bytes) {
  int tier = 0;
  for (uint64_t limit = policy.smallest_tier_bytes; size_bytes > limit; limit *= policy.fan_in) {
    ++tier;
  }
  return tier;
}

std::vector<size_t> All(size_t n) {
  std::vector<size_t> all(n);
  std::iota(all.begin(), all.end(), size_t{0});
  return all;
}

std::vector<size_t> PickBusy(const Policy& policy, const std::vector<SegmentSize>& segments) {
  // The lowest tier that is full takes the smaller segments with it.
  int highest = 0;
  for (const SegmentSize& s : segments) highest = std::max(highest, TierOf(policy, s.size_bytes));
  for (int tier = 0; tier <= highest; ++tier) {
    std::vector<size_t> members;
    size_t in_tier = 0;
    for (size_t i = 0; i < segments.size(); ++i) {
      const int of = TierOf(policy, segments[i].size_bytes);
      if (of <= tier) members.push_back(i);
      if (of == tier) ++in_tier;
    }
    if (in_tier >= policy.fan_in) return members;
  }
  return {};
}

}  // namespace

std::vector<size_t> PickMerge(const Policy& policy, Activity activity,
                              const std::vector<SegmentSize>& segments, uint64_t tail_bytes) {
  if (segments.empty()) return {};
  uint64_t total = tail_bytes, largest = 0, dead = 0, rows = 0;
  for (const SegmentSize& s : segments) {
    total += s.size_bytes;
    largest = std::max(largest, s.size_bytes);
    dead += s.dead;
    rows += s.rows;
  }
  const bool clean = segments.size() == 1 && dead == 0 && tail_bytes == 0;
  if (clean) return {};
  if (activity == Activity::kSettled) return All(segments.size());
  if (activity == Activity::kIdle) {
    const auto share = [](uint64_t part, uint64_t whole) {
      return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
    };
    if (share(total - largest, total) >= policy.idle_share_min ||
        share(dead, rows) >= policy.idle_share_min) {
      return All(segments.size());
    }
  }
  std::vector<size_t> picked = PickBusy(policy, segments);
  for (size_t i = 0; i < segments.size(); ++i) {
    const bool rotten = static_cast<double>(segments[i].dead) >
                        policy.dead_share_max * static_cast<double>(segments[i].rows);
    if (rotten && std::find(picked.begin(), picked.end(), i) == picked.end()) picked.push_back(i);
  }
  std::sort(picked.begin(), picked.end());
  return picked;
}

}  // namespace chroma::compactor
