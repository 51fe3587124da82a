// Endpoints that are beyond upstream (docs/extensions.md).
#include <utility>

#include "gateway/call.h"
#include "gateway/decode_extensions.h"
#include "gateway/encode_extensions.h"

namespace chroma::gateway {

http::Response Gateway::Facets(Call& call) {
  return WithBody(call.request.body, DecodeFacets, [&](FacetsBody body) {
    Result<engine::CollectionRef> collection = FindCollection(call);
    if (!collection.ok()) return ErrorResponse(collection.status());
    Result<engine::FacetsRequest> request = ToFacetsRequest(std::move(body));
    if (!request.ok()) return ErrorResponse(request.status());
    return Answer(engine_.Facets(call.ctx, *collection, *request), EncodeFacets);
  });
}

}  // namespace chroma::gateway
