// A plan: what an executor does for one read, as plain data that could travel to another
// machine. It names the version to read, the predicate, and what to return.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "index/text/phrase.h"
#include "index/text/regex.h"
#include "index/text/text_pattern.h"
#include "index/vector/vector_index.h"
#include "model/extensions.h"
#include "model/filter.h"
#include "model/limits.h"
#include "model/record.h"
#include "model/schema.h"
#include "model/search.h"
#include "segment/live_collection.h"

namespace chroma::planner {

// The normalised predicate. Every leaf is positive; negation is a node, so that its meaning, the
// complement over all records, is in one place. Children of And are in the order in which they
// should run: cheap first, and those that read text last, on what is left.
struct Predicate;
struct AllOf {
  std::vector<Predicate> children;  // empty: everything
};
struct AnyOf {
  std::vector<Predicate> children;  // empty: nothing
};
struct Not {
  std::shared_ptr<const Predicate> child;
};
struct IdIn {
  std::vector<std::string> ids;  // sorted, unique
};
struct HasMetadata {
  model::MetadataPredicate predicate;  // positive operators only
};
struct MetadataHasText {
  std::string key;
  std::shared_ptr<const index::TextPattern> pattern;
};
struct DocumentContains {
  std::string needle;
};
struct DocumentMatches {
  std::shared_ptr<const index::Regex> regex;
};
struct DocumentHasPhrase {
  std::shared_ptr<const index::Phrase> phrase;
};
struct UriIn {
  std::vector<std::string> uris;
};
struct DocumentIn {  // the whole text
  std::vector<std::string> documents;
};
struct Predicate {
  std::variant<AllOf, AnyOf, Not, IdIn, HasMetadata, MetadataHasText, DocumentContains,
               DocumentMatches, DocumentHasPhrase, UriIn, DocumentIn>
      node;
};

struct GetPlan {
  std::optional<Predicate> predicate;  // none: every record
  uint32_t offset = 0;
  std::optional<uint32_t> limit;
  model::IncludeSet include = 0;
};

struct QueryPlan {
  std::optional<Predicate> predicate;
  model::VectorMatrix queries;
  uint32_t n_results = 0;
  index::SearchTuning tuning;
  bool exact = false;  // every record is compared, whatever is indexed
  model::Space space = model::Space::kL2;
  model::IncludeSet include = 0;
  // Over all queries; what would exceed them is refused.
  uint64_t rows_max = model::kQueryRowsMax;
  uint64_t answer_bytes_max = model::kQueryAnswerBytesMax;
};

// Queries that are records of the collection, answered both ways.
struct RecallPlan {
  uint32_t queries = 100;
  uint32_t n_results = 10;
  model::Space space = model::Space::kL2;
  index::SearchTuning tuning;
};

// The nearest records of one $knn, dense or sparse.
struct KnnPlan {
  std::variant<std::vector<float>, model::SparseVector> query;
  std::string key;  // of a sparse query
  uint32_t limit = 0;
  bool bm25 = false;  // the weights of a sparse query are scaled by how rare their terms are

  const model::SparseVector* sparse() const { return std::get_if<model::SparseVector>(&query); }
  bool operator==(const KnnPlan&) const = default;
};

// One step of a rank on a stack of operands, each a score of some records and, perhaps, a default
// for all others. A fold of n operands is its constant and n binary steps.
struct RankStep {
  enum class Op : uint8_t {
    kKnn,       // pushes what knns[knn] found, and its default
    kConstant,  // pushes no record and a default
    kAdd,       // these take two
    kSubtract,
    kMultiply,
    kDivide,
    kMax,
    kMin,
    kAbs,  // these take one
    kExp,
    kLog,
  };
  Op op = Op::kConstant;
  uint32_t knn = 0;
  bool positions = false;              // of kKnn: the place instead of the distance
  std::optional<float> default_score;  // of kKnn; of kConstant its value
  bool operator==(const RankStep&) const = default;
};

struct SearchPlan {
  std::optional<Predicate> predicate;
  bool ranked = false;         // else in insertion order
  std::vector<KnnPlan> knns;   // distinct; in the order in which `rank` first needs them
  std::vector<RankStep> rank;  // leaves exactly one operand
  uint32_t stack_depth = 0;    // the most operands at a time
  model::GroupBy group_by;
  uint32_t offset = 0;
  std::optional<uint32_t> limit;
  model::Select select;
};

struct SearchBatchPlan {
  std::vector<SearchPlan> searches;
  model::Space space = model::Space::kL2;
  index::SearchTuning tuning;
  bool exact = false;
  // Over all searches; what would exceed them is refused. The candidates of knns are rows, too.
  uint64_t rows_max = model::kQueryRowsMax;
  uint64_t answer_bytes_max = model::kQueryAnswerBytesMax;
};

// A get whose records may come in another order, with what was found in them.
struct ListPlan {
  GetPlan get;
  std::vector<model::SortKey> order_by;  // none: insertion order
  std::optional<model::HighlightOptions> highlight;
  uint64_t highlight_bytes_max = model::kQueryAnswerBytesMax;  // more are refused
};

// What another plan does, and why some records are among its results or are not.
struct ExplainPlan {
  std::variant<ListPlan, QueryPlan, SearchBatchPlan> plan;  // of one query vector, of one search
  std::vector<std::string> records;                         // ids
};

struct FacetsPlan {
  std::optional<Predicate> predicate;
  std::vector<model::Facet> facets;
  uint64_t answer_bytes_max = model::kQueryAnswerBytesMax;  // what would be larger is refused
};

struct CountPlan {
  std::optional<Predicate> predicate;
};

}  // namespace chroma::planner
