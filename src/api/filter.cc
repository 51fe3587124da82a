#include "chroma/filter.h"

#include <optional>

#include "api/values.h"
#include "base/json_value.h"
#include "base/json_writer.h"
#include "model/filter.h"
#include "model/metadata_json.h"

namespace chroma {
namespace {

std::string DocumentLeaf(std::string_view op, std::string_view pattern) {
  std::string text;
  JsonWriter out(&text);
  out.BeginObject();
  out.StringField(op, pattern);
  out.EndObject();
  return text;
}

std::string DocumentLeaf(std::string_view op, const std::vector<std::string>& texts) {
  std::string text;
  JsonWriter out(&text);
  out.BeginObject();
  out.Key(op);
  out.BeginArray();
  for (const std::string& one : texts) out.String(one);
  out.EndArray();
  out.EndObject();
  return text;
}

}  // namespace

Filter Field::Compare(std::string_view op, const MetadataValue& operand) const {
  std::string text;
  JsonWriter out(&text);
  out.BeginObject();
  out.Key(key_);
  out.BeginObject();
  out.Key(op);
  model::EncodeMetadataValue(out, api::ToModel(operand));
  out.EndObject();
  out.EndObject();
  return Filter(std::move(text));
}

Filter Field::operator==(const MetadataValue& value) const {
  return Compare("$eq", value);
}
Filter Field::operator!=(const MetadataValue& value) const {
  return Compare("$ne", value);
}
Filter Field::operator<(const MetadataValue& value) const {
  return Compare("$lt", value);
}
Filter Field::operator<=(const MetadataValue& value) const {
  return Compare("$lte", value);
}
Filter Field::operator>(const MetadataValue& value) const {
  return Compare("$gt", value);
}
Filter Field::operator>=(const MetadataValue& value) const {
  return Compare("$gte", value);
}
Filter Field::In(const MetadataValue& list) const {
  return Compare("$in", list);
}
Filter Field::NotIn(const MetadataValue& list) const {
  return Compare("$nin", list);
}
Filter Field::Contains(const MetadataValue& element) const {
  return Compare("$contains", element);
}
Filter Field::NotContains(const MetadataValue& element) const {
  return Compare("$not_contains", element);
}
Filter Field::Matches(std::string_view regex) const {
  return Compare("$regex", std::string(regex));
}
Filter Field::NotMatches(std::string_view regex) const {
  return Compare("$not_regex", std::string(regex));
}

DocumentFilter DocumentField::Contains(std::string_view text) const {
  return DocumentFilter(DocumentLeaf("$contains", text));
}
DocumentFilter DocumentField::NotContains(std::string_view text) const {
  return DocumentFilter(DocumentLeaf("$not_contains", text));
}
DocumentFilter DocumentField::Matches(std::string_view regex) const {
  return DocumentFilter(DocumentLeaf("$regex", regex));
}
DocumentFilter DocumentField::NotMatches(std::string_view regex) const {
  return DocumentFilter(DocumentLeaf("$not_regex", regex));
}

DocumentFilter DocumentField::ContainsAny(const std::vector<std::string>& texts) const {
  return DocumentFilter(DocumentLeaf("$contains_any", texts));
}
DocumentFilter DocumentField::NotContainsAny(const std::vector<std::string>& texts) const {
  return DocumentFilter(DocumentLeaf("$not_contains_any", texts));
}
DocumentFilter DocumentField::HasPhrase(std::string_view words) const {
  return DocumentFilter(DocumentLeaf("$phrase", words));
}
DocumentFilter DocumentField::NotHasPhrase(std::string_view words) const {
  return DocumentFilter(DocumentLeaf("$not_phrase", words));
}
DocumentFilter DocumentField::HasPrefix(std::string_view words) const {
  return DocumentFilter(DocumentLeaf("$prefix", words));
}
DocumentFilter DocumentField::NotHasPrefix(std::string_view words) const {
  return DocumentFilter(DocumentLeaf("$not_prefix", words));
}

Filter Field::ContainsAny(const std::vector<std::string>& texts) const {
  return Compare("$contains_any", texts);
}
Filter Field::NotContainsAny(const std::vector<std::string>& texts) const {
  return Compare("$not_contains_any", texts);
}
Filter Field::HasPhrase(std::string_view words) const {
  return Compare("$phrase", std::string(words));
}
Filter Field::NotHasPhrase(std::string_view words) const {
  return Compare("$not_phrase", std::string(words));
}
Filter Field::HasPrefix(std::string_view words) const {
  return Compare("$prefix", std::string(words));
}
Filter Field::NotHasPrefix(std::string_view words) const {
  return Compare("$not_prefix", std::string(words));
}

Result<Filter> Filter::FromJson(std::string_view json) {
  CHROMA_ASSIGN(JsonValue value, ParseJson(json));
  CHROMA_TRY(model::ParseWhere(value, model::Dialect::kExtended).status());
  return Filter(std::string(json));
}

Result<DocumentFilter> DocumentFilter::FromJson(std::string_view json) {
  CHROMA_ASSIGN(JsonValue value, ParseJson(json));
  CHROMA_TRY(model::ParseWhereDocument(value, model::Dialect::kExtended).status());
  return DocumentFilter(std::string(json));
}

}  // namespace chroma
