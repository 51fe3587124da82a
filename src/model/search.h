// One search: which records, how they are scored, grouped, paged, and what is shown of them
// (semantics.md §2).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "chroma/status.h"
#include "model/filter.h"
#include "model/metadata.h"
#include "model/schema.h"

namespace chroma::model {

inline constexpr std::string_view kMetadataKey = "#metadata";
inline constexpr std::string_view kScoreKey = "#score";

inline constexpr uint32_t kDefaultKnnLimit = 16;

// $knn: the `limit` records nearest to the query, among those that the search's filter selects.
// A dense query is compared with the records' vectors, whatever the key; a sparse one with the
// sparse vectors under the key. A text is an extension of ours: the engine puts in its place what
// the embedding function of the key makes of it, before anything is planned.
struct Knn {
  std::variant<std::vector<float>, SparseVector, std::string> query;
  std::string key = std::string(kEmbeddingKey);
  uint32_t limit = kDefaultKnnLimit;
  std::optional<float> default_score;  // of all other records
  bool return_rank = false;            // the place, from 0, instead of the distance
  bool operator==(const Knn&) const = default;

  const SparseVector* sparse() const { return std::get_if<SparseVector>(&query); }
  const std::string* text() const { return std::get_if<std::string>(&query); }
};

enum class RankOperator : uint8_t {
  kKnn,
  kValue,
  // Of any number of operands, folded from 0, 1, -FLT_MAX and FLT_MAX.
  kSum,
  kMultiply,
  kMax,
  kMin,
  // Of two.
  kSubtract,
  kDivide,
  // Of one.
  kAbs,
  kExp,
  kLog,
};

struct RankNode {
  RankOperator op = RankOperator::kValue;
  uint32_t operands = 0;
  float value = 0;   // of kValue
  uint32_t knn = 0;  // of kKnn: its place in Rank::knns
  bool operator==(const RankNode&) const = default;
};

// A rank expression in postfix order: every operator follows its operands. So no walk over one
// recurses, however deep it is.
struct Rank {
  std::vector<RankNode> nodes;
  std::vector<Knn> knns;  // as they come in `nodes`
  bool operator==(const Rank&) const = default;

  void AddValue(float value);
  void AddKnn(Knn knn);
  // What `operand` computes becomes an operand of an operator that is still to come.
  void Append(Rank operand);
  // `operands`: how many of the values before it the operator takes.
  void AddOperator(RankOperator op, uint32_t operands);
};

// The best `k` of every group of records that have equal values of `keys`.
struct Aggregate {
  bool largest = false;           // $max_k instead of $min_k
  std::vector<std::string> keys;  // metadata keys and "#score", compared one after the other
  uint32_t k = 0;
};
struct GroupBy {
  std::vector<std::string> keys;
  std::optional<Aggregate> aggregate;  // none together with no keys: no groups
};

// What an answer shows besides ids.
struct Select {
  bool document = false;
  bool embedding = false;
  bool metadata = false;  // all of it
  bool score = false;
  std::vector<std::string> fields;  // of the metadata; sorted, unique

  static Select FromKeys(std::vector<std::string> keys);
  std::vector<std::string> Keys() const;  // in the order of answers
  bool ShowsMetadata() const { return metadata || !fields.empty(); }
};

struct Search {
  std::optional<Filter> filter;
  std::optional<Rank> rank;  // none: insertion order
  GroupBy group_by;
  uint32_t offset = 0;
  std::optional<uint32_t> limit;
  Select select;
};

// The checks that need no collection: "Validation error: searches[0].rank: …", all failing fields
// joined by newlines.
Status ValidateSearches(const std::vector<Search>& searches);
// Refuses what the schema has no index for, and dense queries of another dimension.
Status ValidateSearchAgainstCollection(const Search& search, const Schema& schema,
                                       std::optional<uint32_t> dimension);

}  // namespace chroma::model
