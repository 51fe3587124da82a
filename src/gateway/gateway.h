// The HTTP front door: Chroma's REST API v2 over an engine.
//
//   request ─► route ─► decode ─► Engine ─► encode ─► response
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "gateway/front.h"

namespace chroma::gateway {

struct GatewayOptions {
  std::vector<std::string> cors_allow_origins = {};  // as FrontOptions
  // Requests come from other processes on this directory and may carry the headers of peer.h.
  bool trusts_peers = false;
};

class Gateway : public Front {
 public:
  // `engine` outlives the gateway.
  Gateway(engine::Engine& engine, GatewayOptions options);

  http::Response Handle(http::Request&& request, runtime::Context& ctx) override;
  // Gets of a few ids and counts, of collections that were read since they were written.
  std::optional<http::Response> TryHandle(const http::Request& request,
                                          runtime::Context& ctx) override;

 private:
  // One matched request on its way through; see endpoints_*.cc.
  struct Call;

  // `match` was not refused.
  http::Response HandleMatch(const RouteMatch& match, const http::Request& request,
                             runtime::Context& ctx);
  http::Response Dispatch(Call& call);
  http::Response System(Call& call);
  http::Response Tenants(Call& call);
  http::Response Collections(Call& call);
  http::Response Records(Call& call);

  http::Response CreateCollection(Call& call);
  http::Response ModifyCollection(Call& call);
  http::Response Write(Call& call, model::Operation operation);
  http::Response Delete(Call& call);
  http::Response Get(Call& call);
  http::Response Query(Call& call);
  http::Response Search(Call& call);
  http::Response Recall(Call& call);
  http::Response List(Call& call);
  http::Response Explain(Call& call);
  http::Response Facets(Call& call);
  http::Response Describe(Call& call);
  http::Response Compact(Call& call);
  http::Response Count(Call& call);
  http::Response Functions(Call& call);
  // The collection that the path names by its id.
  Result<engine::CollectionRef> FindCollection(Call& call);

  // The value of a peer's header; null where there is none or it is not to be trusted.
  const std::string* PeerHeader(const Call& call, std::string_view name) const;
  std::optional<Uuid> PeerId(const Call& call) const;
  // Empty where there is none.
  model::RequestTag PeerTag(const Call& call) const;

  engine::Engine& engine_;
  const bool trusts_peers_;
};

}  // namespace chroma::gateway
