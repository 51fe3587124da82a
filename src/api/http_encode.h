// The bodies that the HTTP client sends (rest-api.md §6-8): the reverse of gateway/decode.h.
#pragma once

#include <string>
#include <string_view>

#include "chroma/extensions.h"
#include "chroma/status.h"
#include "engine/engine.h"

namespace chroma::api {

// One segment of a path.
std::string EncodeSegment(std::string_view text);
// "?limit=…&offset=…", or nothing.
std::string EncodePage(const catalog::Page& page);

std::string EncodeName(const std::string& name);
std::string EncodeCreateCollection(const engine::CreateCollectionRequest& request);
std::string EncodeModifyCollection(const engine::ModifyCollectionRequest& request);
// Vectors as base64. kInvalidArgument for numbers that are not finite, in the engine's words.
Result<std::string> EncodeWrite(const engine::WriteRequest& request);
std::string EncodeGet(const engine::GetRequest& request);
std::string EncodeQuery(const engine::QueryRequest& request);
std::string EncodeSearch(const engine::SearchRequest& request);
std::string EncodeList(const engine::ListRequest& request);
std::string EncodeExplain(const engine::ExplainRequest& request);
std::string EncodeFacets(const engine::FacetsRequest& request);
std::string EncodeRecall(const RecallOptions& options);
std::string EncodeDelete(const engine::DeleteRequest& request);

}  // namespace chroma::api
