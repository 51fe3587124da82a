#include "segment/column_statistics.h"

#include <algorithm>
#include <optional>
#include <type_traits>

#include "base/checksum.h"
#include "segment/number_range.h"
#include "segment/value_code.h"

namespace chroma::segment {
namespace {

using format::MetadataColumnReader;
using format::PackedReader;
using model::CompareOperator;
using model::MetadataPredicate;
using model::MetadataValue;
using model::ValueType;

constexpr uint32_t kRowsSampled = 4096;
constexpr uint64_t kCodesSampled = 32 << 10;  // of arrays
constexpr uint64_t kRowsPerSlot = 4;          // so that a row takes a byte at most
constexpr size_t kMembersTried = 256;         // of a list

// The numbers that stand for values: equal ones for equal values, and of numbers in their order.
uint64_t CodeAt(const MetadataColumnReader& column, uint64_t i) {
  switch (model::ElementType(column.type())) {
    case ValueType::kBool:
      return column.bools()[i] ? 1 : 0;
    case ValueType::kInt:
      return CodeOf(static_cast<int64_t>(column.ints()[i]));
    case ValueType::kFloat:
      return CodeOf(column.floats()[i]);
    default:
      return column.strings().has_dictionary() ? column.strings().codes()[i]
                                               : Hash64(column.strings().strings()[i]);
  }
}

// Of an operand; none when no value of the column equals it.
std::optional<uint64_t> CodeOfOperand(const MetadataColumnReader& column,
                                      const MetadataValue& operand) {
  switch (model::ElementType(column.type())) {
    case ValueType::kBool:
      return std::get<bool>(operand) ? 1 : 0;
    case ValueType::kInt: {
      const NumberRange<int64_t> equal = IntRange(CompareOperator::kEqual, operand);
      return equal.empty ? std::nullopt : std::optional(CodeOf(equal.low));
    }
    case ValueType::kFloat: {
      const NumberRange<double> equal = FloatRange(CompareOperator::kEqual, operand);
      return equal.empty ? std::nullopt : std::optional(CodeOf(equal.low));
    }
    default: {
      const auto& text = std::get<std::string>(operand);
      return column.strings().has_dictionary() ? column.strings().FindCode(text)
                                               : std::optional(Hash64(text));
    }
  }
}

// Calls visit(member) with the members of a list, or with some of a long one, evenly; returns of
// how many each is one. A scalar is a list of one.
template <typename Visit>
double ForEachMember(const MetadataValue& operand, Visit visit) {
  const auto of_list = [&](const auto& list) {
    const size_t n = std::min(list.size(), kMembersTried);
    for (size_t i = 0; i < n; ++i) visit(MetadataValue(list[i * list.size() / n]));
    return n == 0 ? 0 : static_cast<double>(list.size()) / static_cast<double>(n);
  };
  return std::visit(
      [&](const auto& value) -> double {
        using Operand = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<Operand, model::BoolArray>) {
          for (const uint8_t member : value.values) visit(MetadataValue(member != 0));
        } else if constexpr (std::is_same_v<Operand, std::vector<int64_t>> ||
                             std::is_same_v<Operand, std::vector<double>> ||
                             std::is_same_v<Operand, std::vector<std::string>>) {
          return of_list(value);
        } else {
          visit(operand);
        }
        return 1;
      },
      operand);
}

template <typename T>
void SortUnique(std::vector<T>* values) {
  std::sort(values->begin(), values->end());
  values->erase(std::unique(values->begin(), values->end()), values->end());
}

bool IsComparison(CompareOperator op) {
  return op == CompareOperator::kLess || op == CompareOperator::kLessOrEqual ||
         op == CompareOperator::kGreater || op == CompareOperator::kGreaterOrEqual;
}

// The numbers that a column stores for its values, where these are dense enough to be counted.
const PackedReader* StoredNumbers(const MetadataColumnReader& column) {
  const PackedReader* stored = nullptr;
  const ValueType type = model::ElementType(column.type());
  if (type == ValueType::kInt) stored = &column.ints();
  if (type == ValueType::kString && column.strings().has_dictionary()) {
    stored = &column.strings().codes();
  }
  return stored != nullptr && stored->width() <= 2 ? stored : nullptr;
}

// counts[v + 1]: the rows that have the number v, once however often an array has it.
template <typename Load>
void CountRows(const MetadataColumnReader& column, Load load, std::vector<uint32_t>* counts) {
  const uint32_t n = column.presence().count();
  uint32_t* const of = counts->data() + 1;
  if (!model::IsArray(column.type())) {
    for (uint32_t i = 0; i < n; ++i) ++of[load(i)];
    return;
  }
  std::vector<uint32_t> last(counts->size(), UINT32_MAX);  // the row that had it last
  uint64_t element = 0;
  for (uint32_t i = 0; i < n; ++i) {
    for (const uint64_t end = column.offsets()[uint64_t{i} + 1]; element < end; ++element) {
      const uint64_t number = load(element);
      of[number] += last[number] != i ? 1 : 0;
      last[number] = i;
    }
  }
}

// A number of the i-th of n equal stretches of the `count` ordinals, so that neither values that
// lie together nor those that come in turn mislead.
uint32_t SampledOrdinal(uint64_t i, uint64_t n, uint64_t count) {
  const uint64_t begin = i * count / n;
  const uint64_t length = (i + 1) * count / n - begin;
  const std::string_view bytes(reinterpret_cast<const char*>(&i), sizeof(i));
  return static_cast<uint32_t>(begin + Hash64(bytes) % length);
}

}  // namespace

ColumnStatistics ColumnStatistics::Of(const MetadataColumnReader& column) {
  ColumnStatistics statistics;
  statistics.count_ = column.presence().count();
  if (!statistics.CountEach(column)) statistics.Sample(column);
  return statistics;
}

// False, and nothing kept, where values are too many for the rows.
bool ColumnStatistics::CountEach(const MetadataColumnReader& column) {
  std::vector<uint32_t> counts;
  if (model::ElementType(column.type()) == ValueType::kBool) {
    counts.resize(3);
    CountRows(
        column, [&](uint64_t i) { return column.bools()[i] ? 1U : 0U; }, &counts);
  } else {
    const PackedReader* stored = StoredNumbers(column);
    const size_t slots = stored == nullptr ? 0 : size_t{1} << (8 * stored->width());
    if (stored == nullptr || slots / 256 > count_ / kRowsPerSlot) return false;
    origin_ = model::ElementType(column.type()) == ValueType::kInt
                  ? CodeOf(static_cast<int64_t>(stored->base()))
                  : stored->base();
    counts.resize(slots + 1);
    format::VisitPacked(*stored, [&](auto load) { CountRows(column, load, &counts); });
    while (counts.size() > 2 && counts.back() == 0) counts.pop_back();
    if (counts.size() > std::max(count_ / kRowsPerSlot, uint64_t{256})) return false;
  }
  uint32_t before = 0;
  for (uint32_t& count : counts) before = count += before;
  before_ = std::vector<uint32_t>(counts);  // no larger than it has to be
  return true;
}

void ColumnStatistics::Sample(const MetadataColumnReader& column) {
  const bool arrays = model::IsArray(column.type());
  const uint64_t elements = arrays ? column.offsets()[count_] : count_;
  sampled_ = std::min(count_, kRowsSampled);
  if (arrays && elements / std::max(count_, 1U) * sampled_ > kCodesSampled) {
    sampled_ = static_cast<uint32_t>(kCodesSampled / (elements / count_)) + 1;
  }
  for (uint64_t i = 0; i < sampled_; ++i) {
    const uint64_t ordinal = SampledOrdinal(i, sampled_, count_);
    if (!arrays) {
      sample_.push_back(CodeAt(column, ordinal));
      continue;
    }
    std::vector<uint64_t> codes;
    for (uint64_t e = column.offsets()[ordinal]; e < column.offsets()[ordinal + 1]; ++e) {
      codes.push_back(CodeAt(column, e));
    }
    SortUnique(&codes);
    sample_.insert(sample_.end(), codes.begin(), codes.end());
  }
  std::sort(sample_.begin(), sample_.end());
  if (sampled_ == count_) return;
  double once = 0;
  double distinct = 0;
  for (size_t i = 0; i < sample_.size();) {
    const size_t begin = i;
    while (i < sample_.size() && sample_[i] == sample_[begin]) ++i;
    once += i - begin == 1 ? 1 : 0;
    ++distinct;
  }
  if (once == 0) return;
  const double share = static_cast<double>(sampled_) / count_;
  const double all = distinct / (1 - (1 - share) * once / static_cast<double>(sample_.size()));
  rare_ = once / share / (all - distinct + once);
}

double ColumnStatistics::Between(uint64_t low, uint64_t high) const {
  if (!before_.empty()) {
    const uint64_t slots = before_.size() - 1;
    const auto below = [&](uint64_t code) {  // modulo 2^32 of arrays, as are the differences
      return code <= origin_ ? 0 : before_[std::min(code - origin_, slots)];
    };
    return (high == UINT64_MAX ? before_.back() : below(high + 1)) - below(low);
  }
  const auto begin = std::lower_bound(sample_.begin(), sample_.end(), low);
  const auto end = std::upper_bound(begin, sample_.end(), high);
  return sampled_ == 0 ? 0 : static_cast<double>(end - begin) / sampled_ * count_;
}

double ColumnStatistics::Equal(uint64_t code) const {
  const double rows = Between(code, code);
  if (exact()) return rows;
  constexpr double kTwice = 1.5;
  return rows * sampled_ / count_ > kTwice ? rows : rare_;
}

double ColumnStatistics::Rows(const MetadataColumnReader& column,
                              const MetadataPredicate& predicate) const {
  if (IsComparison(predicate.op)) {
    if (column.type() == ValueType::kInt) {
      const NumberRange<int64_t> range = IntRange(predicate.op, predicate.operand);
      return range.empty ? 0 : Between(CodeOf(range.low), CodeOf(range.high));
    }
    const NumberRange<double> range = FloatRange(predicate.op, predicate.operand);
    return range.empty ? 0 : Between(CodeOf(range.low), CodeOf(range.high));
  }
  std::vector<uint64_t> codes;
  const double each = ForEachMember(predicate.operand, [&](const MetadataValue& member) {
    if (const auto code = CodeOfOperand(column, member)) codes.push_back(*code);
  });
  SortUnique(&codes);
  double rows = 0;
  for (const uint64_t code : codes) rows += Equal(code);
  return std::min(rows * each, static_cast<double>(count_));
}

double RowsByOrder(const MetadataColumnReader& column, const ValueOrder& order,
                   const MetadataPredicate& predicate) {
  std::vector<uint32_t> numbers;
  const double each = ForEachMember(predicate.operand, [&](const MetadataValue& member) {
    order.Find(column.strings().strings(), std::get<std::string>(member), &numbers);
  });
  SortUnique(&numbers);
  return std::min(static_cast<double>(numbers.size()) * each,
                  static_cast<double>(column.presence().count()));
}

}  // namespace chroma::segment
