#include "api/clients_fixture.h"

#include <cstdlib>
#include <utility>

namespace chroma::api {

Result<std::unique_ptr<TestServer>> TestServer::Start(bool allow_reset) {
  auto server = std::make_unique<TestServer>();
  service::LocalOptions options;
  options.path = "";
  options.engine.allow_reset = allow_reset;
  const runtime::Env env;
  CHROMA_ASSIGN(server->service_, service::LocalService::Open(env, options));
  server->gateway_ =
      std::make_unique<gateway::Gateway>(server->service_->engine(), gateway::GatewayOptions());
  CHROMA_ASSIGN(server->http_, http::Server::Start(http::ServerOptions(), *server->gateway_, env));
  return server;
}

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "chroma-api-XXXXXX").string();
  if (mkdtemp(pattern.data()) != nullptr) path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code error;
  if (!path_.empty()) std::filesystem::remove_all(path_, error);
}

Result<Client> Ephemeral::Open(bool allow_reset) {
  LocalOptions options;
  options.allow_reset = allow_reset;
  return EphemeralClient(options);
}

Result<Client> Persistent::Open(bool allow_reset) {
  LocalOptions options;
  options.allow_reset = allow_reset;
  return PersistentClient(directory.path() + "/data", options);
}

Result<Client> Http::Open(bool allow_reset) {
  CHROMA_ASSIGN(server, TestServer::Start(allow_reset));
  return HttpClient(server->url());
}

}  // namespace chroma::api
