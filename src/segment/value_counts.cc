#include "segment/value_counts.h"

#include <cmath>
#include <string>

namespace chroma::segment {
namespace {

// 2^63: the integers are those from -2^63 to below it.
constexpr double kIntEnd = 9223372036854775808.0;

bool IsWhole(double value) {
  return value >= -kIntEnd && value < kIntEnd && std::trunc(value) == value;
}

}  // namespace

void ValueCounts::Add(int64_t value, uint64_t count) {
  Whole& whole = whole_[value];
  whole.count += count;
  whole.as_int = true;
}

void ValueCounts::Add(double value, uint64_t count) {
  if (IsWhole(value)) {
    whole_[static_cast<int64_t>(value)].count += count;
  } else {
    fractions_[value] += count;
  }
}

uint64_t ValueCounts::distinct() const {
  return (bools_[0] > 0 ? 1 : 0) + (bools_[1] > 0 ? 1 : 0) + whole_.size() + fractions_.size() +
         strings_.size();
}

std::vector<ValueCount> ValueCounts::Take() const {
  std::vector<ValueCount> counts;
  counts.reserve(distinct());
  for (int i = 0; i < 2; ++i) {
    if (bools_[i] > 0) counts.push_back({i == 1, bools_[i]});
  }
  for (const auto& [value, whole] : whole_) {
    if (whole.as_int) {
      counts.push_back({value, whole.count});
    } else {
      counts.push_back({static_cast<double>(value), whole.count});
    }
  }
  for (const auto& [value, count] : fractions_) counts.push_back({value, count});
  for (const auto& [value, count] : strings_) counts.push_back({std::string(value), count});
  return counts;
}

}  // namespace chroma::segment
