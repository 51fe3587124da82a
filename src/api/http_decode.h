// The answers of a server (rest-api.md §2, §5-8). Bytes from the network: an answer of another
// shape is kInternal, saying what is wrong with it. Unknown members are ignored.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api/http_transport.h"
#include "chroma/extensions.h"
#include "chroma/status.h"
#include "chroma/types.h"
#include "engine/engine.h"
#include "executor/node.h"
#include "model/collection.h"

namespace chroma::api {

// OK for 2xx; else the status that gateway/errors.h turned into this answer, with its message.
Status StatusOf(const HttpAnswer& answer);

Result<uint64_t> DecodeCount(const std::string& body);                             // 3
Result<uint64_t> DecodeCountIn(const std::string& body, std::string_view member);  // {"deleted":3}
Result<std::string> DecodeVersion(const std::string& body);
Result<model::Tenant> DecodeTenant(const std::string& body);
Result<model::Database> DecodeDatabase(const std::string& body);
Result<std::vector<model::Database>> DecodeDatabases(const std::string& body);
Result<CollectionInfo> DecodeCollection(const std::string& body);
Result<std::vector<CollectionInfo>> DecodeCollections(const std::string& body);
// Every column of `include` is there and as long as the ids.
Result<executor::Records> DecodeGet(const std::string& body, model::IncludeSet include);
Result<executor::QueryResult> DecodeQuery(const std::string& body, model::IncludeSet include);
// One element for each of `searches`, with the columns that it selects.
Result<executor::SearchResult> DecodeSearch(const std::string& body,
                                            const std::vector<model::Search>& searches);
// Records as DecodeGet; highlights where they were asked for.
Result<executor::ListResult> DecodeList(const std::string& body,
                                        const engine::ListRequest& request);
Result<RecallReport> DecodeRecall(const std::string& body);
Result<IndexingStatus> DecodeIndexingStatus(const std::string& body);
// One element for each of `facets` facets.
Result<executor::FacetResult> DecodeFacets(const std::string& body, size_t facets);

Result<executor::CollectionStatus> DecodeDescription(const std::string& body);
Result<UserIdentity> DecodeIdentity(const std::string& body);

}  // namespace chroma::api
