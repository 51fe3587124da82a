#include "segment/key_values.h"

#include <algorithm>
#include <limits>

#include "model/metadata_order.h"
#include "segment/value_code.h"

namespace chroma::segment {
namespace {

using format::MetadataColumnReader;
using format::PresenceReader;
using model::MetadataValue;
using model::ValueType;

constexpr size_t kRowsAtATime = 4096;

// Calls visit(row) for all rows.
template <typename Visit>
Status ForEachRow(runtime::Context& ctx, const Bitmap& rows, Visit visit) {
  std::vector<uint32_t> some(kRowsAtATime);
  for (uint32_t from = 0; size_t n = rows.Read(from, some.data(), some.size());) {
    CHROMA_TRY(ctx.Check());
    for (size_t i = 0; i < n; ++i) visit(some[i]);
    if (some[n - 1] == std::numeric_limits<uint32_t>::max()) break;
    from = some[n - 1] + 1;
  }
  return Status::Ok();
}

struct ToView {
  ValueView operator()(std::monostate) const { return std::monostate(); }
  ValueView operator()(bool value) const { return value; }
  ValueView operator()(int64_t value) const { return value; }
  ValueView operator()(double value) const { return value; }
  ValueView operator()(const std::string& value) const { return std::string_view(value); }
  template <typename T>
  ValueView operator()(const T& value) const {
    return MetadataValue(value);
  }
};

struct FromView {
  MetadataValue operator()(std::string_view view) const { return std::string(view); }
  template <typename T>
  MetadataValue operator()(const T& value) const {
    return value;
  }
};

struct AddElements {
  ValueCounts& counts;

  template <typename T>
  void operator()(std::vector<T> values) const {
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
    for (const T& value : values) counts.Add(value);
  }
};

// The elements of an array as T.
template <typename T, typename Get>
std::vector<T> Gather(uint64_t begin, uint64_t end, Get get) {
  std::vector<T> values;
  values.reserve(end - begin);
  for (uint64_t i = begin; i < end; ++i) values.push_back(get(i));
  return values;
}

void CountArray(const MetadataColumnReader& column, uint32_t ordinal, ValueCounts* counts) {
  const uint64_t begin = column.offsets()[ordinal];
  const uint64_t end = column.offsets()[uint64_t{ordinal} + 1];
  const AddElements add{*counts};
  switch (column.type()) {
    case ValueType::kBoolArray:
      for (const bool wanted : {false, true}) {
        bool has = false;
        for (uint64_t i = begin; i < end; ++i) has |= column.bools()[i] == wanted;
        if (has) counts->Add(wanted);
      }
      break;
    case ValueType::kIntArray:
      add(Gather<int64_t>(begin, end,
                          [&](uint64_t i) { return static_cast<int64_t>(column.ints()[i]); }));
      break;
    case ValueType::kFloatArray:
      add(Gather<double>(begin, end, [&](uint64_t i) { return column.floats()[i]; }));
      break;
    case ValueType::kStringArray:
      add(Gather<std::string_view>(begin, end, [&](uint64_t i) { return column.strings()[i]; }));
      break;
    default:
      break;
  }
}

void CountScalar(const MetadataColumnReader& column, uint32_t ordinal, ValueCounts* counts) {
  switch (column.type()) {
    case ValueType::kBool:
      return counts->Add(column.bools()[ordinal]);
    case ValueType::kInt:
      return counts->Add(static_cast<int64_t>(column.ints()[ordinal]));
    case ValueType::kFloat:
      return counts->Add(column.floats()[ordinal]);
    default:
      return counts->Add(column.strings()[ordinal]);
  }
}

class ColumnValues final : public KeyValues {
 public:
  explicit ColumnValues(std::vector<const MetadataColumnReader*> columns)
      : columns_(std::move(columns)) {}

  ValueView At(uint32_t row) const override {
    for (const MetadataColumnReader* column : columns_) {
      const uint32_t ordinal = column->presence().Ordinal(row);
      if (ordinal != PresenceReader::kAbsent) return View(*column, ordinal);
    }
    return std::monostate();
  }

  bool has_codes() const override {
    if (columns_.size() != 1) return columns_.empty();
    const ValueType type = columns_[0]->type();
    if (type == ValueType::kString) return columns_[0]->strings().has_dictionary();
    return type == ValueType::kBool || type == ValueType::kInt || type == ValueType::kFloat;
  }

  std::optional<uint64_t> Code(uint32_t row) const override {
    if (columns_.empty()) return std::nullopt;
    const MetadataColumnReader& column = *columns_[0];
    const uint32_t ordinal = column.presence().Ordinal(row);
    if (ordinal == PresenceReader::kAbsent) return std::nullopt;
    switch (column.type()) {
      case ValueType::kBool:
        return column.bools()[ordinal] ? 1 : 0;
      case ValueType::kInt:
        return CodeOf(static_cast<int64_t>(column.ints()[ordinal]));
      case ValueType::kFloat:
        return CodeOf(column.floats()[ordinal]);
      default:
        return column.strings().codes()[ordinal];
    }
  }

  Status Count(runtime::Context& ctx, const Bitmap& rows, ValueCounts* counts) const override {
    for (const MetadataColumnReader* column : columns_) {
      CHROMA_TRY(CountColumn(ctx, *column, rows, counts));
    }
    return Status::Ok();
  }

 private:
  static ValueView View(const MetadataColumnReader& column, uint32_t ordinal) {
    switch (column.type()) {
      case ValueType::kBool:
        return column.bools()[ordinal];
      case ValueType::kInt:
        return static_cast<int64_t>(column.ints()[ordinal]);
      case ValueType::kFloat:
        return column.floats()[ordinal];
      case ValueType::kString:
        return column.strings()[ordinal];
      default:
        return column.Value(ordinal);
    }
  }

  static Status CountColumn(runtime::Context& ctx, const MetadataColumnReader& column,
                            const Bitmap& rows, ValueCounts* counts) {
    if (column.type() == ValueType::kString && column.strings().has_dictionary()) {
      return CountCodes(ctx, column, rows, counts);
    }
    const bool scalar = model::ElementType(column.type()) == column.type();
    uint64_t records = 0;
    CHROMA_TRY(ForEachRow(ctx, rows, [&](uint32_t row) {
      const uint32_t ordinal = column.presence().Ordinal(row);
      if (ordinal == PresenceReader::kAbsent) return;
      ++records;
      if (column.type() == ValueType::kSparseVector) return;
      if (scalar) {
        CountScalar(column, ordinal, counts);
      } else {
        CountArray(column, ordinal, counts);
      }
    }));
    counts->AddRecords(records);
    return Status::Ok();
  }

  // No string is looked at before all are counted.
  static Status CountCodes(runtime::Context& ctx, const MetadataColumnReader& column,
                           const Bitmap& rows, ValueCounts* counts) {
    const format::StringValuesReader& values = column.strings();
    std::vector<uint64_t> by_code(values.strings().count());
    CHROMA_TRY(ForEachRow(ctx, rows, [&](uint32_t row) {
      const uint32_t ordinal = column.presence().Ordinal(row);
      if (ordinal != PresenceReader::kAbsent) ++by_code[values.codes()[ordinal]];
    }));
    for (uint64_t code = 0; code < by_code.size(); ++code) {
      if (by_code[code] == 0) continue;
      counts->AddRecords(by_code[code]);
      counts->Add(values.strings()[code], by_code[code]);
    }
    return Status::Ok();
  }

  const std::vector<const MetadataColumnReader*> columns_;
};

// Of a value that stays where it is.
struct CountStored {
  ValueCounts& counts;

  void operator()(std::monostate) const {}
  void operator()(const model::SparseVector&) const {}
  void operator()(bool value) const { counts.Add(value); }
  void operator()(int64_t value) const { counts.Add(value); }
  void operator()(double value) const { counts.Add(value); }
  void operator()(const std::string& value) const { counts.Add(std::string_view(value)); }
  void operator()(const model::BoolArray& array) const {
    for (const uint8_t wanted : {0, 1}) {
      const auto& values = array.values;
      if (std::find(values.begin(), values.end(), wanted) != values.end()) counts.Add(wanted != 0);
    }
  }
  void operator()(const std::vector<std::string>& values) const {
    AddElements{counts}(std::vector<std::string_view>(values.begin(), values.end()));
  }
  template <typename T>
  void operator()(const std::vector<T>& values) const {
    AddElements{counts}(values);
  }
};

}  // namespace

ValueView ViewOf(const MetadataValue& value) {
  return std::visit(ToView(), value);
}

MetadataValue ToValue(const ValueView& view) {
  return std::visit(FromView(), view);
}

bool HasText(const MetadataValue& value, const index::TextPattern& pattern) {
  const auto matches = [&](const std::string& text) { return pattern.Matches(text); };
  if (const auto* text = std::get_if<std::string>(&value)) return matches(*text);
  const auto* texts = std::get_if<std::vector<std::string>>(&value);
  return texts != nullptr && std::any_of(texts->begin(), texts->end(), matches);
}

bool HasText(const ValueView& view, const index::TextPattern& pattern) {
  if (const auto* text = std::get_if<std::string_view>(&view)) return pattern.Matches(*text);
  const auto* array = std::get_if<MetadataValue>(&view);
  return array != nullptr && HasText(*array, pattern);
}

std::weak_ordering CompareViews(const ValueView& a, const ValueView& b) {
  const auto* text_a = std::get_if<std::string_view>(&a);
  const auto* text_b = std::get_if<std::string_view>(&b);
  if (text_a != nullptr && text_b != nullptr) return *text_a <=> *text_b;
  const auto* array_a = std::get_if<MetadataValue>(&a);
  const auto* array_b = std::get_if<MetadataValue>(&b);
  if (array_a != nullptr && array_b != nullptr) return model::CompareValues(*array_a, *array_b);
  // Of two different types no string's bytes are looked at.
  const auto plain = [](const ValueView& view) {
    return std::holds_alternative<std::string_view>(view) ? MetadataValue(std::string())
                                                          : ToValue(view);
  };
  return model::CompareValues(plain(a), plain(b));
}

std::unique_ptr<KeyValues> ValuesOfColumns(std::vector<const MetadataColumnReader*> columns) {
  return std::make_unique<ColumnValues>(std::move(columns));
}

void CountValue(const MetadataValue& value, ValueCounts* counts) {
  if (model::TypeOf(value) == ValueType::kNull) return;
  counts->AddRecords(1);
  std::visit(CountStored{*counts}, value);
}

}  // namespace chroma::segment
