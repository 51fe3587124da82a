// From the API's requests to the engine's: the checks that both backends share, kInvalidArgument
// on failure. What is left to check needs the collection, and the engine does it on either side.
#pragma once

#include "chroma/extensions.h"
#include "chroma/search.h"
#include "chroma/status.h"
#include "chroma/types.h"
#include "engine/engine.h"

namespace chroma::api {

Result<engine::CreateCollectionRequest> ToRequest(const std::string& name,
                                                  const CreateCollectionOptions& options);
Result<engine::ModifyCollectionRequest> ToRequest(const ModifyCollectionOptions& options);
Result<engine::WriteRequest> ToRequest(model::Operation operation, Records records);
Result<engine::GetRequest> ToRequest(GetOptions options);
Result<engine::QueryRequest> ToRequest(QueryOptions options);
Result<engine::SearchRequest> ToRequest(std::vector<SearchOptions> searches);
Result<engine::DeleteRequest> ToRequest(DeleteOptions options);
Result<engine::FacetsRequest> ToRequest(FacetsOptions options);
Result<engine::ListRequest> ToRequest(ListRecordsOptions options);
Result<std::vector<std::string>> ToIds(std::vector<std::string> ids);

}  // namespace chroma::api
