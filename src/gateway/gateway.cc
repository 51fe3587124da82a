#include "gateway/gateway.h"

#include <utility>

#include "gateway/call.h"
#include "runtime/test_points.h"

namespace chroma::gateway {
namespace {

// What is decoded in some 100 µs.
constexpr size_t kAtOnceBodyBytesMax = 64 << 10;

}  // namespace

Gateway::Gateway(engine::Engine& engine, GatewayOptions options)
    : Front({std::move(options.cors_allow_origins)}),
      engine_(engine),
      trusts_peers_(options.trusts_peers) {}

http::Response Gateway::Handle(http::Request&& request, runtime::Context& ctx) {
  const RouteResult route = FindRoute(request.method, request.path());
  if (std::optional<http::Response> refused = Refuse(request, route)) {
    return Finish(request, *std::move(refused));
  }
  return HandleMatch(*route.match, request, ctx);
}

std::optional<http::Response> Gateway::TryHandle(const http::Request& request,
                                                 runtime::Context& ctx) {
  const RouteResult route = FindRoute(request.method, request.path());
  if (!route.match) return std::nullopt;
  switch (route.match->endpoint) {
    case Endpoint::kGet:
    case Endpoint::kCount:
    case Endpoint::kQuery:
      break;
    default:
      return std::nullopt;
  }
  if (request.body.size() > kAtOnceBodyBytesMax) return std::nullopt;
  if (Refuse(request, route)) return std::nullopt;
  const runtime::Context::AtOnce at_once(ctx);
  http::Response response = HandleMatch(*route.match, request, ctx);
  // What failed may only have failed to be quick.
  if (response.status != 200) return std::nullopt;
  return response;
}

http::Response Gateway::HandleMatch(const RouteMatch& match, const http::Request& request,
                                    runtime::Context& ctx) {
  Call call{match.endpoint, request, ctx, *DecodeParameters(match)};
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
