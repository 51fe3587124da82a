#include "model/validate.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "model/tuning.h"

namespace chroma::model {

namespace {

constexpr std::string_view kPrefix = "Validation error: ";

Status ValidateCollectionMetadata(const std::optional<Metadata>& metadata) {
  if (!metadata) return Status::Ok();
  if (metadata->empty()) return Status::InvalidArgument("Metadata cannot be empty");
  CHROMA_TRY(ValidateMetadata(*metadata));
  return TuningOf(metadata).status();
}

// The failures of a request's fields, joined as one message.
class Failures {
 public:
  void Add(std::string_view field, const Status& status) {
    if (status.ok()) return;
    text_ += text_.empty() ? std::string(kPrefix) : "\n";
    text_.append(field).append(": ").append(status.message());
  }
  Status ToStatus() const { return text_.empty() ? Status::Ok() : Status::InvalidArgument(text_); }

 private:
  std::string text_;
};

std::string_view TypeName(ValueType type) {
  switch (ElementType(type)) {
    case ValueType::kBool:
      return "Bool";
    case ValueType::kInt:
      return "Int";
    case ValueType::kFloat:
      return "Float";
    case ValueType::kSparseVector:
      return "SparseVector";
    default:
      return "Str";
  }
}

}  // namespace

Status ValidateSparseVector(const SparseVector& vector) {
  const size_t n = vector.indices.size();
  if (vector.values.size() != n || (!vector.tokens.empty() && vector.tokens.size() != n)) {
    return Status::InvalidArgument(
        "Sparse vector indices, values, and tokens (when present) must have the same length");
  }
  for (size_t i = 1; i < n; ++i) {
    if (vector.indices[i - 1] < vector.indices[i]) continue;
    return Status::InvalidArgument(
        "Sparse vector indices must be sorted in strictly ascending order (no duplicates)");
  }
  return Status::Ok();
}

Status ValidateStoredSparseVector(const SparseVector& vector) {
  CHROMA_TRY(ValidateSparseVector(vector));
  const bool finite = std::all_of(vector.values.begin(), vector.values.end(),
                                  [](float value) { return std::isfinite(value); });
  return finite ? Status::Ok()
                : Status::InvalidArgument(
                      "Sparse vector values must not contain NaN or Infinity values");
}

Status ValidateMetadata(const Metadata& metadata) {
  for (const auto& [key, value] : metadata) {
    if (key.empty()) return Status::InvalidArgument("Metadata key cannot be empty");
    if (key[0] == '#' || key[0] == '$') {
      return Status::InvalidArgument("Metadata key cannot start with '#' or '$': " + key);
    }
    if (const auto* vector = std::get_if<SparseVector>(&value)) {
      const Status sparse = ValidateStoredSparseVector(*vector);
      if (!sparse.ok()) {
        return Status::InvalidArgument("Invalid sparse vector: " + std::string(sparse.message()));
      }
    }
  }
  return Status::Ok();
}

Status ValidateCreateCollection(std::string_view name, const std::optional<Metadata>& metadata,
                                const std::optional<Schema>& schema) {
  Failures failures;
  failures.Add("name", ValidateName(name));
  failures.Add("metadata", ValidateCollectionMetadata(metadata));
  if (schema) failures.Add("schema", ValidateSchema(*schema));
  return failures.ToStatus();
}

Status ValidateModifyCollection(const std::optional<std::string>& new_name,
                                const std::optional<Metadata>& new_metadata) {
  Failures failures;
  if (new_name) failures.Add("new_name", ValidateName(*new_name));
  failures.Add("new_metadata", ValidateCollectionMetadata(new_metadata));
  return failures.ToStatus();
}

Status ValidateDelete(const std::optional<std::vector<std::string>>& ids, bool has_where,
                      bool has_where_document, bool has_limit) {
  const bool filtered = has_where || has_where_document;
  if (ids && ids->empty() && !filtered) {
    return Status::InvalidArgument(
        "Validation error: ids, where: Either ids or where must be specified");
  }
  if (has_limit && !filtered) {
    return Status::InvalidArgument(
        "Validation error: limit, where: limit can only be specified when a where clause is "
        "provided");
  }
  return Status::Ok();
}

Status ValidateFilterAgainstSchema(const Filter& filter, const Schema& schema) {
  Status status;
  const auto check = [&](const std::string& key, ValueType type) {
    if (schema.IsIndexed(key, type)) return;
    status = Status::InvalidArgument(
        std::string("Cannot filter using metadata key '" + key + "' with type '")
            .append(TypeName(type))
            .append("' because indexing is disabled"));
  };
  ForEachLeaf(filter, [&](const Filter& leaf) {
    if (!status.ok()) return;
    if (const auto* predicate = std::get_if<MetadataPredicate>(&leaf.node)) {
      check(predicate->key, TypeOf(predicate->operand));
    } else if (const auto* text = std::get_if<TextPredicate>(&leaf.node)) {
      check(text->key, ValueType::kString);
    } else if (!schema.IsFullTextIndexed()) {
      status = Status::InvalidArgument(
          "Cannot filter using full-text search because FTS indexing is disabled");
    }
  });
  return status;
}

}  // namespace chroma::model
