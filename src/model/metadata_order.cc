#include "model/metadata_order.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "model/compare.h"

namespace chroma::model {

namespace {

// The bits of a float as an integer that is ordered as the floats are: all but the sign are
// flipped of negative ones.
template <typename Int, typename Float>
Int OrderedBits(Float value) {
  const Int bits = std::bit_cast<Int>(value);
  return bits < 0 ? bits ^ std::numeric_limits<Int>::max() : bits;
}

bool IsNumber(ValueType type) {
  return type == ValueType::kInt || type == ValueType::kFloat;
}

// Types in their order; both kinds of numbers are one.
int Place(ValueType type) {
  return static_cast<int>(type == ValueType::kFloat ? ValueType::kInt : type);
}

std::weak_ordering CompareScalarNumbers(const MetadataValue& a, const MetadataValue& b) {
  const std::partial_ordering order = CompareNumbers(a, b);
  if (order == std::partial_ordering::less) return std::weak_ordering::less;
  if (order == std::partial_ordering::greater) return std::weak_ordering::greater;
  if (order == std::partial_ordering::equivalent) return std::weak_ordering::equivalent;
  // A NaN is at one of the ends.
  const auto as_double = [](const MetadataValue& value) {
    const auto* real = std::get_if<double>(&value);
    return real != nullptr ? *real : 0.0;
  };
  return CompareTotally(as_double(a), as_double(b));
}

struct CompareElements {
  std::weak_ordering operator()(uint8_t a, uint8_t b) const { return a <=> b; }
  std::weak_ordering operator()(uint32_t a, uint32_t b) const { return a <=> b; }
  std::weak_ordering operator()(int64_t a, int64_t b) const { return a <=> b; }
  std::weak_ordering operator()(const std::string& a, const std::string& b) const {
    return a <=> b;
  }
  std::weak_ordering operator()(double a, double b) const {
    if (a == b) return std::weak_ordering::equivalent;  // both zeros too
    return CompareTotally(a, b);
  }
  std::weak_ordering operator()(float a, float b) const { return CompareTotally(a, b); }
};

template <typename T>
std::weak_ordering CompareLists(const std::vector<T>& a, const std::vector<T>& b) {
  return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end(),
                                                CompareElements());
}

// Of values of one type.
struct CompareSame {
  const MetadataValue& other;

  std::weak_ordering operator()(std::monostate) const { return std::weak_ordering::equivalent; }
  std::weak_ordering operator()(bool value) const { return value <=> std::get<bool>(other); }
  std::weak_ordering operator()(int64_t value) const { return value <=> std::get<int64_t>(other); }
  std::weak_ordering operator()(double value) const {
    return CompareElements()(value, std::get<double>(other));
  }
  std::weak_ordering operator()(const std::string& value) const {
    return value <=> std::get<std::string>(other);
  }
  std::weak_ordering operator()(const SparseVector& value) const {
    const auto& wanted = std::get<SparseVector>(other);
    if (const auto order = CompareLists(value.indices, wanted.indices); order != 0) return order;
    if (const auto order = CompareLists(value.values, wanted.values); order != 0) return order;
    return CompareLists(value.tokens, wanted.tokens);
  }
  std::weak_ordering operator()(const BoolArray& value) const {
    return CompareLists(value.values, std::get<BoolArray>(other).values);
  }
  template <typename T>
  std::weak_ordering operator()(const std::vector<T>& value) const {
    return CompareLists(value, std::get<std::vector<T>>(other));
  }
};

}  // namespace

std::strong_ordering CompareTotally(float a, float b) {
  return OrderedBits<int32_t>(a) <=> OrderedBits<int32_t>(b);
}

std::strong_ordering CompareTotally(double a, double b) {
  return OrderedBits<int64_t>(a) <=> OrderedBits<int64_t>(b);
}

std::weak_ordering CompareValues(const MetadataValue& a, const MetadataValue& b) {
  const ValueType type_a = TypeOf(a);
  const ValueType type_b = TypeOf(b);
  if (IsNumber(type_a) && IsNumber(type_b)) return CompareScalarNumbers(a, b);
  if (type_a != type_b) return Place(type_a) <=> Place(type_b);
  return std::visit(CompareSame{b}, a);
}

}  // namespace chroma::model
