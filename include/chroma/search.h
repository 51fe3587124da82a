// Searches: records filtered, scored by an expression, grouped and paged.
//
//   Rank near = Knn({.query = {0.1f, 0.9f}, .limit = 100});
//   Rank words = SparseKnn({.key = "terms", .query = {{7, 42}, {1, 0.5f}, {}}, .limit = 100});
//   collection.Search({.where = Where("year") >= 2000,
//                      .rank = 0.7 * near + 0.3 * words,
//                      .limit = 10,
//                      .select = {kDocumentKey, kScoreKey, "title"}});
//
// The lowest score is the best. A record has a score where some Knn of the rank found it: the sum
// of two is of records that both found, unless one of them gives the others a default score.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chroma/export.h"
#include "chroma/filter.h"
#include "chroma/metadata.h"
#include "chroma/status.h"
#include "chroma/types.h"

namespace chroma {

namespace model {
struct Rank;
}
namespace api {
struct RankAccess;
}

// What a search can select or group by besides metadata keys. Where(kIdKey) filters by id.
inline constexpr const char* kIdKey = "#id";
inline constexpr const char* kEmbeddingKey = "#embedding";
inline constexpr const char* kMetadataKey = "#metadata";
inline constexpr const char* kScoreKey = "#score";

// An expression that scores records. A value: a copy has the queries in it too.
class CHROMA_EXPORT Rank {
 public:
  Rank();              // none: a search with it answers in order of insertion
  Rank(double value);  // NOLINT(google-explicit-constructor): 0.5 * rank
  Rank(const Rank& other);
  Rank(Rank&& other) noexcept;
  Rank& operator=(const Rank& other);
  Rank& operator=(Rank&& other) noexcept;
  ~Rank();
  // What ToJson gives and other clients send; kInvalidArgument when the text is no JSON or no rank.
  static Result<Rank> FromJson(std::string_view json);

  bool empty() const { return rank_ == nullptr; }
  std::string ToJson() const;  // empty for none

  // An operand that was never set leaves the other.
  CHROMA_EXPORT friend Rank operator+(Rank a, const Rank& b);
  CHROMA_EXPORT friend Rank operator-(Rank a, const Rank& b);
  CHROMA_EXPORT friend Rank operator*(Rank a, const Rank& b);
  CHROMA_EXPORT friend Rank operator/(Rank a, const Rank& b);
  CHROMA_EXPORT friend Rank operator-(Rank a);
  CHROMA_EXPORT friend Rank Max(Rank a, const Rank& b);
  CHROMA_EXPORT friend Rank Min(Rank a, const Rank& b);
  CHROMA_EXPORT friend Rank Abs(Rank a);
  CHROMA_EXPORT friend Rank Exp(Rank a);
  CHROMA_EXPORT friend Rank Log(Rank a);  // natural

 private:
  friend struct api::RankAccess;

  std::unique_ptr<model::Rank> rank_;  // null: none
};

struct KnnOptions {
  std::vector<float> query = {};
  uint32_t limit = 16;                      // so many of the nearest, of those that match
  std::optional<float> default_score = {};  // of all other records
  bool return_rank = false;                 // score with the place, from 0, and not the distance
};
// The distance of records' embeddings to the query.
CHROMA_EXPORT Rank Knn(KnnOptions options);

struct SparseKnnOptions {
  std::string key = {};  // of the metadata; the schema has a sparse_vector_index for it
  SparseVector query = {};
  uint32_t limit = 16;
  std::optional<float> default_score = {};
  bool return_rank = false;
  // In place of `query`, where the embedding function of the key runs here: chroma_bm25.
  std::string text = {};
};
// 1 minus the inner product of records' sparse vectors with the query.
CHROMA_EXPORT Rank SparseKnn(SparseKnnOptions options);

struct RrfOptions {
  double k = 60;
  std::vector<double> weights = {};  // one per rank; empty: 1 each
  bool normalize = false;            // the weights are divided by their sum
};
// Reciprocal rank fusion (Cormack, Clarke, Buettcher 2009): minus the sum of weight / (k + place).
// The ranks have return_rank set. Not one rank, unequal weights or a sum of 0 are kInvalidArgument.
CHROMA_EXPORT Result<Rank> Rrf(const std::vector<Rank>& ranks, const RrfOptions& options = {});

// The best `k` records of all that have equal values of `keys`; a missing value equals another.
struct GroupBy {
  std::vector<std::string> keys = {};  // empty: no groups
  std::vector<std::string> by = {kScoreKey};
  uint32_t k = 1;
  bool largest = false;  // the largest of `by` are best, not the smallest
};

struct CHROMA_EXPORT SearchOptions {
  Filter where = {};  // also over documents, Where(kDocumentKey), and ids, Where(kIdKey)
  Rank rank = {};
  GroupBy group_by = {};  // needs a rank
  std::optional<uint32_t> limit = {};
  uint32_t offset = 0;
  // kDocumentKey, kEmbeddingKey, kMetadataKey, kScoreKey, and keys of the metadata.
  std::vector<std::string> select = {};

  // One of the searches that other clients send; kInvalidArgument when the text is none.
  static Result<SearchOptions> FromJson(std::string_view json);
};

// Records, best first. A column that was not selected is empty.
struct SearchResult {
  std::vector<std::string> ids;
  Embeddings embeddings;
  std::vector<std::optional<std::string>> documents;
  std::vector<Metadata> metadatas;  // what was selected; empty where there is nothing of it
  // NaN where the expression has no finite value; those that have none at all, as 0 / 0, come last.
  // Without a rank the places within the page.
  std::vector<float> scores;

  size_t size() const { return ids.size(); }
};

}  // namespace chroma
