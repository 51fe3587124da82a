#include "segment/match_column.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <string_view>
#include <unordered_set>

#include "base/checksum.h"
#include "segment/number_range.h"

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

// Appends every i < n that `test` accepts; without branches on its answer.
template <typename Test>
Status Collect(runtime::Context& ctx, uint64_t n, Test test, std::vector<uint32_t>* out) {
  std::vector<uint32_t> chunk(std::min(n, kChunk));
  for (uint64_t begin = 0; begin < n; begin += kChunk) {
    CHROMA_TRY(ctx.Check());
    const uint64_t end = std::min(n, begin + kChunk);
    size_t matches = 0;
    for (uint64_t i = begin; i < end; ++i) {
      chunk[matches] = static_cast<uint32_t>(i);
      matches += test(i) ? 1 : 0;
    }
    out->insert(out->end(), chunk.begin(), chunk.begin() + static_cast<ptrdiff_t>(matches));
  }
  return Status::Ok();
}

Status CollectAll(uint64_t n, std::vector<uint32_t>* out) {
  const size_t at = out->size();
  out->resize(at + n);
  std::iota(out->begin() + static_cast<ptrdiff_t>(at), out->end(), 0u);
  return Status::Ok();
}

// 64-bit keys in open addressing, at most half full. kFree is kept apart.
class KeySet {
 public:
  explicit KeySet(size_t count)
      : mask_(std::bit_ceil(count * 2 + 2) - 1), slots_(mask_ + 1, kFree) {}

  void Add(uint64_t key) {
    if (key == kFree) {
      has_free_ = true;
      return;
    }
    size_t slot = Home(key);
    while (slots_[slot] != kFree && slots_[slot] != key) slot = (slot + 1) & mask_;
    slots_[slot] = key;
  }
  bool Contains(uint64_t key) const {
    if (key == kFree) return has_free_;
    size_t slot = Home(key);
    while (slots_[slot] != kFree && slots_[slot] != key) slot = (slot + 1) & mask_;
    return slots_[slot] == key;
  }

 private:
  static constexpr uint64_t kFree = 0x9c5f3a7be1d20846;

  size_t Home(uint64_t key) const {
    const uint64_t mixed = key * 0x9e3779b97f4a7c15;
    return (mixed ^ mixed >> 32) & mask_;
  }

  size_t mask_;
  std::vector<uint64_t> slots_;
  bool has_free_ = false;
};

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
                      uint64_t high, std::vector<uint32_t>* out) {
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
                     const NumberRange<int64_t>& range, std::vector<uint32_t>* out) {
  const auto base = static_cast<int64_t>(column.base());
  if (range.empty || range.high < base) return Status::Ok();
  const uint64_t low = range.low <= base ? 0 : static_cast<uint64_t>(range.low) - column.base();
  return CollectBetween(ctx, column, low, static_cast<uint64_t>(range.high) - column.base(), out);
}

Status MatchIntList(runtime::Context& ctx, const PackedReader& column, const MetadataValue& list,
                    std::vector<uint32_t>* out) {
  KeySet members(ListSize(list));  // as distances from the base
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
                     const NumberRange<double>& range, std::vector<uint32_t>* out) {
  return Collect(
      ctx, n,
      [=](uint64_t i) {
        const double value = LoadFixed<Number>(numbers + i * sizeof(Number));
        return (value >= range.low) & (value <= range.high);
      },
      out);
}

Status MatchFloats(runtime::Context& ctx, const MetadataColumnReader& column,
                   const MetadataPredicate& predicate, std::vector<uint32_t>* out) {
  const format::FloatReader& values = column.floats();
  const uint64_t n = column.presence().count();
  if (predicate.op != CompareOperator::kIn) {
    const NumberRange<double> range = FloatRange(predicate.op, predicate.operand);
    if (range.empty) return Status::Ok();
    return values.narrow() ? CollectFloats<float>(ctx, values.numbers(), n, range, out)
                           : CollectFloats<double>(ctx, values.numbers(), n, range, out);
  }
  // Adding zero turns -0 into 0, which it equals.
  KeySet members(ListSize(predicate.operand));
  ForEachNumber(predicate.operand, [&](const MetadataValue& number) {
    const NumberRange<double> equal = FloatRange(CompareOperator::kEqual, number);
    if (!equal.empty) members.Add(std::bit_cast<uint64_t>(equal.low + 0.0));
  });
  return Collect(
      ctx, n,
      [&](uint64_t i) { return members.Contains(std::bit_cast<uint64_t>(values[i] + 0.0)); }, out);
}

Status MatchBools(runtime::Context& ctx, const MetadataColumnReader& column,
                  const MetadataPredicate& predicate, std::vector<uint32_t>* out) {
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

struct StringHash {
  size_t operator()(std::string_view value) const { return Hash64(value); }
};

// By code: whether the list has the dictionary's entry. Looks for the fewer in the more.
std::vector<uint8_t> WantedCodes(const StringValuesReader& values,
                                 const std::vector<std::string>& list) {
  std::vector<uint8_t> wanted(values.strings().count());
  if (wanted.size() < list.size()) {
    for (const std::string& member : list) {
      if (const std::optional<uint64_t> code = values.FindCode(member)) wanted[*code] = 1;
    }
    return wanted;
  }
  const std::unordered_set<std::string_view, StringHash> members(list.begin(), list.end());
  for (uint64_t code = 0; code < wanted.size(); ++code) {
    wanted[code] = members.contains(values.strings()[code]) ? 1 : 0;
  }
  return wanted;
}

Status MatchStringList(runtime::Context& ctx, const StringValuesReader& values, uint64_t n,
                       const std::vector<std::string>& list, std::vector<uint32_t>* out) {
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

Status MatchStrings(runtime::Context& ctx, const MetadataColumnReader& column,
                    const MetadataPredicate& predicate, std::vector<uint32_t>* out) {
  const StringValuesReader& values = column.strings();
  const uint64_t n = column.presence().count();
  if (const auto* list = std::get_if<std::vector<std::string>>(&predicate.operand)) {
    return MatchStringList(ctx, values, n, *list, out);
  }
  const std::string_view wanted = std::get<std::string>(predicate.operand);
  if (!values.has_dictionary()) {
    return Collect(
        ctx, n, [&](uint64_t i) { return values.strings()[i] == wanted; }, out);
  }
  const std::optional<uint64_t> code = values.FindCode(wanted);
  if (!code || *code < values.codes().base()) return Status::Ok();
  const uint64_t distance = *code - values.codes().base();
  return CollectBetween(ctx, values.codes(), distance, distance, out);
}

// The ordinals of arrays with an element that `test` accepts.
template <typename Test>
Status CollectArrays(runtime::Context& ctx, const MetadataColumnReader& column, Test test,
                     std::vector<uint32_t>* out) {
  const PackedReader& offsets = column.offsets();
  return Collect(
      ctx, column.presence().count(),
      [&](uint64_t i) {
        const uint64_t end = offsets[i + 1];
        for (uint64_t element = offsets[i]; element < end; ++element) {
          if (test(element)) return true;
        }
        return false;
      },
      out);
}

Status MatchArrays(runtime::Context& ctx, const MetadataColumnReader& column,
                   const MetadataValue& operand, std::vector<uint32_t>* out) {
  switch (column.type()) {
    case ValueType::kBoolArray: {
      const bool wanted = std::get<bool>(operand);
      return CollectArrays(
          ctx, column, [&](uint64_t i) { return column.bools()[i] == wanted; }, out);
    }
    case ValueType::kIntArray: {
      const auto wanted = static_cast<uint64_t>(std::get<int64_t>(operand));
      return CollectArrays(
          ctx, column, [&](uint64_t i) { return column.ints()[i] == wanted; }, out);
    }
    case ValueType::kFloatArray: {
      const auto wanted = std::get<double>(operand);
      return CollectArrays(
          ctx, column, [&](uint64_t i) { return column.floats()[i] == wanted; }, out);
    }
    default:
      break;
  }
  const std::string_view wanted = std::get<std::string>(operand);
  const StringValuesReader& values = column.strings();
  if (!values.has_dictionary()) {
    return CollectArrays(
        ctx, column, [&](uint64_t i) { return values.strings()[i] == wanted; }, out);
  }
  const std::optional<uint64_t> code = values.FindCode(wanted);
  if (!code) return Status::Ok();
  return CollectArrays(
      ctx, column, [&](uint64_t i) { return values.codes()[i] == *code; }, out);
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
                   const MetadataPredicate& predicate, std::vector<uint32_t>* ordinals) {
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
      return MatchStrings(ctx, column, predicate, ordinals);
    default:
      return MatchArrays(ctx, column, predicate.operand, ordinals);
  }
}

}  // namespace chroma::segment
