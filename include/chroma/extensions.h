// What no other server of Chroma's API has (docs/extensions.md). Over HTTP the server must be one
// of this project's; any other answers kNotFound.
//
//   Result<FacetsResult> counted = collection.Facets({.where = Where("year") >= 2000,
//                                                     .facets = {{.key = "lang", .limit = 10}}});
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "chroma/filter.h"
#include "chroma/metadata.h"

namespace chroma {

// ---- counts

struct Facet {
  std::string key = {};   // of the metadata
  uint32_t limit = 100;   // so many values at most
  bool by_value = false;  // ascending by value; else the most frequent first, then by value
};

struct FacetsOptions {
  std::optional<std::vector<std::string>> ids = {};  // absent: all records; empty: none
  Filter where = {};
  DocumentFilter where_document = {};
  std::vector<Facet> facets = {};
};

struct ValueCount {
  MetadataValue value;
  uint64_t count = 0;  // of records
};

struct FacetValues {
  std::string key;
  uint64_t records = 0;   // that match and have the key
  uint64_t distinct = 0;  // values among them
  // An array counts each of its elements once, a sparse vector none. Numbers are one value when
  // they are equal, whatever their types.
  std::vector<ValueCount> values;
};

struct FacetsResult {
  uint64_t count = 0;  // of records that match
  std::vector<FacetValues> facets;
};

}  // namespace chroma
