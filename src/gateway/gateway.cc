#include "gateway/gateway.h"

#include <utility>

#include "gateway/call.h"
#include "runtime/test_points.h"

namespace chroma::gateway {

Gateway::Gateway(engine::Engine& engine, GatewayOptions options)
    : Front({std::move(options.cors_allow_origins)}),
      engine_(engine),
      trusts_peers_(options.trusts_peers) {}

http::Response Gateway::Handle(http::Request&& request, runtime::Context& ctx) {
  const RouteResult route = FindRoute(request.method, request.path());
  if (std::optional<http::Response> refused = Refuse(request, route)) {
    return Finish(request, *std::move(refused));
  }
  Call call{route.match->endpoint, request, ctx, *DecodeParameters(*route.match)};
  http::Response response = Dispatch(call);
  CHROMA_TEST_POINT("gateway.request_done");
  return Finish(request, std::move(response));
}

const std::string* Gateway::PeerHeader(const Call& call, std::string_view name) const {
  return trusts_peers_ ? call.request.Find(name) : nullptr;
}

http::Response Gateway::Dispatch(Call& call) {
  if (call.endpoint <= Endpoint::kGetCollectionByCrn || call.endpoint >= Endpoint::kDocsRedirect) {
    return System(call);
  }
  if (call.endpoint <= Endpoint::kDeleteDatabase) return Tenants(call);
  if (call.endpoint <= Endpoint::kDeleteCollection) return Collections(call);
  return Records(call);
}

}  // namespace chroma::gateway
