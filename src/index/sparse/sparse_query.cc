#include "index/sparse/sparse_query.h"

#include <string>

namespace chroma::index {

Status CheckSparseQuery(SparseView query) {
  if (query.indices.size() != query.values.size()) {
    return Status::InvalidArgument("a sparse query has " + std::to_string(query.indices.size()) +
                                   " indices and " + std::to_string(query.values.size()) +
                                   " values; there must be as many");
  }
  for (size_t i = 1; i < query.size(); ++i) {
    if (query.indices[i - 1] >= query.indices[i]) {
      return Status::InvalidArgument("the indices of a sparse query must ascend strictly");
    }
  }
  return Status::Ok();
}

bool IsFinite(SparseView vector) {
  return std::all_of(vector.values.begin(), vector.values.end(),
                     [](float value) { return std::isfinite(value); });
}

double InverseDocumentFrequency(uint64_t n, uint64_t df) {
  const auto records = static_cast<double>(n);
  const auto found = static_cast<double>(std::min(n, df));
  return std::log1p((records - found + 0.5) / (found + 0.5));
}

}  // namespace chroma::index
