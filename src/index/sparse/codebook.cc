#include "index/sparse/codebook.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace chroma::index {
namespace {

constexpr size_t kSampleMax = 65'536;

constexpr size_t kValuesMax = 2048;

struct Group {
  CodeRange range;
  uint64_t weights = 0;  // that have a value of it
};

// All different values, ascending; none when there are many.
std::optional<std::vector<Group>> FewValues(std::span<const float> weights) {
  std::vector<Group> values;
  for (const float weight : weights) {
    if (!std::isfinite(weight)) continue;
    auto at =
        std::lower_bound(values.begin(), values.end(), weight,
                         [](const Group& group, float value) { return group.range.low < value; });
    if (at == values.end() || at->range.low != weight) {
      if (values.size() == kValuesMax) return std::nullopt;
      at = values.insert(at, {{weight, weight}, 0});
    }
    ++at->weights;
  }
  return values;
}

// What joining two neighbours costs: weights that are not exact any more, or less than before.
double CostOfJoining(const Group& a, const Group& b, double whole) {
  const auto lost = [](const Group& group) {
    return group.range.low == group.range.high ? static_cast<double>(group.weights) : 0;
  };
  const double width = static_cast<double>(b.range.high) - a.range.low;
  return lost(a) + lost(b) + static_cast<double>(a.weights + b.weights) * width / whole;
}

// Joins neighbours, those that cost least first, until each group has a code.
void JoinNeighbors(std::vector<Group>* groups) {
  if (groups->size() <= kCodesMax) return;
  const double whole = static_cast<double>(groups->back().range.high) - groups->front().range.low;
  std::vector<double> costs;  // of joining with the next one
  for (size_t i = 0; i + 1 < groups->size(); ++i) {
    costs.push_back(CostOfJoining((*groups)[i], (*groups)[i + 1], whole));
  }
  while (groups->size() > kCodesMax) {
    const auto least = std::min_element(costs.begin(), costs.end());
    const auto i = static_cast<size_t>(least - costs.begin());
    Group& group = (*groups)[i];
    group.range.high = (*groups)[i + 1].range.high;
    group.weights += (*groups)[i + 1].weights;
    groups->erase(groups->begin() + static_cast<ptrdiff_t>(i) + 1);
    costs.erase(least);
    if (i > 0) costs[i - 1] = CostOfJoining((*groups)[i - 1], group, whole);
    if (i < costs.size()) costs[i] = CostOfJoining(group, (*groups)[i + 1], whole);
  }
}

std::vector<float> Sample(std::span<const float> weights) {
  std::vector<float> sample;
  const size_t step = weights.size() / kSampleMax + 1;
  for (size_t i = 0; i < weights.size(); i += step) {
    if (std::isfinite(weights[i])) sample.push_back(weights[i]);
  }
  std::sort(sample.begin(), sample.end());
  return sample;
}

// Where intervals begin, ascending; fewer than kCodesMax.
std::vector<float> Cuts(std::span<const float> weights, float lowest, float highest) {
  constexpr size_t kHalf = kCodesMax / 2 - 1;
  std::vector<float> cuts;
  const std::vector<float> sample = Sample(weights);
  for (size_t i = 1; i <= kHalf && !sample.empty(); ++i) {
    cuts.push_back(sample[i * sample.size() / (kHalf + 1)]);
  }
  const double width = static_cast<double>(highest) - lowest;
  for (size_t i = 1; i <= kHalf; ++i) {
    cuts.push_back(static_cast<float>(lowest + width * static_cast<double>(i) / (kHalf + 1)));
  }
  std::sort(cuts.begin(), cuts.end());
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  return cuts;
}

}  // namespace

Codebook Codebook::Make(std::span<const float> weights) {
  Codebook book;
  if (auto groups = FewValues(weights)) {
    JoinNeighbors(&*groups);
    for (const Group& group : *groups) book.ranges_.push_back(group.range);
    return book;
  }
  float lowest = INFINITY;
  float highest = -INFINITY;
  for (const float weight : weights) {
    if (!std::isfinite(weight)) continue;
    lowest = std::min(lowest, weight);
    highest = std::max(highest, weight);
  }
  const std::vector<float> cuts = Cuts(weights, lowest, highest);
  // Interval i holds the weights from cut i - 1 up to cut i; its range is what is really there.
  std::vector<CodeRange> ranges(cuts.size() + 1, {INFINITY, -INFINITY});
  for (const float weight : weights) {
    if (!std::isfinite(weight)) continue;
    const auto i = std::upper_bound(cuts.begin(), cuts.end(), weight) - cuts.begin();
    CodeRange& range = ranges[static_cast<size_t>(i)];
    range.low = std::min(range.low, weight);
    range.high = std::max(range.high, weight);
  }
  std::erase_if(ranges, [](const CodeRange& range) { return range.low > range.high; });
  book.ranges_ = std::move(ranges);
  return book;
}

uint8_t Codebook::Code(float weight) const {
  const auto at =
      std::lower_bound(ranges_.begin(), ranges_.end(), weight,
                       [](const CodeRange& range, float value) { return range.high < value; });
  return static_cast<uint8_t>(at == ranges_.end() ? 0 : at - ranges_.begin());
}

}  // namespace chroma::index
