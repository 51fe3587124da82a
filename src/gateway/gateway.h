// The HTTP front door: Chroma's REST API v2 over an engine.
//
//   request ─► route ─► decode ─► Engine ─► encode ─► response
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "gateway/route.h"
#include "http/handler.h"

namespace chroma::gateway {

struct GatewayOptions {
  // Origins that browsers may call from; {"*"} is all, empty sends no CORS headers at all.
  std::vector<std::string> cors_allow_origins;
};

class Gateway : public http::Handler {
 public:
  // `engine` outlives the gateway.
  Gateway(engine::Engine& engine, GatewayOptions options);

  http::Response Handle(http::Request&& request, runtime::Context& ctx) override;
  bool IsQuick(const http::RequestHead& head) override;
  std::optional<http::Response> OnHeader(const http::RequestHead& head) override;
  http::Response BodyTooLarge(const http::RequestHead& head) override;
  http::Response Overloaded(const http::RequestHead& head) override;
  http::Response InternalError(const http::RequestHead& head, std::string_view what) override;

 private:
  // One matched request on its way through; see endpoints_*.cc.
  struct Call;

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
  http::Response Count(Call& call);
  http::Response Functions(Call& call);
  // The collection that the path names by its id.
  Result<engine::CollectionRef> FindCollection(Call& call);

  // CORS and trace headers, on every answer.
  http::Response Finish(const http::RequestHead& head, http::Response response) const;

  engine::Engine& engine_;
  const GatewayOptions options_;
};

}  // namespace chroma::gateway
