#include "service/server.h"

#include <algorithm>
#include <utility>

namespace chroma::service {
namespace {

LocalOptions EngineOptionsOf(const ServerConfig& config) {
  LocalOptions options;
  options.path = config.persist_path;
  options.engine.allow_reset = config.allow_reset;
  options.search_threads = config.search_threads;
  options.compaction.tail_records_max = config.compaction_tail_records;
  options.compaction.idle_ns = config.compaction_idle_ms * runtime::kMillisecond;
  options.compaction.settle_ns = config.compaction_settle_ms * runtime::kMillisecond;
  options.log.file_bytes_max = config.log_file_bytes;
  return options;
}

http::ServerOptions HttpOptionsOf(const ServerConfig& config) {
  http::ServerOptions options;
  options.address = config.listen_address;
  options.port = config.port;
  options.unix_path = config.unix_socket_path;
  options.worker_threads = config.worker_threads;
  options.body_bytes_max = config.max_payload_size_bytes;
  // Two bodies of the largest size must always fit.
  options.body_bytes_in_flight_max =
      std::max(options.body_bytes_in_flight_max, 2 * options.body_bytes_max);
  options.connections_max = config.connections_max;
  options.header_timeout_ms = config.header_timeout_ms;
  options.body_timeout_ms = config.body_timeout_ms;
  options.request_timeout_ms = config.request_timeout_ms;
  options.keep_alive_timeout_ms = config.idle_timeout_ms;
  options.drain_timeout_ms = config.stop_timeout_ms;
  return options;
}

// The code alone would not say which of the two it is: the directory or the port.
Status ExplainOpen(const Status& status, const std::string& path) {
  if (status.code() == StatusCode::kUnavailable) {
    return Status::Unavailable("the data directory " + path + " is in use (" +
                               std::string(status.message()) +
                               "); stop that process or choose another directory");
  }
  if (status.code() != StatusCode::kPermissionDenied) return status;
  return Status::PermissionDenied("this user may not write to the data directory " + path + " (" +
                                  std::string(status.message()) + "); choose another one");
}

}  // namespace

Server::~Server() {
  if (http_) http_->Stop();
}

Result<std::unique_ptr<Server>> StartServer(runtime::Env env, const ServerConfig& config) {
  if (config.persist_path.empty()) {
    return Status::InvalidArgument("persist_path must not be empty");
  }
  auto server = std::unique_ptr<Server>(new Server());
  Result<std::unique_ptr<LocalService>> service = LocalService::Open(env, EngineOptionsOf(config));
  if (!service.ok()) return ExplainOpen(service.status(), config.persist_path);
  server->service_ = *std::move(service);
  server->gateway_ = std::make_unique<gateway::Gateway>(
      server->service_->engine(), gateway::GatewayOptions{config.cors_allow_origins});
  CHROMA_ASSIGN(server->http_, http::Server::Start(HttpOptionsOf(config), *server->gateway_, env));
  return server;
}

}  // namespace chroma::service
