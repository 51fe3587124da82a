#include <algorithm>
#include <optional>
#include <utility>

#include "model/compare.h"
#include "model/filter.h"
#include "model/limits.h"
#include "model/schema.h"

namespace chroma::model {

namespace {

struct OperatorName {
  std::string_view name;
  CompareOperator op;
};

constexpr OperatorName kScalarOperators[] = {
    {"$eq", CompareOperator::kEqual},
    {"$ne", CompareOperator::kNotEqual},
    {"$gt", CompareOperator::kGreater},
    {"$gte", CompareOperator::kGreaterOrEqual},
    {"$lt", CompareOperator::kLess},
    {"$lte", CompareOperator::kLessOrEqual},
    {"$contains", CompareOperator::kArrayContains},
    {"$not_contains", CompareOperator::kArrayNotContains},
};
constexpr OperatorName kListOperators[] = {
    {"$in", CompareOperator::kIn},
    {"$nin", CompareOperator::kNotIn},
};

struct DocumentOperatorName {
  std::string_view name;
  DocumentOperator op;
};

constexpr DocumentOperatorName kDocumentOperators[] = {
    {"$contains", DocumentOperator::kContains},
    {"$not_contains", DocumentOperator::kNotContains},
    {"$regex", DocumentOperator::kRegex},
    {"$not_regex", DocumentOperator::kNotRegex},
};
constexpr DocumentOperatorName kMoreDocumentOperators[] = {
    {"$phrase", DocumentOperator::kPhrase},
    {"$not_phrase", DocumentOperator::kNotPhrase},
    {"$prefix", DocumentOperator::kPrefix},
    {"$not_prefix", DocumentOperator::kNotPrefix},
};
constexpr std::string_view kContainsAny = "$contains_any";
constexpr std::string_view kNotContainsAny = "$not_contains_any";

struct TextOperatorName {
  std::string_view name;
  TextOperator op;
};

constexpr TextOperatorName kTextOperators[] = {
    {kContainsAny, TextOperator::kContainsAny}, {kNotContainsAny, TextOperator::kNotContainsAny},
    {"$phrase", TextOperator::kPhrase},         {"$not_phrase", TextOperator::kNotPhrase},
    {"$prefix", TextOperator::kPrefix},         {"$not_prefix", TextOperator::kNotPrefix},
};

template <typename Table>
auto FindOperator(const Table& table, std::string_view name)
    -> std::optional<decltype(std::begin(table)->op)> {
  for (const auto& row : table) {
    if (row.name == name) return row.op;
  }
  return std::nullopt;
}

template <typename Table, typename Op>
std::string_view NameOf(const Table& table, Op op) {
  for (const auto& row : table) {
    if (row.op == op) return row.name;
  }
  return {};
}

bool IsRange(CompareOperator op) {
  return op == CompareOperator::kLess || op == CompareOperator::kLessOrEqual ||
         op == CompareOperator::kGreater || op == CompareOperator::kGreaterOrEqual;
}

bool IsListOfTexts(TextOperator op) {
  return op == TextOperator::kContainsAny || op == TextOperator::kNotContainsAny;
}

// What is no metadata, and has columns of its own.
bool IsReserved(std::string_view key) {
  return key.starts_with('#') || key == kDocumentMetadataKey || key == kUriMetadataKey;
}

std::optional<MetadataValue> Scalar(const JsonValue& json) {
  if (const bool* value = json.AsBool()) return *value;
  if (const int64_t* value = json.AsInt()) return *value;
  if (const double* value = json.AsDouble()) return *value;
  if (const std::string* value = json.AsString()) return *value;
  return std::nullopt;
}

// The values of a list whose elements are all read by `get`, which returns null for others.
template <typename T, typename Values, typename Get>
std::optional<Values> ListOf(const JsonArray& json, Get&& get) {
  Values values;
  values.reserve(json.size());
  for (const JsonValue& element : json) {
    std::optional<T> value = get(element);
    if (!value) return std::nullopt;
    values.push_back(*std::move(value));
  }
  return values;
}

std::optional<double> AsNumber(const JsonValue& json) {
  if (const double* value = json.AsDouble()) return *value;
  if (const int64_t* value = json.AsInt()) return static_cast<double>(*value);
  return std::nullopt;
}

template <typename T>
std::optional<T> Copied(const T* value) {
  return value == nullptr ? std::nullopt : std::optional<T>(*value);
}

// The operand of $in and $nin: the first element decides the type. Integers after a first float
// are widened, floats after a first integer are refused, as upstream does. For those that no double
// equals see SplitNumbers.
std::optional<MetadataValue> List(const JsonArray& json) {
  if (json.empty()) return std::nullopt;
  if (json[0].AsBool() != nullptr) {
    auto bools = ListOf<bool, std::vector<uint8_t>>(
        json, [](const JsonValue& element) { return Copied(element.AsBool()); });
    if (bools) return BoolArray{*std::move(bools)};
  } else if (json[0].AsInt() != nullptr) {
    auto ints = ListOf<int64_t, std::vector<int64_t>>(
        json, [](const JsonValue& element) { return Copied(element.AsInt()); });
    if (ints) return *std::move(ints);
  } else if (json[0].AsDouble() != nullptr) {
    auto floats = ListOf<double, std::vector<double>>(json, AsNumber);
    if (floats) return *std::move(floats);
  } else if (json[0].AsString() != nullptr) {
    auto strings = ListOf<std::string, std::vector<std::string>>(
        json, [](const JsonValue& element) { return Copied(element.AsString()); });
    if (strings) return *std::move(strings);
  }
  return std::nullopt;
}

// The numbers of a list: those that a double equals, and the integers that none does.
struct ExactNumbers {
  std::vector<double> floats;
  std::vector<int64_t> ints;
};
ExactNumbers SplitNumbers(const JsonArray& json) {
  ExactNumbers numbers;
  for (const JsonValue& element : json) {
    const double widened = AsNumber(element).value_or(0);
    const int64_t* integer = element.AsInt();
    if (integer == nullptr || std::is_eq(CompareNumbers(*integer, widened))) {
      numbers.floats.push_back(widened);
    } else {
      numbers.ints.push_back(*integer);
    }
  }
  return numbers;
}

// Parses one tree. Recursion is bounded by kFilterDepthMax.
class FilterParser {
 public:
  FilterParser(std::string error, bool documents, Dialect dialect)
      : error_(std::move(error)), documents_(documents), dialect_(dialect) {}

  Result<Filter> Parse(const JsonValue& json, int depth = 1) {
    if (depth > kFilterDepthMax) {
      return Broken("nested deeper than " + std::to_string(kFilterDepthMax) + " levels");
    }
    const JsonObject* object = json.AsObject();
    if (object == nullptr || object->size() != 1) return Invalid();
    const auto& [key, value] = object->front();
    if (key == "$and") return Logical(LogicalOperator::kAnd, value, depth);
    if (key == "$or") return Logical(LogicalOperator::kOr, value, depth);
    if (!CountLeaf()) return TooMany();
    if (documents_) return Document(key, value);
    if (!key.empty() && key[0] == '$') return Invalid();
    return Condition(key, value);
  }

 private:
  Status Invalid() const { return Status::InvalidArgument(error_); }
  Status Broken(const std::string& what) const {
    return Status::InvalidArgument(error_ + ": " + what);
  }
  Status TooMany() const {
    return Broken("more than " + std::to_string(kFilterLeavesMax) + " conditions");
  }
  bool CountLeaf() { return ++leaves_ <= kFilterLeavesMax; }

  Result<Filter> Logical(LogicalOperator op, const JsonValue& json, int depth) {
    const JsonArray* array = json.AsArray();
    if (array == nullptr) return Invalid();
    // An empty list costs as much as a condition.
    if (array->size() > kFilterLeavesMax || (array->empty() && !CountLeaf())) return TooMany();
    LogicalFilter logical{op, {}};
    logical.children.reserve(array->size());
    for (const JsonValue& child : *array) {
      CHROMA_ASSIGN(Filter filter, Parse(child, depth + 1));
      logical.children.push_back(std::move(filter));
    }
    return Filter{std::move(logical)};
  }

  bool IsDocumentOperator(std::string_view name) const {
    if (dialect_ == Dialect::kExtended && (name == kContainsAny || name == kNotContainsAny)) {
      return true;
    }
    return FindDocumentOperator(name).has_value();
  }

  std::optional<DocumentOperator> FindDocumentOperator(std::string_view name) const {
    const auto op = FindOperator(kDocumentOperators, name);
    if (op || dialect_ == Dialect::kUpstream) return op;
    return FindOperator(kMoreDocumentOperators, name);
  }

  Result<Filter> Document(std::string_view name, const JsonValue& operand) {
    if (dialect_ == Dialect::kExtended && operand.AsArray() != nullptr) {
      return DocumentList(name, *operand.AsArray());
    }
    const auto op = FindDocumentOperator(name);
    const std::string* pattern = operand.AsString();
    if (!op || pattern == nullptr) return Invalid();
    return Filter{DocumentPredicate{*op, *pattern}};
  }

  // Short for an $or of $contains, or an $and of $not_contains.
  Result<Filter> DocumentList(std::string_view name, const JsonArray& patterns) {
    const bool any = name == kContainsAny;
    if ((!any && name != kNotContainsAny) || patterns.empty()) return Invalid();
    LogicalFilter logical{any ? LogicalOperator::kOr : LogicalOperator::kAnd, {}};
    for (const JsonValue& pattern : patterns) {
      if (pattern.AsString() == nullptr) return Invalid();
      if (!logical.children.empty() && !CountLeaf()) return TooMany();
      logical.children.push_back(
          {DocumentPredicate{any ? DocumentOperator::kContains : DocumentOperator::kNotContains,
                             *pattern.AsString()}});
    }
    return Filter{std::move(logical)};
  }

  Result<Filter> Condition(const std::string& key, const JsonValue& json) {
    const JsonObject* object = json.AsObject();
    if (object == nullptr) return Compare(key, CompareOperator::kEqual, json);
    if (object->size() != 1) return Invalid();
    const auto& [name, operand] = object->front();
    if (key == kDocumentKey && IsDocumentOperator(name)) {
      return Document(name, operand);
    }
    if (dialect_ == Dialect::kExtended) {
      if (const auto op = FindOperator(kTextOperators, name)) return Text(key, *op, operand);
    }
    if (const auto op = FindOperator(kListOperators, name)) {
      return InList(key, *op, name, operand);
    }
    const auto op = FindOperator(kScalarOperators, name);
    return op ? Compare(key, *op, operand) : Invalid();
  }

  // Each of several texts is a condition, as it is of documents.
  Result<Filter> Text(const std::string& key, TextOperator op, const JsonValue& operand) {
    if (IsReserved(key)) return Invalid();
    TextPredicate predicate{key, op, {}};
    if (!IsListOfTexts(op)) {
      if (operand.AsString() == nullptr) return Invalid();
      predicate.texts.push_back(*operand.AsString());
      return Filter{std::move(predicate)};
    }
    const JsonArray* texts = operand.AsArray();
    if (texts == nullptr || texts->empty()) return Invalid();
    for (const JsonValue& text : *texts) {
      if (text.AsString() == nullptr) return Invalid();
      if (!predicate.texts.empty() && !CountLeaf()) return TooMany();
      predicate.texts.push_back(*text.AsString());
    }
    return Filter{std::move(predicate)};
  }

  Result<Filter> Compare(const std::string& key, CompareOperator op, const JsonValue& json) {
    std::optional<MetadataValue> operand = Scalar(json);
    if (!operand) return Invalid();
    const ValueType type = TypeOf(*operand);
    if (IsRange(op) && type != ValueType::kInt && type != ValueType::kFloat) return Invalid();
    return Filter{MetadataPredicate{key, op, *std::move(operand)}};
  }

  Result<Filter> InList(const std::string& key, CompareOperator op, std::string_view name,
                        const JsonValue& json) {
    const JsonArray* array = json.AsArray();
    if (array == nullptr) return Invalid();
    if (array->size() > kFilterListMax) {
      return Broken(std::string(name) + " list longer than " + std::to_string(kFilterListMax) +
                    " values");
    }
    std::optional<MetadataValue> operand = List(*array);
    if (!operand) return Invalid();
    ExactNumbers numbers;
    if (TypeOf(*operand) == ValueType::kFloatArray) numbers = SplitNumbers(*array);
    if (numbers.ints.empty()) return Filter{MetadataPredicate{key, op, *std::move(operand)}};
    // A list has one type: two of them say it without rounding.
    if (!CountLeaf()) return TooMany();
    LogicalFilter logical{op == CompareOperator::kIn ? LogicalOperator::kOr : LogicalOperator::kAnd,
                          {}};
    logical.children.push_back({MetadataPredicate{key, op, std::move(numbers.floats)}});
    logical.children.push_back({MetadataPredicate{key, op, std::move(numbers.ints)}});
    return Filter{std::move(logical)};
  }

  std::string error_;
  bool documents_;  // the grammar of where_document
  Dialect dialect_;
  size_t leaves_ = 0;
};

JsonValue Json(JsonValue::Storage storage) {
  return JsonValue(std::move(storage));
}

JsonValue Member(std::string_view key, JsonValue value) {
  JsonObject object;
  object.emplace_back(std::string(key), std::move(value));
  return Json(std::move(object));
}

struct OperandToJson {
  JsonValue operator()(std::monostate) const { return JsonValue(); }
  JsonValue operator()(const SparseVector&) const { return JsonValue(); }
  JsonValue operator()(const BoolArray& array) const {
    JsonArray json;
    for (uint8_t value : array.values) json.push_back(Json(value != 0));
    return Json(std::move(json));
  }
  template <typename T>
  JsonValue operator()(const std::vector<T>& values) const {
    JsonArray json;
    for (const T& value : values) json.push_back(Json(value));
    return Json(std::move(json));
  }
  template <typename T>
  JsonValue operator()(const T& value) const {
    return Json(value);
  }
};

JsonValue PredicateToJson(const MetadataPredicate& predicate) {
  std::string_view name = NameOf(kScalarOperators, predicate.op);
  if (name.empty()) name = NameOf(kListOperators, predicate.op);
  return Member(predicate.key, Member(name, std::visit(OperandToJson(), predicate.operand)));
}

JsonValue PredicateToJson(const TextPredicate& predicate) {
  JsonValue operand = IsListOfTexts(predicate.op) ? OperandToJson()(predicate.texts)
                                                  : Json(predicate.texts.front());
  return Member(predicate.key, Member(NameOf(kTextOperators, predicate.op), std::move(operand)));
}

}  // namespace

Result<Filter> ParseWhere(const JsonValue& json, Dialect dialect) {
  return FilterParser("Invalid where clause", /*documents=*/false, dialect).Parse(json);
}

Result<Filter> ParseWhereDocument(const JsonValue& json, Dialect dialect) {
  return FilterParser("Invalid where document clause", /*documents=*/true, dialect).Parse(json);
}

JsonValue WhereToJson(const Filter& filter) {
  if (const auto* logical = std::get_if<LogicalFilter>(&filter.node)) {
    JsonArray children;
    for (const Filter& child : logical->children) children.push_back(WhereToJson(child));
    return Member(logical->op == LogicalOperator::kAnd ? "$and" : "$or", Json(std::move(children)));
  }
  if (const auto* document = std::get_if<DocumentPredicate>(&filter.node)) {
    std::string_view name = NameOf(kDocumentOperators, document->op);
    if (name.empty()) name = NameOf(kMoreDocumentOperators, document->op);
    return Member(kDocumentKey, Member(name, Json(document->pattern)));
  }
  if (const auto* text = std::get_if<TextPredicate>(&filter.node)) return PredicateToJson(*text);
  return PredicateToJson(std::get<MetadataPredicate>(filter.node));
}

}  // namespace chroma::model
