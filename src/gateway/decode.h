// Request bodies: from JSON to the engine's requests, with the wire contract's errors for wrong
// shapes (rest-api.md §3). What may only be judged once the collection is known, filters and
// base64 vectors, is kept as it came and finished by the To… functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json_reader.h"
#include "base/json_value.h"
#include "chroma/status.h"
#include "engine/engine.h"

namespace chroma::gateway {

// Every decoder reads one whole body and reports through the reader.

std::string DecodeName(JsonReader& reader, std::string_view struct_name);  // {"name":…}
std::string DecodeUpdateTenant(JsonReader& reader);                        // {"resource_name":…}
std::string DecodeFork(JsonReader& reader);                                // {"new_name":…}
void CheckAttachFunction(JsonReader& reader);
void CheckDetachFunction(JsonReader& reader);

engine::CreateCollectionRequest DecodeCreateCollection(JsonReader& reader);
engine::ModifyCollectionRequest DecodeModifyCollection(JsonReader& reader);

struct WriteBody {
  engine::WriteRequest request;  // without vectors when `base64` has some
  std::optional<std::vector<std::optional<std::string>>> base64;
};
WriteBody DecodeWrite(JsonReader& reader, model::Operation operation);
// Decodes the base64 vectors; kInvalidArgument with the texts of §7.1.
Result<engine::WriteRequest> ToWriteRequest(WriteBody body);

// What get, query and delete share. Filters as they came; null and absent are none.
struct FilterBody {
  std::optional<std::vector<std::string>> ids;
  std::optional<JsonValue> where;
  std::optional<JsonValue> where_document;
};
struct GetBody {
  FilterBody filter;
  std::optional<uint32_t> limit;
  std::optional<uint32_t> offset;
  std::vector<model::Include> include;  // as given, for the echo
};
struct QueryBody {
  FilterBody filter;
  model::VectorMatrix queries;
  std::vector<uint32_t> query_lengths;
  std::optional<uint32_t> n_results;
  std::vector<model::Include> include;
};
struct DeleteBody {
  FilterBody filter;
  std::optional<uint32_t> limit;
};
GetBody DecodeGet(JsonReader& reader);
QueryBody DecodeQuery(JsonReader& reader);
DeleteBody DecodeDelete(JsonReader& reader);
// Parse the filters: kInvalidArgument.
Result<engine::GetRequest> ToGetRequest(GetBody body);
Result<engine::QueryRequest> ToQueryRequest(QueryBody body);
Result<engine::DeleteRequest> ToDeleteRequest(DeleteBody body);

// An extension: {"n_queries":…, "n_results":…}, both optional.
struct RecallBody {
  uint32_t queries = 100;
  uint32_t n_results = 10;
};
RecallBody DecodeRecall(JsonReader& reader);

// Ranks with more expressions than a search may have are shape errors, so that no tree of them is
// ever large.
engine::SearchRequest DecodeSearch(JsonReader& reader);

}  // namespace chroma::gateway
