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

Result<Filter> Filter::FromJson(std::string_view json) {
  CHROMA_ASSIGN(JsonValue value, ParseJson(json));
  CHROMA_TRY(model::ParseWhere(value).status());
  return Filter(std::string(json));
}

Result<DocumentFilter> DocumentFilter::FromJson(std::string_view json) {
  CHROMA_ASSIGN(JsonValue value, ParseJson(json));
  CHROMA_TRY(model::ParseWhereDocument(value).status());
  return DocumentFilter(std::string(json));
}

}  // namespace chroma
