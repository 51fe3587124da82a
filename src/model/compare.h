// When a metadata value satisfies a predicate (semantics.md §1.3-1.5).
//
// Numbers compare by their mathematical value, whatever their types: no integer is rounded to a
// double. That differs from upstream, which truncates a fractional operand against integers.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>

#include "model/filter.h"
#include "model/metadata.h"

namespace chroma::model {

// Exact. Unordered only when `b` is NaN.
std::partial_ordering CompareNumbers(int64_t a, double b);
// Of two values that are int or float; unordered when one is neither.
std::partial_ordering CompareNumbers(const MetadataValue& a, const MetadataValue& b);

// Equality of scalars as `$eq` sees it: 1 equals 1.0, true does not equal 1. False for arrays.
bool EqualScalars(const MetadataValue& a, const MetadataValue& b);

// The positive operator of which `op` is the complement; none when `op` is positive.
std::optional<CompareOperator> PositiveOf(CompareOperator op);

// Whether a record whose value under the predicate's key is `value` (null: it has none) matches.
// Takes time proportional to the operand; see PredicateMatcher for many records.
bool MatchesValue(const MetadataPredicate& predicate, const MetadataValue* value);

// MatchesValue for one predicate and many values: a list operand is searched in logarithmic time.
// Immutable after construction.
class PredicateMatcher {
 public:
  explicit PredicateMatcher(MetadataPredicate predicate);
  const std::string& key() const { return predicate_.key; }
  bool Matches(const MetadataValue* value) const;

 private:
  bool InList(const MetadataValue& value) const;

  MetadataPredicate predicate_;  // a list operand is sorted
};

}  // namespace chroma::model
