#include "model/compare.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace chroma::model {

namespace {

constexpr double kTwoTo63 = 9223372036854775808.0;

template <typename T>
bool Contains(const std::vector<T>& values, const T& wanted) {
  return std::find(values.begin(), values.end(), wanted) != values.end();
}

// Whether the array `value` has an element equal to `operand` and of its very type.
bool ArrayContains(const MetadataValue& value, const MetadataValue& operand) {
  switch (TypeOf(operand)) {
    case ValueType::kBool: {
      const auto* array = std::get_if<BoolArray>(&value);
      const uint8_t wanted = std::get<bool>(operand) ? 1 : 0;
      return array != nullptr && Contains(array->values, wanted);
    }
    case ValueType::kInt: {
      const auto* array = std::get_if<std::vector<int64_t>>(&value);
      return array != nullptr && Contains(*array, std::get<int64_t>(operand));
    }
    case ValueType::kFloat: {
      const auto* array = std::get_if<std::vector<double>>(&value);
      return array != nullptr && Contains(*array, std::get<double>(operand));
    }
    case ValueType::kString: {
      const auto* array = std::get_if<std::vector<std::string>>(&value);
      return array != nullptr && Contains(*array, std::get<std::string>(operand));
    }
    default:
      return false;
  }
}

bool IsIn(const MetadataValue& value, const MetadataValue& list) {
  const auto equals = [&](const auto& element) {
    return EqualScalars(value, MetadataValue(element));
  };
  switch (TypeOf(list)) {
    case ValueType::kBoolArray: {
      const auto* wanted = std::get_if<bool>(&value);
      const auto& values = std::get<BoolArray>(list).values;
      return wanted != nullptr && Contains<uint8_t>(values, *wanted ? 1 : 0);
    }
    case ValueType::kIntArray: {
      const auto& values = std::get<std::vector<int64_t>>(list);
      return std::any_of(values.begin(), values.end(), equals);
    }
    case ValueType::kFloatArray: {
      const auto& values = std::get<std::vector<double>>(list);
      return std::any_of(values.begin(), values.end(), equals);
    }
    case ValueType::kStringArray: {
      const auto* wanted = std::get_if<std::string>(&value);
      return wanted != nullptr && Contains(std::get<std::vector<std::string>>(list), *wanted);
    }
    default:
      return false;
  }
}

// `op` is none of the negative operators, nor a list operator.
bool Satisfies(CompareOperator op, const MetadataValue& value, const MetadataValue& operand) {
  switch (op) {
    case CompareOperator::kEqual:
      return EqualScalars(value, operand);
    case CompareOperator::kLess:
      return std::is_lt(CompareNumbers(value, operand));
    case CompareOperator::kLessOrEqual:
      return std::is_lteq(CompareNumbers(value, operand));
    case CompareOperator::kGreater:
      return std::is_gt(CompareNumbers(value, operand));
    case CompareOperator::kGreaterOrEqual:
      return std::is_gteq(CompareNumbers(value, operand));
    case CompareOperator::kArrayContains:
      return ArrayContains(value, operand);
    default:
      return false;
  }
}

void SortOperand(MetadataValue& list) {
  if (auto* ints = std::get_if<std::vector<int64_t>>(&list)) {
    std::sort(ints->begin(), ints->end());
  } else if (auto* floats = std::get_if<std::vector<double>>(&list)) {
    std::erase_if(*floats, [](double value) { return std::isnan(value); });
    std::sort(floats->begin(), floats->end());
  } else if (auto* strings = std::get_if<std::vector<std::string>>(&list)) {
    std::sort(strings->begin(), strings->end());
  }
}

// Binary search of numbers of one type for a number of either.
template <typename T>
bool FindNumber(const std::vector<T>& sorted, const MetadataValue& wanted) {
  auto at = std::partition_point(sorted.begin(), sorted.end(), [&](T element) {
    return std::is_lt(CompareNumbers(MetadataValue(element), wanted));
  });
  return at != sorted.end() && std::is_eq(CompareNumbers(MetadataValue(*at), wanted));
}

}  // namespace

std::partial_ordering CompareNumbers(int64_t a, double b) {
  if (std::isnan(b)) return std::partial_ordering::unordered;
  if (b >= kTwoTo63) return std::partial_ordering::less;
  if (b < -kTwoTo63) return std::partial_ordering::greater;
  // Now the integral part of b fits an int64 exactly, and decides unless it equals a.
  const double whole = std::trunc(b);
  const auto whole_int = static_cast<int64_t>(whole);
  if (a != whole_int) return a <=> whole_int;
  return 0.0 <=> b - whole;
}

std::partial_ordering CompareNumbers(const MetadataValue& a, const MetadataValue& b) {
  const auto* a_int = std::get_if<int64_t>(&a);
  const auto* b_int = std::get_if<int64_t>(&b);
  const auto* a_float = std::get_if<double>(&a);
  const auto* b_float = std::get_if<double>(&b);
  if (a_int != nullptr && b_int != nullptr) return *a_int <=> *b_int;
  if (a_float != nullptr && b_float != nullptr) return *a_float <=> *b_float;
  if (a_int != nullptr && b_float != nullptr) return CompareNumbers(*a_int, *b_float);
  if (a_float != nullptr && b_int != nullptr) return 0 <=> CompareNumbers(*b_int, *a_float);
  return std::partial_ordering::unordered;
}

bool EqualScalars(const MetadataValue& a, const MetadataValue& b) {
  const ValueType type = TypeOf(a);
  if (type == ValueType::kBool || type == ValueType::kString) return a == b;
  return std::is_eq(CompareNumbers(a, b));
}

std::optional<CompareOperator> PositiveOf(CompareOperator op) {
  switch (op) {
    case CompareOperator::kNotEqual:
      return CompareOperator::kEqual;
    case CompareOperator::kNotIn:
      return CompareOperator::kIn;
    case CompareOperator::kArrayNotContains:
      return CompareOperator::kArrayContains;
    default:
      return std::nullopt;
  }
}

bool MatchesValue(const MetadataPredicate& predicate, const MetadataValue* value) {
  const CompareOperator op = PositiveOf(predicate.op).value_or(predicate.op);
  bool matches = false;
  if (value != nullptr) {
    matches = op == CompareOperator::kIn ? IsIn(*value, predicate.operand)
                                         : Satisfies(op, *value, predicate.operand);
  }
  return matches != (op != predicate.op);
}

PredicateMatcher::PredicateMatcher(MetadataPredicate predicate) : predicate_(std::move(predicate)) {
  SortOperand(predicate_.operand);
}

bool PredicateMatcher::InList(const MetadataValue& value) const {
  switch (TypeOf(predicate_.operand)) {
    case ValueType::kIntArray:
      return FindNumber(std::get<std::vector<int64_t>>(predicate_.operand), value);
    case ValueType::kFloatArray:
      return FindNumber(std::get<std::vector<double>>(predicate_.operand), value);
    case ValueType::kStringArray: {
      const auto& sorted = std::get<std::vector<std::string>>(predicate_.operand);
      const auto* wanted = std::get_if<std::string>(&value);
      return wanted != nullptr && std::binary_search(sorted.begin(), sorted.end(), *wanted);
    }
    default:
      return IsIn(value, predicate_.operand);
  }
}

bool PredicateMatcher::Matches(const MetadataValue* value) const {
  const bool listed =
      predicate_.op == CompareOperator::kIn || predicate_.op == CompareOperator::kNotIn;
  if (!listed || value == nullptr) return MatchesValue(predicate_, value);
  return InList(*value) != (predicate_.op == CompareOperator::kNotIn);
}

}  // namespace chroma::model
