// A plan: what an executor does for one read, as plain data that could travel to another
// machine. It names the version to read, the predicate, and what to return.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "index/text/regex.h"
#include "index/vector/vector_index.h"
#include "model/filter.h"
#include "model/limits.h"
#include "model/record.h"
#include "model/schema.h"
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
  std::unique_ptr<Predicate> child;
};
struct IdIn {
  std::vector<std::string> ids;  // sorted, unique
};
struct HasMetadata {
  model::MetadataPredicate predicate;  // positive operators only
};
struct DocumentContains {
  std::string needle;
};
struct DocumentMatches {
  std::shared_ptr<const index::Regex> regex;
};
struct UriIn {
  std::vector<std::string> uris;
};
struct DocumentIn {  // the whole text
  std::vector<std::string> documents;
};
struct Predicate {
  std::variant<AllOf, AnyOf, Not, IdIn, HasMetadata, DocumentContains, DocumentMatches, UriIn,
               DocumentIn>
      node;
};

struct GetPlan {
  std::optional<Predicate> predicate;  // none: every record
  uint32_t offset = 0;
  std::optional<uint32_t> limit;
  model::IncludeSet include = 0;
};

// How vector indexes are walked.
struct SearchTuning {
  uint32_t effort = 0;  // index::SearchRequest::effort
  float target_recall =
      0;  // in place of the effort, where an index was calibrated; 0: not asked for
  model::IndexMemory memory = model::IndexMemory::kAuto;
};

struct QueryPlan {
  std::optional<Predicate> predicate;
  model::VectorMatrix queries;
  uint32_t n_results = 0;
  SearchTuning tuning;
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
  SearchTuning tuning;
};

struct CountPlan {
  std::optional<Predicate> predicate;
};

}  // namespace chroma::planner
