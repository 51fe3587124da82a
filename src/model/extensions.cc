#include "model/extensions.h"

#include "model/limits.h"
#include "model/metadata.h"
#include "model/schema.h"

namespace chroma::model {
namespace {

Status Invalid(const std::string& field, const std::string& what) {
  return Status::InvalidArgument("Validation error: " + field + ": " + what);
}

// A key whose values are shown.
Status CheckKey(const std::string& field, const std::string& key) {
  if (key.empty()) return Invalid(field, "a metadata key must not be empty");
  if (key[0] == '#' || key[0] == '$' || key.starts_with(kHiddenKeyPrefix)) {
    return Invalid(field, "\"" + key + "\" is no metadata key of the collection's own");
  }
  return Status::Ok();
}

std::string Element(const char* list, size_t i, const char* member) {
  return std::string(list) + "[" + std::to_string(i) + "]" + member;
}

Status CheckAtMost(const char* field, uint32_t value, uint32_t max) {
  if (value <= max) return Status::Ok();
  return Invalid(std::string("highlight.") + field, "more than " + std::to_string(max));
}

}  // namespace

Status ValidateOrder(const std::vector<SortKey>& order_by) {
  if (order_by.size() > kSortKeysMax) {
    return Invalid("order_by", "more than " + std::to_string(kSortKeysMax) + " keys");
  }
  for (size_t i = 0; i < order_by.size(); ++i) {
    if (order_by[i].key == kIdKey) continue;
    CHROMA_TRY(CheckKey(Element("order_by", i, ".key"), order_by[i].key));
  }
  return Status::Ok();
}

Status ValidateHighlight(const HighlightOptions& options) {
  CHROMA_TRY(CheckAtMost("matches", options.matches_max, kHighlightMatchesMax));
  CHROMA_TRY(CheckAtMost("snippets", options.snippets_max, kHighlightSnippetsMax));
  return CheckAtMost("snippet_characters", options.snippet_characters, kSnippetCharactersMax);
}

Status ValidateFacets(const std::vector<Facet>& facets) {
  if (facets.size() > kFacetsMax) {
    return Invalid("facets", "more than " + std::to_string(kFacetsMax) + " facets");
  }
  for (size_t i = 0; i < facets.size(); ++i) {
    CHROMA_TRY(CheckKey(Element("facets", i, ".key"), facets[i].key));
  }
  return Status::Ok();
}

}  // namespace chroma::model
