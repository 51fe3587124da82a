// Answers: from the engine's results to JSON, keys in the wire contract's order (rest-api.md §5-8).
#pragma once

#include <string>
#include <vector>

#include "base/json_writer.h"
#include "engine/engine.h"

namespace chroma::gateway {

std::string EncodeTenant(const model::Tenant& tenant);
std::string EncodeDatabase(const model::Database& database);
std::string EncodeDatabases(const std::vector<model::Database>& databases);
std::string EncodeCollection(const model::Collection& collection);
std::string EncodeCollections(const std::vector<model::Collection>& collections);

// `include` is echoed as it was given.
void WriteGet(JsonWriter& out, const executor::Records& records,
              const std::vector<model::Include>& include);  // the members of EncodeGet
std::string EncodeGet(const executor::Records& records, const std::vector<model::Include>& include);
std::string EncodeQuery(const executor::QueryResult& result,
                        const std::vector<model::Include>& include);
// `searches` are those that were answered, for what they select.
std::string EncodeSearch(const executor::SearchResult& result,
                         const std::vector<model::Search>& searches);
std::string EncodeDeleted(uint64_t count);
std::string EncodeRecall(const executor::RecallReport& report);
std::string EncodeIndexingStatus(const engine::IndexingStatus& status);

}  // namespace chroma::gateway
