#include "chroma/collection.h"

#include <utility>

#include "api/backend.h"
#include "api/guard.h"
#include "api/request.h"
#include "api/result.h"

namespace chroma {
namespace {

Status Write(api::Backend& backend, const CollectionInfo& collection, model::Operation operation,
             Records records) {
  return api::Guard([&]() -> Status {
    CHROMA_ASSIGN(engine::WriteRequest request, api::ToRequest(operation, std::move(records)));
    return backend.Write(collection, std::move(request));
  });
}

// `to_request` makes what is to be explained.
template <typename ToRequest>
Result<std::string> Explain(api::Backend& backend, const CollectionInfo& collection,
                            std::vector<std::string> records, ToRequest to_request) {
  return api::Guard([&]() -> Result<std::string> {
    engine::ExplainRequest request;
    CHROMA_ASSIGN(request.request, to_request());
    CHROMA_ASSIGN(request.records, api::ToIds(std::move(records)));
    return backend.Explain(collection, request);
  });
}

}  // namespace

Collection::Collection(std::shared_ptr<api::Backend> backend, CollectionInfo info)
    : backend_(std::move(backend)), info_(std::make_shared<CollectionInfo>(std::move(info))) {}

Status Collection::Add(Records records) const {
  return Write(*backend_, *info_, model::Operation::kAdd, std::move(records));
}

Status Collection::Update(Records records) const {
  return Write(*backend_, *info_, model::Operation::kUpdate, std::move(records));
}

Status Collection::Upsert(Records records) const {
  return Write(*backend_, *info_, model::Operation::kUpsert, std::move(records));
}

Result<uint64_t> Collection::Delete(DeleteOptions options) const {
  return api::Guard([&]() -> Result<uint64_t> {
    CHROMA_ASSIGN(engine::DeleteRequest request, api::ToRequest(std::move(options)));
    return backend_->Delete(*info_, request);
  });
}

Result<GetResult> Collection::Get(GetOptions options) const {
  return api::Guard([&]() -> Result<GetResult> {
    CHROMA_ASSIGN(engine::GetRequest request, api::ToRequest(std::move(options)));
    CHROMA_ASSIGN(executor::Records records, backend_->Get(*info_, request));
    return api::ToResult(std::move(records), request.include);
  });
}

Result<QueryResult> Collection::Query(QueryOptions options) const {
  return api::Guard([&]() -> Result<QueryResult> {
    CHROMA_ASSIGN(engine::QueryRequest request, api::ToRequest(std::move(options)));
    CHROMA_ASSIGN(executor::QueryResult found, backend_->Query(*info_, request));
    return api::ToResult(std::move(found), request.include);
  });
}

Result<SearchResult> Collection::Search(SearchOptions options) const {
  return api::Guard([&]() -> Result<SearchResult> {
    std::vector<SearchOptions> searches;
    searches.push_back(std::move(options));
    CHROMA_ASSIGN(std::vector<SearchResult> results, SearchBatch(std::move(searches)));
    return std::move(results.front());
  });
}

Result<std::vector<SearchResult>> Collection::SearchBatch(
    std::vector<SearchOptions> searches) const {
  return api::Guard([&]() -> Result<std::vector<SearchResult>> {
    CHROMA_ASSIGN(engine::SearchRequest request, api::ToRequest(std::move(searches)));
    CHROMA_ASSIGN(executor::SearchResult found, backend_->Search(*info_, request));
    return api::ToResults(std::move(found));
  });
}

Result<uint64_t> Collection::Count() const {
  return api::Guard([&] { return backend_->Count(*info_); });
}

Result<ListRecordsResult> Collection::ListRecords(ListRecordsOptions options) const {
  return api::Guard([&]() -> Result<ListRecordsResult> {
    CHROMA_ASSIGN(const engine::ListRequest request, api::ToRequest(std::move(options)));
    CHROMA_ASSIGN(executor::ListResult listed, backend_->List(*info_, request));
    return api::ToResult(std::move(listed), request.include);
  });
}

Result<std::string> Collection::ExplainList(ListRecordsOptions options,
                                            std::vector<std::string> records) const {
  return Explain(*backend_, *info_, std::move(records),
                 [&] { return api::ToRequest(std::move(options)); });
}

Result<std::string> Collection::ExplainQuery(QueryOptions options,
                                             std::vector<std::string> records) const {
  return Explain(*backend_, *info_, std::move(records),
                 [&] { return api::ToRequest(std::move(options)); });
}

Result<std::string> Collection::ExplainSearch(SearchOptions options,
                                              std::vector<std::string> records) const {
  return Explain(*backend_, *info_, std::move(records), [&]() -> Result<model::Search> {
    std::vector<SearchOptions> one;
    one.push_back(std::move(options));
    CHROMA_ASSIGN(engine::SearchRequest request, api::ToRequest(std::move(one)));
    return std::move(request.searches.front());
  });
}

Result<FacetsResult> Collection::Facets(FacetsOptions options) const {
  return api::Guard([&]() -> Result<FacetsResult> {
    CHROMA_ASSIGN(const engine::FacetsRequest request, api::ToRequest(std::move(options)));
    CHROMA_ASSIGN(executor::FacetResult counted, backend_->Facets(*info_, request));
    return api::ToResult(std::move(counted));
  });
}

Result<CollectionDescription> Collection::Describe() const {
  return api::Guard([&]() -> Result<CollectionDescription> {
    CHROMA_ASSIGN(executor::CollectionStatus status, backend_->Describe(*info_));
    return api::ToDescription(std::move(status));
  });
}

Status Collection::Compact() const {
  return api::Guard([&] { return backend_->Compact(*info_); });
}

Result<RecallReport> Collection::MeasureRecall(RecallOptions options) const {
  return api::Guard([&] { return backend_->MeasureRecall(*info_, options); });
}

Result<IndexingStatus> Collection::GetIndexingStatus() const {
  return api::Guard([&] { return backend_->GetIndexingStatus(*info_); });
}

Result<GetResult> Collection::Peek(uint32_t limit) const {
  GetOptions options;
  options.limit = limit;
  options.include = Include::kEmbeddings | Include::kDocuments | Include::kMetadatas;
  return Get(std::move(options));
}

Status Collection::Modify(ModifyCollectionOptions options) {
  return api::Guard([&]() -> Status {
    CHROMA_ASSIGN(engine::ModifyCollectionRequest request, api::ToRequest(options));
    CHROMA_TRY(backend_->Modify(*info_, request));
    // By id: another handle may have renamed the collection.
    const std::optional<Uuid> id = Uuid::Parse(info_->id);
    if (!id) return Status::Internal("Collection ID is not a UUID: " + info_->id);
    Result<CollectionInfo> now = backend_->GetCollectionById({info_->tenant, info_->database}, *id);
    if (!now.ok()) {
      return now.status().Annotate("The collection was modified, but could not be read again");
    }
    info_ = std::make_shared<CollectionInfo>(*std::move(now));
    return Status::Ok();
  });
}

}  // namespace chroma
