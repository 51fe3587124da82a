// A collection: records with a vector, a document, metadata and a uri each, found by any of them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "chroma/export.h"
#include "chroma/extensions.h"
#include "chroma/search.h"
#include "chroma/status.h"
#include "chroma/types.h"

namespace chroma {

namespace api {
class Backend;
}

// A handle, cheap to copy; it keeps its client's engine or connections open. The calls on records
// may be made from many threads at once, on one handle or on copies; Modify is for one thread.
//
// Every call blocks. Errors of all: kNotFound when the collection was deleted; kInvalidArgument
// when the request is wrong, and nothing was changed; kResourceExhausted when memory or disk is
// full; kUnavailable, also when the server cannot be reached; kDeadlineExceeded for its time-out;
// kDataLoss when stored bytes are damaged.
class CHROMA_EXPORT Collection {
 public:
  const std::string& id() const { return info_->id; }
  const std::string& name() const { return info_->name; }
  const Metadata& metadata() const { return info_->metadata; }
  const CollectionConfiguration& configuration() const { return info_->configuration; }
  // As it was when this handle was made or Modify was last called on it.
  const CollectionInfo& info() const { return *info_; }

  // Writes are atomic, durable when they return OK, and seen by every later read. The first write
  // with vectors fixes the collection's dimension. Records are taken by value: move large ones.

  // Inserts; a record whose id exists already stays as it is.
  Status Add(Records records) const;
  // Replaces what is given and merges metadata key by key; ids that do not exist are ignored.
  Status Update(Records records) const;
  // Inserts the records that do not exist and updates the others.
  Status Upsert(Records records) const;
  // How many were deleted; with ids alone, how many ids were given.
  Result<uint64_t> Delete(DeleteOptions options) const;

  Result<GetResult> Get(GetOptions options = {}) const;
  Result<QueryResult> Query(QueryOptions options) const;
  Result<SearchResult> Search(SearchOptions options = {}) const;
  // Each over the same records; one result per search.
  Result<std::vector<SearchResult>> SearchBatch(std::vector<SearchOptions> searches) const;
  Result<uint64_t> Count() const;
  // Beyond other servers; see chroma/extensions.h.
  Result<ListRecordsResult> ListRecords(ListRecordsOptions options = {}) const;
  // How the request is answered, step by step, and of some records why they are among its results
  // or are not, as JSON (docs/extensions.md). A query has one vector.
  Result<std::string> ExplainList(ListRecordsOptions options,
                                  std::vector<std::string> records = {}) const;
  Result<std::string> ExplainQuery(QueryOptions options,
                                   std::vector<std::string> records = {}) const;
  Result<std::string> ExplainSearch(SearchOptions options,
                                    std::vector<std::string> records = {}) const;
  // How many records match, and how many of them have each value of some keys.
  Result<FacetsResult> Facets(FacetsOptions options = {}) const;
  // Its segments, its vector indexes, and what the log still holds.
  Result<CollectionDescription> Describe() const;
  // Merges and indexes all that was written, and returns when that is done. It happens by itself
  // in time: this is for a measurement, or before a directory is put away.
  Status Compact() const;
  // How much of what a comparison with every record finds, queries find as they are answered.
  Result<RecallReport> MeasureRecall(RecallOptions options = {}) const;
  Result<IndexingStatus> GetIndexingStatus() const;
  // The first records with their embeddings, documents and metadata.
  Result<GetResult> Peek(uint32_t limit = 10) const;

  // Also changes this handle; other handles keep showing what they showed.
  Status Modify(ModifyCollectionOptions options);

 private:
  friend class Client;
  Collection(std::shared_ptr<api::Backend> backend, CollectionInfo info);

  std::shared_ptr<api::Backend> backend_;
  std::shared_ptr<const CollectionInfo> info_;  // never null
};

}  // namespace chroma
