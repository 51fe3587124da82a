// One order over metadata values of all types, by which searches group and aggregate
// (semantics.md §2.4).
#pragma once

#include <compare>
#include <cstdint>

#include "model/metadata.h"

namespace chroma::model {

// null (a missing value) < bools < numbers < strings < sparse vectors < arrays of bools < of
// integers < of floats < of strings. Numbers compare by their mathematical value: 1 equals 1.0.
// Arrays compare element by element, a prefix before what it begins.
std::weak_ordering CompareValues(const MetadataValue& a, const MetadataValue& b);

// IEEE 754's total order: negative NaN, -inf, …, -0, +0, …, inf, positive NaN.
std::strong_ordering CompareTotally(float a, float b);
std::strong_ordering CompareTotally(double a, double b);

}  // namespace chroma::model
