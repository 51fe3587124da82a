// QueryNode, the seam that runs plans: here, or on another machine that holds the collection.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "chroma/status.h"
#include "executor/explain.h"
#include "executor/facets.h"
#include "executor/recall.h"
#include "index/text/highlight.h"
#include "model/record.h"
#include "model/request_tag.h"
#include "planner/plan.h"
#include "runtime/context.h"

namespace chroma::executor {

// Records by column; a column that was not asked for is empty, the others are as long as `ids`.
struct Records {
  std::vector<std::string> ids;
  model::VectorMatrix embeddings;
  std::vector<std::optional<std::string>> documents;
  std::vector<std::optional<std::string>> uris;
  // Visible keys only. None where upstream answers null: no key at all and no uri.
  std::vector<std::optional<model::Metadata>> metadatas;
};

struct QueryResult {
  // One element per query vector, nearest first.
  std::vector<Records> records;
  std::vector<std::vector<float>> distances;
};

// One element per search; scores are empty where they were not selected.
struct SearchResult {
  std::vector<Records> records;
  std::vector<std::vector<float>> scores;
};

struct DocumentHighlights {
  index::Highlights places;
  std::vector<std::string> snippets;  // the texts of places.snippets
};

struct ListResult {
  Records records;
  // As many as records where highlights were asked for; none of a record without a document.
  std::vector<std::optional<DocumentHighlights>> highlights;
};

struct IndexStatus {
  std::string blob;
  uint64_t size_bytes = 0;
  uint32_t rows = 0;  // of it that are rows of the segment still
};

struct SegmentStatus {
  std::string blob;
  uint64_t size_bytes = 0;
  uint32_t rows = 0;
  uint64_t deleted = 0;         // of the rows
  uint64_t unindexed_rows = 0;  // in none of its vector indexes
  std::vector<IndexStatus> indexes;
};

struct CollectionStatus {
  uint64_t records = 0;
  uint64_t indexed_operations = 0;
  uint64_t total_operations = 0;
  uint32_t segments = 0;
  uint64_t tail_records = 0;
  uint64_t version = 0;
  std::string manifest;     // a blob; empty: nothing was compacted yet
  uint64_t log_offset = 0;  // covered by the segments, exclusive
  uint64_t log_end = 0;     // exclusive
  std::vector<SegmentStatus> segment_list;
};

// Thread safe. Every read sees all writes that were acknowledged before it was called. Get, Query
// and Count heed Context::AtOnce: kUnavailable where they would have to wait; Search is not called
// inside one.
class QueryNode {
 public:
  virtual ~QueryNode() = default;
  // In insertion order.
  virtual Result<Records> Get(runtime::Context& ctx, const segment::VersionRef& version,
                              const planner::GetPlan& plan) = 0;
  virtual Result<QueryResult> Query(runtime::Context& ctx, const segment::VersionRef& version,
                                    const planner::QueryPlan& plan) = 0;
  virtual Result<SearchResult> Search(runtime::Context& ctx, const segment::VersionRef& version,
                                      const planner::SearchBatchPlan& plan) = 0;
  virtual Result<uint64_t> Count(runtime::Context& ctx, const segment::VersionRef& version,
                                 const planner::CountPlan& plan) = 0;
  virtual Result<ListResult> List(runtime::Context& ctx, const segment::VersionRef& version,
                                  const planner::ListPlan& plan) = 0;
  virtual Result<Explanation> Explain(runtime::Context& ctx, const segment::VersionRef& version,
                                      const planner::ExplainPlan& plan) = 0;
  virtual Result<FacetResult> Facets(runtime::Context& ctx, const segment::VersionRef& version,
                                     const planner::FacetsPlan& plan) = 0;
  virtual Result<RecallReport> MeasureRecall(runtime::Context& ctx,
                                             const segment::VersionRef& version,
                                             const planner::RecallPlan& plan) = 0;
  // How many records the write had that took place for the tag, if there is one. kDeadlineExceeded:
  // nobody can tell any more.
  virtual Result<std::optional<uint32_t>> FindRequest(runtime::Context& ctx,
                                                      const segment::VersionRef& version,
                                                      const model::RequestTag& tag) = 0;
  // `schema` says which indexes there should be.
  virtual Result<CollectionStatus> Describe(runtime::Context& ctx,
                                            const segment::VersionRef& version,
                                            const model::Schema& schema) = 0;
  // The log has entries up to `log_end`, for which their writers wait: what searches of the
  // collection would come to wait for is made now, if there were any lately.
  virtual void Prepare(const Uuid& collection, uint64_t log_end) = 0;
  // The collection is deleted: drop what is held in memory for it.
  virtual void Forget(const Uuid& collection) = 0;
};

}  // namespace chroma::executor
