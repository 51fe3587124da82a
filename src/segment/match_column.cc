#include "segment/match_column.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <string_view>
#include <unordered_set>

#include "segment/number_range.h"
#include "segment/number_set.h"
#include "segment/wanted_codes.h"

namespace chroma::segment {
namespace {

using format::MetadataColumnReader;
using format::PackedReader;
using format::StringValuesReader;
using model::CompareOperator;
using model::MetadataPredicate;
using model::MetadataValue;
using model::ValueType;

constexpr uint64_t kChunk = 16 << 10;

// Eight bytes, 0 or 1 each, as bits, the first the lowest.
uint64_t PackEight(const uint8_t* flags) {
  return (LoadFixed<uint64_t>(reinterpret_cast<const char*>(flags)) * 0x0102040810204080) >> 56;
}

// Sets bit i of `out` for every i < n that `test` accepts; without branches on its answer, so that
// simple comparisons become vector instructions.
template <typename Test>
Status Collect(runtime::Context& ctx, uint64_t n, Test test, std::vector<uint64_t>* out) {
  out->assign((n + 63) / 64, 0);
  uint8_t flags[64];
  for (uint64_t begin = 0; begin < n; begin += 64) {
    if (begin % kChunk == 0) CHROMA_TRY(ctx.Check());
    if (n - begin >= 64) {
      for (uint64_t i = 0; i < 64; ++i) flags[i] = test(begin + i) ? 1 : 0;
    } else {
      for (uint64_t i = 0; i < 64; ++i) flags[i] = begin + i < n && test(begin + i) ? 1 : 0;
    }
    uint64_t word = 0;
    for (uint32_t i = 0; i < 8; ++i) word |= PackEight(flags + size_t{i} * 8) << (i * 8);
    (*out)[begin / 64] = word;
  }
  return Status::Ok();
}

Status CollectAll(uint64_t n, std::vector<uint64_t>* out) {
  out->assign((n + 63) / 64, UINT64_MAX);
  if (n % 64 != 0) out->back() = (uint64_t{1} << n % 64) - 1;
  return Status::Ok();
}

// Calls visit(number) with each member of a list of numbers, as int64_t or double.
template <typename Visit>
void ForEachNumber(const MetadataValue& list, Visit visit) {
  if (const auto* ints = std::get_if<std::vector<int64_t>>(&list)) {
    for (const int64_t number : *ints) visit(MetadataValue(number));
  } else if (const auto* floats = std::get_if<std::vector<double>>(&list)) {
    for (const double number : *floats) visit(MetadataValue(number));
  }
}

size_t ListSize(const MetadataValue& list) {
  if (const auto* ints = std::get_if<std::vector<int64_t>>(&list)) return ints->size();
  if (const auto* floats = std::get_if<std::vector<double>>(&list)) return floats->size();
  return 0;
}

// Values base + u with low <= base + u <= high, where the sums do not wrap as numbers of the
// column's order; `low` and `high` are distances from the base already.
Status CollectBetween(runtime::Context& ctx, const PackedReader& column, uint64_t low,
                      uint64_t high, std::vector<uint64_t>* out) {
  return format::VisitPacked(column, [&](auto load) {
    using Stored = decltype(load(0));
    constexpr uint64_t kMax = std::numeric_limits<Stored>::max();
    if (low > kMax) return Status::Ok();
    const auto first = static_cast<Stored>(low);
    const auto span = static_cast<Stored>(std::min(high, kMax) - low);
    if (first == 0 && span == kMax) return CollectAll(column.count(), out);
    return Collect(
        ctx, column.count(),
        [=](uint64_t i) { return static_cast<Stored>(load(i) - first) <= span; }, out);
  });
}

Status MatchIntRange(runtime::Context& ctx, const PackedReader& column,
                     const NumberRange<int64_t>& range, std::vector<uint64_t>* out) {
  const auto base = static_cast<int64_t>(column.base());
  if (range.empty || range.high < base) return Status::Ok();
  const uint64_t low = range.low <= base ? 0 : static_cast<uint64_t>(range.low) - column.base();
  return CollectBetween(ctx, column, low, static_cast<uint64_t>(range.high) - column.base(), out);
}

Status MatchIntList(runtime::Context& ctx, const PackedReader& column, const MetadataValue& list,
                    std::vector<uint64_t>* out) {
  NumberSet members(ListSize(list));  // as distances from the base
  const bool table_fits = column.width() <= 2;
  std::vector<uint8_t> table(table_fits ? UINT16_MAX + 1 : 0, 0);
  ForEachNumber(list, [&](const MetadataValue& number) {
    const NumberRange<int64_t> equal = IntRange(CompareOperator::kEqual, number);
    if (equal.empty) return;
    const uint64_t distance = static_cast<uint64_t>(equal.low) - column.base();
    if (!table_fits) {
      members.Add(distance);
    } else if (distance < table.size()) {
      table[distance] = 1;
    }
  });
  return format::VisitPacked(column, [&](auto load) {
    if (table_fits) {
      return Collect(
          ctx, column.count(), [&](uint64_t i) { return table[load(i) & UINT16_MAX] != 0; }, out);
    }
    return Collect(
        ctx, column.count(), [&](uint64_t i) { return members.Contains(load(i)); }, out);
  });
}

template <typename Number>
Status CollectFloats(runtime::Context& ctx, const char* numbers, uint64_t n,
                     const NumberRange<double>& range, std::vector<uint64_t>* out) {
  return Collect(
      ctx, n,
      [=](uint64_t i) {
        const double value = LoadFixed<Number>(numbers + i * sizeof(Number));
        return (value >= range.low) & (value <= range.high);
      },
      out);
}

Status MatchFloats(runtime::Context& ctx, const MetadataColumnReader& column,
                   const MetadataPredicate& predicate, std::vector<uint64_t>* out) {
  const format::FloatReader& values = column.floats();
  const uint64_t n = column.presence().count();
  if (predicate.op != CompareOperator::kIn) {
    const NumberRange<double> range = FloatRange(predicate.op, predicate.operand);
    if (range.empty) return Status::Ok();
    return values.narrow() ? CollectFloats<float>(ctx, values.numbers(), n, range, out)
                           : CollectFloats<double>(ctx, values.numbers(), n, range, out);
  }
  // Adding zero turns -0 into 0, which it equals.
  NumberSet members(ListSize(predicate.operand));
  ForEachNumber(predicate.operand, [&](const MetadataValue& number) {
    const NumberRange<double> equal = FloatRange(CompareOperator::kEqual, number);
    if (!equal.empty) members.Add(std::bit_cast<uint64_t>(equal.low + 0.0));
  });
  return Collect(
      ctx, n,
      [&](uint64_t i) { return members.Contains(std::bit_cast<uint64_t>(values[i] + 0.0)); }, out);
}

Status MatchBools(runtime::Context& ctx, const MetadataColumnReader& column,
                  const MetadataPredicate& predicate, std::vector<uint64_t>* out) {
  bool wanted[2] = {false, false};
  if (const auto* list = std::get_if<model::BoolArray>(&predicate.operand)) {
    for (const uint8_t member : list->values) wanted[member != 0 ? 1 : 0] = true;
  } else if (const auto* scalar = std::get_if<bool>(&predicate.operand)) {
    wanted[*scalar ? 1 : 0] = true;
  }
  return Collect(
      ctx, column.presence().count(), [&](uint64_t i) { return wanted[column.bools()[i] ? 1 : 0]; },
      out);
}

void SetBits(uint64_t n, const std::vector<uint32_t>& numbers, std::vector<uint64_t>* out) {
  out->assign((n + 63) / 64, 0);
  for (const uint32_t number : numbers) (*out)[number / 64] |= uint64_t{1} << number % 64;
}

// More look-ups take longer than comparing all values.
bool LookUp(const ValueOrder* order, size_t strings, uint64_t n) {
  return order != nullptr && strings < n / 64;
}

Status MatchStringList(runtime::Context& ctx, const StringValuesReader& values,
                       const ValueOrder* order, uint64_t n, const std::vector<std::string>& list,
                       std::vector<uint64_t>* out) {
  if (!values.has_dictionary() && LookUp(order, list.size(), n)) {
    std::vector<uint32_t> numbers;
    for (const std::string& member : list) order->Find(values.strings(), member, &numbers);
    SetBits(n, numbers, out);
    return Status::Ok();
  }
  if (!values.has_dictionary()) {
    const std::unordered_set<std::string_view, StringHash> members(list.begin(), list.end());
    return Collect(
        ctx, n, [&](uint64_t i) { return members.contains(values.strings()[i]); }, out);
  }
  const std::vector<uint8_t> wanted = WantedCodes(values, list);
  const uint64_t base = values.codes().base();
  return format::VisitPacked(values.codes(), [&](auto load) {
    return Collect(
        ctx, n, [&](uint64_t i) { return wanted[base + load(i)] != 0; }, out);
  });
}

Status MatchString(runtime::Context& ctx, const StringValuesReader& values, const ValueOrder* order,
                   uint64_t n, std::string_view wanted, std::vector<uint64_t>* out) {
  if (!values.has_dictionary() && order != nullptr) {
    std::vector<uint32_t> numbers;
    order->Find(values.strings(), wanted, &numbers);
    SetBits(n, numbers, out);
    return Status::Ok();
  }
  if (!values.has_dictionary()) {
    return Collect(
        ctx, n, [&](uint64_t i) { return values.strings()[i] == wanted; }, out);
  }
  const std::optional<uint64_t> code = values.FindCode(wanted);
  if (!code || *code < values.codes().base()) return Status::Ok();
  const uint64_t distance = *code - values.codes().base();
  return CollectBetween(ctx, values.codes(), distance, distance, out);
}

Status MatchStrings(runtime::Context& ctx, const MetadataColumnReader& column,
                    const ValueOrder* order, const MetadataPredicate& predicate,
                    std::vector<uint64_t>* out) {
  const StringValuesReader& values = column.strings();
  const uint64_t n = column.presence().count();
  if (const auto* list = std::get_if<std::vector<std::string>>(&predicate.operand)) {
    return MatchStringList(ctx, values, order, n, *list, out);
  }
  const std::string_view wanted = std::get<std::string>(predicate.operand);
  return MatchString(ctx, values, order, n, wanted, out);
}

// Sets the bits of the arrays that have an element whose bit is set.
void FoldElements(const MetadataColumnReader& column, const std::vector<uint64_t>& elements,
                  std::vector<uint64_t>* out) {
  const PackedReader& offsets = column.offsets();
  const uint64_t count = column.presence().count();
  out->assign((count + 63) / 64, 0);
  uint64_t ordinal = 0;
  for (size_t i = 0; i < elements.size(); ++i) {
    for (uint64_t word = elements[i]; word != 0; word &= word - 1) {
      const uint64_t element = i * 64 + static_cast<uint64_t>(std::countr_zero(word));
      if (offsets[ordinal + 1] <= element) ordinal = offsets.LastAtMost(ordinal, count, element);
      (*out)[ordinal / 64] |= uint64_t{1} << ordinal % 64;
    }
  }
}

Status MatchElements(runtime::Context& ctx, const MetadataColumnReader& column,
                     const ValueOrder* order, const MetadataValue& operand,
                     std::vector<uint64_t>* out) {
  const uint64_t n = column.offsets()[column.presence().count()];
  switch (column.type()) {
    case ValueType::kBoolArray: {
      const bool wanted = std::get<bool>(operand);
      return Collect(
          ctx, n, [&](uint64_t i) { return column.bools()[i] == wanted; }, out);
    }
    case ValueType::kIntArray:
      return MatchIntRange(ctx, column.ints(), IntRange(CompareOperator::kEqual, operand), out);
    case ValueType::kFloatArray: {
      const NumberRange<double> equal = FloatRange(CompareOperator::kEqual, operand);
      if (equal.empty) return Status::Ok();
      const format::FloatReader& values = column.floats();
      return values.narrow() ? CollectFloats<float>(ctx, values.numbers(), n, equal, out)
                             : CollectFloats<double>(ctx, values.numbers(), n, equal, out);
    }
    default:
      return MatchString(ctx, column.strings(), order, n, std::get<std::string>(operand), out);
  }
}

Status MatchArrays(runtime::Context& ctx, const MetadataColumnReader& column,
                   const ValueOrder* order, const MetadataValue& operand,
                   std::vector<uint64_t>* out) {
  std::vector<uint64_t> elements;
  CHROMA_TRY(MatchElements(ctx, column, order, operand, &elements));
  FoldElements(column, elements, out);
  return Status::Ok();
}

bool IsNumber(ValueType type) {
  return type == ValueType::kInt || type == ValueType::kFloat;
}

}  // namespace

bool CanMatch(ValueType type, const MetadataPredicate& predicate) {
  const ValueType operand = model::TypeOf(predicate.operand);
  if (operand == ValueType::kNull || operand == ValueType::kSparseVector) return false;
  const ValueType element = model::ElementType(operand);
  switch (predicate.op) {
    case CompareOperator::kArrayContains:
      return model::IsArray(type) && operand == model::ElementType(type);
    case CompareOperator::kIn:
      return model::IsArray(operand) && (type == element || (IsNumber(type) && IsNumber(element)));
    case CompareOperator::kEqual:
      return !model::IsArray(operand) && (type == operand || (IsNumber(type) && IsNumber(operand)));
    case CompareOperator::kLess:
    case CompareOperator::kLessOrEqual:
    case CompareOperator::kGreater:
    case CompareOperator::kGreaterOrEqual:
      return IsNumber(type) && IsNumber(operand);
    default:
      return false;
  }
}

Status MatchColumn(runtime::Context& ctx, const MetadataColumnReader& column,
                   const ValueOrder* order, const MetadataPredicate& predicate,
                   std::vector<uint64_t>* ordinals) {
  switch (column.type()) {
    case ValueType::kBool:
      return MatchBools(ctx, column, predicate, ordinals);
    case ValueType::kInt:
      if (predicate.op == CompareOperator::kIn) {
        return MatchIntList(ctx, column.ints(), predicate.operand, ordinals);
      }
      return MatchIntRange(ctx, column.ints(), IntRange(predicate.op, predicate.operand), ordinals);
    case ValueType::kFloat:
      return MatchFloats(ctx, column, predicate, ordinals);
    case ValueType::kString:
      return MatchStrings(ctx, column, order, predicate, ordinals);
    default:
      return MatchArrays(ctx, column, order, predicate.operand, ordinals);
  }
}

Status CollectEntries(runtime::Context& ctx, const MetadataColumnReader& column,
                      std::vector<uint64_t> entries, std::vector<uint64_t>* ordinals) {
  const StringValuesReader& values = column.strings();
  const bool arrays = model::IsArray(column.type());
  if (values.has_dictionary()) {
    std::vector<uint8_t> wanted(values.strings().count());
    for (uint64_t code = 0; code < wanted.size(); ++code) {
      wanted[code] = static_cast<uint8_t>(entries[code / 64] >> code % 64 & 1);
    }
    const uint64_t base = values.codes().base();
    CHROMA_TRY(format::VisitPacked(values.codes(), [&](auto load) {
      return Collect(
          ctx, values.codes().count(), [&](uint64_t i) { return wanted[base + load(i)] != 0; },
          &entries);
    }));
  }
  if (arrays) {
    FoldElements(column, entries, ordinals);
  } else {
    *ordinals = std::move(entries);
  }
  return Status::Ok();
}

uint64_t MatchColumnCost(const MetadataColumnReader& column, const ValueOrder* order,
                         const MetadataPredicate& predicate) {
  constexpr uint64_t kLookUp = 16;
  // How many values are compared in the time of looking at one row.
  constexpr uint64_t kNarrow = 200;  // of up to two bytes
  constexpr uint64_t kWide = 80;
  constexpr uint64_t kInTable = 64;
  constexpr uint64_t kInSet = 8;
  constexpr uint64_t kPlainStrings = 64;
  constexpr uint64_t kArrays = 128;  // however long: one is copied when it is looked at
  const uint64_t n = column.presence().count();
  const ValueType type = model::ElementType(column.type());
  if (type == ValueType::kString && !column.strings().has_dictionary()) {
    const auto* list = std::get_if<std::vector<std::string>>(&predicate.operand);
    const size_t strings = list == nullptr ? 1 : list->size();
    return LookUp(order, strings, n) ? kLookUp * strings : n / kPlainStrings;
  }
  if (model::IsArray(column.type())) return n / kArrays;
  const bool wide =
      type == ValueType::kFloat || (type == ValueType::kInt && column.ints().width() > 2);
  if (predicate.op == CompareOperator::kIn) return n / (wide ? kInSet : kInTable);
  return n / (wide ? kWide : kNarrow);
}

}  // namespace chroma::segment
