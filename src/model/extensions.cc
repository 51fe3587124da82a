#include "model/extensions.h"

#include "model/limits.h"
#include "model/metadata.h"

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

}  // namespace

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
