#include "testing/schema_oracle.h"

namespace chroma::testing {
namespace {

using model::ValueType;

// The type whose index an operand, or a value that is stored, needs; none: null.
std::optional<ValueType> IndexedType(const model::MetadataValue& value) {
  if (std::holds_alternative<bool>(value) || std::holds_alternative<model::BoolArray>(value)) {
    return ValueType::kBool;
  }
  if (std::holds_alternative<int64_t>(value) ||
      std::holds_alternative<std::vector<int64_t>>(value)) {
    return ValueType::kInt;
  }
  if (std::holds_alternative<double>(value) || std::holds_alternative<std::vector<double>>(value)) {
    return ValueType::kFloat;
  }
  if (std::holds_alternative<std::string>(value) ||
      std::holds_alternative<std::vector<std::string>>(value)) {
    return ValueType::kString;
  }
  if (std::holds_alternative<model::SparseVector>(value)) return ValueType::kSparseVector;
  return std::nullopt;
}

std::string NameOf(ValueType type) {
  static const std::map<ValueType, std::string> kNames = {
      {ValueType::kBool, "Bool"},
      {ValueType::kInt, "Int"},
      {ValueType::kFloat, "Float"},
      {ValueType::kString, "Str"},
      {ValueType::kSparseVector, "SparseVector"}};
  return kNames.at(type);
}

std::string Disabled(const std::string& key, ValueType type) {
  return "Cannot filter using metadata key '" + key + "' with type '" + NameOf(type) +
         "' because indexing is disabled";
}

}  // namespace

void SchemaOracle::Apply(const model::RecordBatch& batch) {
  for (const auto& metadata : batch.metadatas) {
    if (!metadata) continue;
    for (const auto& [key, value] : *metadata) {
      const std::optional<ValueType> type = IndexedType(value);
      if (type) keys_.emplace(std::pair(key, *type), IsOn(key, *type));
    }
  }
}

bool SchemaOracle::IsOn(const std::string& key, ValueType type) const {
  const auto own = keys_.find({key, type});
  if (own != keys_.end()) return own->second;
  // Documents have the full-text index alone.
  if (key == model::kDocumentKey && type == ValueType::kString) return false;
  const auto common = defaults_.find(type);
  return common != defaults_.end() ? common->second : type != ValueType::kSparseVector;
}

std::optional<std::string> SchemaOracle::Refusal(const model::Filter& filter) const {
  if (const auto* logical = std::get_if<model::LogicalFilter>(&filter.node)) {
    for (const model::Filter& child : logical->children) {
      if (auto refusal = Refusal(child)) return refusal;
    }
    return std::nullopt;
  }
  if (const auto* predicate = std::get_if<model::MetadataPredicate>(&filter.node)) {
    const ValueType type = IndexedType(predicate->operand).value();
    if (IsOn(predicate->key, type)) return std::nullopt;
    return Disabled(predicate->key, type);
  }
  if (const auto* text = std::get_if<model::TextPredicate>(&filter.node)) {
    if (IsOn(text->key, ValueType::kString)) return std::nullopt;
    return Disabled(text->key, ValueType::kString);
  }
  if (full_text_) return std::nullopt;
  return "Cannot filter using full-text search because FTS indexing is disabled";
}

std::optional<std::string> SchemaOracle::RefusalOfText(
    const std::vector<model::Search>& searches) const {
  for (size_t i = 0; i < searches.size(); ++i) {
    if (!searches[i].rank) continue;
    for (const model::Knn& knn : searches[i].rank->knns) {
      const bool embedded =
          embeddings_.contains(knn.key) && IsOn(knn.key, ValueType::kSparseVector);
      if (knn.text() == nullptr || embedded) continue;
      return "Validation error: searches[" + std::to_string(i) +
             "].rank: $knn: the query is a text, and key '" + knn.key +
             "' has no embedding function that runs here: send a vector in its place";
    }
  }
  return std::nullopt;
}

std::optional<std::string> SchemaOracle::Refusal(const model::Search& search) const {
  if (search.filter) {
    if (auto refusal = Refusal(*search.filter)) return refusal;
  }
  if (!search.rank) return std::nullopt;
  for (const model::Knn& knn : search.rank->knns) {
    const bool dense = std::holds_alternative<std::vector<float>>(knn.query);
    if (!dense && !IsOn(knn.key, ValueType::kSparseVector)) {
      return Disabled(knn.key, ValueType::kSparseVector);
    }
  }
  return std::nullopt;
}

std::optional<std::string> SchemaOracle::Refusal(const std::vector<model::Search>& searches) const {
  // Texts become vectors before anything else is looked at.
  if (auto refusal = RefusalOfText(searches)) return refusal;
  for (const model::Search& search : searches) {
    if (auto refusal = Refusal(search)) return refusal;
  }
  return std::nullopt;
}

}  // namespace chroma::testing
