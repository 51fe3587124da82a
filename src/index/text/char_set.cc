#include "index/text/char_set.h"

#include <algorithm>

namespace chroma::index {
namespace {

constexpr uint32_t kSurrogateFirst = 0xD800;
constexpr uint32_t kSurrogateLast = 0xDFFF;

}  // namespace

void CharSet::Canonicalize() {
  std::vector<CharRange> whole;
  whole.reserve(ranges_.size() + 1);
  for (const CharRange& range : ranges_) {
    if (range.first < kSurrogateFirst && range.last > kSurrogateLast) {
      whole.push_back({range.first, kSurrogateFirst - 1});
      whole.push_back({kSurrogateLast + 1, range.last});
      continue;
    }
    CharRange cut = range;
    if (cut.first >= kSurrogateFirst && cut.first <= kSurrogateLast) cut.first = kSurrogateLast + 1;
    if (cut.last >= kSurrogateFirst && cut.last <= kSurrogateLast) cut.last = kSurrogateFirst - 1;
    if (cut.first <= cut.last) whole.push_back(cut);
  }
  std::sort(whole.begin(), whole.end(),
            [](const CharRange& a, const CharRange& b) { return a.first < b.first; });
  ranges_.clear();
  for (const CharRange& range : whole) {
    if (!ranges_.empty() && range.first <= ranges_.back().last + 1) {
      ranges_.back().last = std::max(ranges_.back().last, range.last);
    } else {
      ranges_.push_back(range);
    }
  }
}

void CharSet::Add(uint32_t first, uint32_t last) {
  Union(CharSet({{first, last}}));
}

void CharSet::Union(const CharSet& other) {
  ranges_.insert(ranges_.end(), other.ranges_.begin(), other.ranges_.end());
  Canonicalize();
}

void CharSet::Intersect(const CharSet& other) {
  std::vector<CharRange> both;
  size_t i = 0, j = 0;
  while (i < ranges_.size() && j < other.ranges_.size()) {
    const uint32_t first = std::max(ranges_[i].first, other.ranges_[j].first);
    const uint32_t last = std::min(ranges_[i].last, other.ranges_[j].last);
    if (first <= last) both.push_back({first, last});
    if (ranges_[i].last < other.ranges_[j].last) {
      ++i;
    } else {
      ++j;
    }
  }
  ranges_ = std::move(both);
  Canonicalize();
}

void CharSet::Subtract(const CharSet& other) {
  CharSet rest = other;
  rest.Negate();
  Intersect(rest);
}

void CharSet::Negate(uint32_t last) {
  std::vector<CharRange> gaps;
  uint32_t next = 0;
  for (const CharRange& range : ranges_) {
    if (range.first > last) break;
    if (range.first > next) gaps.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  if (next <= last) gaps.push_back({next, last});
  ranges_ = std::move(gaps);
  Canonicalize();
}

bool CharSet::Contains(uint32_t c) const {
  const auto after =
      std::upper_bound(ranges_.begin(), ranges_.end(), c,
                       [](uint32_t value, const CharRange& range) { return value < range.first; });
  return after != ranges_.begin() && c <= std::prev(after)->last;
}

}  // namespace chroma::index
