// Metadata: typed values under string keys, of a record or of a collection.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace chroma {

// Indices strictly ascending; tokens empty or as many as indices. Searched with SparseKnn.
struct SparseVector {
  std::vector<uint32_t> indices;
  std::vector<float> values;
  std::vector<std::string> tokens;
  bool operator==(const SparseVector&) const = default;
};

// A value, or a list of values of one type. An empty list is stored as nothing. std::monostate is
// a null: it is never read, and in an update it deletes its key.
//
//   Metadata{{"year", 1998}, {"title", "Dune"}, {"tags", std::vector<std::string>{"sf", "sand"}}}
//
// 1 is an integer and 1.0 is not, but they compare as the numbers they are. Floats must be
// finite. Keys are not empty and do not begin with '#' or '$'.
using MetadataValue = std::variant<std::monostate, bool, int64_t, double, std::string, SparseVector,
                                   std::vector<bool>, std::vector<int64_t>, std::vector<double>,
                                   std::vector<std::string>>;

using Metadata = std::map<std::string, MetadataValue, std::less<>>;

}  // namespace chroma
