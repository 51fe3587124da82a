#include "segment/number_range.h"

#include <cmath>
#include <compare>
#include <limits>

#include "model/compare.h"

namespace chroma::segment {
namespace {

using model::CompareOperator;

constexpr double kTwoTo63 = 9223372036854775808.0;
constexpr int64_t kIntMin = INT64_MIN;
constexpr int64_t kIntMax = INT64_MAX;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

constexpr NumberRange<int64_t> kNoInt{0, 0, true};
constexpr NumberRange<double> kNoFloat{0, 0, true};

NumberRange<int64_t> IntsAgainstInt(CompareOperator op, int64_t operand) {
  switch (op) {
    case CompareOperator::kEqual:
      return {operand, operand};
    case CompareOperator::kLess:
      return operand == kIntMin ? kNoInt : NumberRange<int64_t>{kIntMin, operand - 1};
    case CompareOperator::kLessOrEqual:
      return {kIntMin, operand};
    case CompareOperator::kGreater:
      return operand == kIntMax ? kNoInt : NumberRange<int64_t>{operand + 1, kIntMax};
    case CompareOperator::kGreaterOrEqual:
      return {operand, kIntMax};
    default:
      return kNoInt;
  }
}

// Every comparison of an integer with a fraction is one with the integer above or below it.
NumberRange<int64_t> IntsAgainstFloat(CompareOperator op, double operand) {
  if (std::isnan(operand)) return kNoInt;
  const bool wants_less = op == CompareOperator::kLess || op == CompareOperator::kLessOrEqual;
  const bool wants_greater =
      op == CompareOperator::kGreater || op == CompareOperator::kGreaterOrEqual;
  if (operand >= kTwoTo63) return wants_less ? NumberRange<int64_t>{kIntMin, kIntMax} : kNoInt;
  if (operand < -kTwoTo63) return wants_greater ? NumberRange<int64_t>{kIntMin, kIntMax} : kNoInt;
  const double whole = std::floor(operand);
  const auto floor = static_cast<int64_t>(whole);
  if (whole == operand) return IntsAgainstInt(op, floor);
  if (wants_less) return IntsAgainstInt(CompareOperator::kLessOrEqual, floor);
  if (wants_greater) return IntsAgainstInt(CompareOperator::kGreater, floor);
  return kNoInt;
}

NumberRange<double> FloatsAgainstFloat(CompareOperator op, double operand) {
  if (std::isnan(operand)) return kNoFloat;
  switch (op) {
    case CompareOperator::kEqual:
      return {operand, operand};
    case CompareOperator::kLess:
      if (operand == -kInfinity) return kNoFloat;
      return {-kInfinity, std::nextafter(operand, -kInfinity)};
    case CompareOperator::kLessOrEqual:
      return {-kInfinity, operand};
    case CompareOperator::kGreater:
      if (operand == kInfinity) return kNoFloat;
      return {std::nextafter(operand, kInfinity), kInfinity};
    case CompareOperator::kGreaterOrEqual:
      return {operand, kInfinity};
    default:
      return kNoFloat;
  }
}

// An integer that no float equals lies between the float it rounds to and that one's neighbour.
NumberRange<double> FloatsAgainstInt(CompareOperator op, int64_t operand) {
  const auto rounded = static_cast<double>(operand);
  const std::partial_ordering order = model::CompareNumbers(operand, rounded);
  if (std::is_eq(order)) return FloatsAgainstFloat(op, rounded);
  const bool rounded_up = std::is_lt(order);
  switch (op) {
    case CompareOperator::kLess:
    case CompareOperator::kLessOrEqual:
      return FloatsAgainstFloat(rounded_up ? CompareOperator::kLess : CompareOperator::kLessOrEqual,
                                rounded);
    case CompareOperator::kGreater:
    case CompareOperator::kGreaterOrEqual:
      return FloatsAgainstFloat(
          rounded_up ? CompareOperator::kGreaterOrEqual : CompareOperator::kGreater, rounded);
    default:
      return kNoFloat;
  }
}

}  // namespace

NumberRange<int64_t> IntRange(CompareOperator op, const model::MetadataValue& operand) {
  if (const auto* integer = std::get_if<int64_t>(&operand)) return IntsAgainstInt(op, *integer);
  if (const auto* real = std::get_if<double>(&operand)) return IntsAgainstFloat(op, *real);
  return kNoInt;
}

NumberRange<double> FloatRange(CompareOperator op, const model::MetadataValue& operand) {
  if (const auto* integer = std::get_if<int64_t>(&operand)) return FloatsAgainstInt(op, *integer);
  if (const auto* real = std::get_if<double>(&operand)) return FloatsAgainstFloat(op, *real);
  return kNoFloat;
}

}  // namespace chroma::segment
