#include "index/sparse/codebook.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace chroma::index {
namespace {

constexpr size_t kSampleMax = 65'536;

// All different values, ascending; none when there are more than codes.
std::optional<std::vector<float>> FewValues(std::span<const float> weights) {
  std::vector<float> values;
  for (const float weight : weights) {
    if (!std::isfinite(weight)) continue;
    const auto at = std::lower_bound(values.begin(), values.end(), weight);
    if (at != values.end() && *at == weight) continue;
    if (values.size() == kCodesMax) return std::nullopt;
    values.insert(at, weight);
  }
  return values;
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
  if (const auto values = FewValues(weights)) {
    for (const float value : *values) book.ranges_.push_back({value, value});
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
