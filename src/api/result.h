// From the engine's results to the API's. All columns but metadata are moved.
#pragma once

#include "chroma/extensions.h"
#include "chroma/search.h"
#include "chroma/types.h"
#include "executor/node.h"
#include "executor/recall.h"
#include "model/collection.h"
#include "model/record.h"

namespace chroma::api {

CollectionInfo ToInfo(const model::Collection& collection);
RecallReport ToReport(const executor::RecallReport& report);
DatabaseInfo ToInfo(model::Database database);
GetResult ToResult(executor::Records records, model::IncludeSet include);
std::vector<SearchResult> ToResults(executor::SearchResult results);
CollectionDescription ToDescription(executor::CollectionStatus status);
FacetsResult ToResult(executor::FacetResult result);
ListRecordsResult ToResult(executor::ListResult result, model::IncludeSet include);
QueryResult ToResult(executor::QueryResult result, model::IncludeSet include);

}  // namespace chroma::api
