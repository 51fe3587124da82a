// What a search must answer, evaluated over all records by the letter of semantics.md §2: every
// expression is a map from ids to scores, and perhaps a default.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/search.h"
#include "testing/oracle.h"

namespace chroma::testing {

struct OracleHit {
  const OracleRecord* record = nullptr;
  float score = 0;
};

struct OracleSearch {
  std::vector<OracleHit> hits;  // the page, in its order
  // The limit of a knn fell between equally near records: which of them it takes is free.
  bool is_free = false;
};

// `bm25`: the sparse keys whose queries are scaled.
OracleSearch RunSearch(const Oracle& oracle, const model::Search& search,
                       const std::vector<std::string>& bm25);

}  // namespace chroma::testing
