// Endpoints that are beyond upstream (docs/extensions.md).
#include <utility>

#include "gateway/call.h"
#include "gateway/decode_extensions.h"
#include "gateway/encode_extensions.h"

namespace chroma::gateway {

http::Response Gateway::List(Call& call) {
  return WithBody(call.request.body, DecodeList, [&](ListBody body) {
    Result<engine::CollectionRef> collection = FindCollection(call);
    if (!collection.ok()) return ErrorResponse(collection.status());
    const std::vector<model::Include> include = body.include;
    Result<engine::ListRequest> request = ToListRequest(std::move(body));
    if (!request.ok()) return ErrorResponse(request.status());
    return Answer(engine_.List(call.ctx, *collection, *request),
                  [&](const executor::ListResult& result) {
                    return EncodeList(result, include, request->highlight.has_value());
                  });
  });
}

http::Response Gateway::Explain(Call& call) {
  return WithBody(call.request.body, DecodeExplain, [&](ExplainBody body) {
    Result<engine::CollectionRef> collection = FindCollection(call);
    if (!collection.ok()) return ErrorResponse(collection.status());
    Result<engine::ExplainRequest> request = ToExplainRequest(std::move(body));
    if (!request.ok()) return ErrorResponse(request.status());
    return Answer(engine_.Explain(call.ctx, *collection, *request), EncodeExplanation);
  });
}

http::Response Gateway::Facets(Call& call) {
  return WithBody(call.request.body, DecodeFacets, [&](FacetsBody body) {
    Result<engine::CollectionRef> collection = FindCollection(call);
    if (!collection.ok()) return ErrorResponse(collection.status());
    Result<engine::FacetsRequest> request = ToFacetsRequest(std::move(body));
    if (!request.ok()) return ErrorResponse(request.status());
    return Answer(engine_.Facets(call.ctx, *collection, *request), EncodeFacets);
  });
}

http::Response Gateway::Describe(Call& call) {
  Result<engine::CollectionRef> collection = FindCollection(call);
  if (!collection.ok()) return ErrorResponse(collection.status());
  return Answer(engine_.Describe(call.ctx, *collection), EncodeDescription);
}

http::Response Gateway::Compact(Call& call) {
  Result<engine::CollectionRef> collection = FindCollection(call);
  if (!collection.ok()) return ErrorResponse(collection.status());
  const Status compacted = engine_.Compact(call.ctx, *collection);
  return compacted.ok() ? JsonResponse(200, "{}") : ErrorResponse(compacted);
}

}  // namespace chroma::gateway
