#include "service/server.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace chroma::service {
namespace {

LocalOptions EngineOptionsOf(const ServerConfig& config) {
  LocalOptions options;
  options.path = config.persist_path;
  options.engine.allow_reset = config.allow_reset;
  options.search_threads = config.search_threads;
  if (config.memory_limit_bytes > 0) options.memory_bytes_max = config.memory_limit_bytes;
  options.compaction.tail_records_max = config.compaction_tail_records;
  options.compaction.idle_ns = config.compaction_idle_ms * runtime::kMillisecond;
  options.compaction.settle_ns = config.compaction_settle_ms * runtime::kMillisecond;
  options.log.file_bytes_max = config.log_file_bytes;
  options.read_only = config.read_only;
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

Status ExplainOpen(const Status& status, const std::string& path) {
  if (status.code() != StatusCode::kPermissionDenied) return status;
  return Status::PermissionDenied("this user may not write to the data directory " + path + " (" +
                                  std::string(status.message()) +
                                  "); choose another one, or open it for reading only");
}

// What the server's own clients meet; the directory does the rest.
class FrontDoor final : public gateway::Front {
 public:
  FrontDoor(SharedDirectory& directory, const ServerConfig& config)
      : Front({config.cors_allow_origins}), directory_(directory), read_only_(config.read_only) {}

  http::Response Handle(http::Request&& request, runtime::Context& context) override {
    std::optional<std::string> origin;
    if (const std::string* given = request.Find("origin")) origin = *given;
    http::Response response = directory_.Send(std::move(request), context);
    return WithCors(origin ? &*origin : nullptr, std::move(response));
  }

  std::optional<http::Response> TryHandle(const http::Request& request,
                                          runtime::Context& context) override {
    std::optional<http::Response> response = directory_.TrySend(request, context);
    if (!response) return std::nullopt;
    return WithCors(request.Find("origin"), *std::move(response));
  }

  // The owner may take its time; a reader has to look first.
  bool IsQuick(const http::RequestHead& head) override {
    return Front::IsQuick(head) && !read_only_ && directory_.Local() != nullptr;
  }

 private:
  SharedDirectory& directory_;
  const bool read_only_;
};

}  // namespace

Server::~Server() {
  if (http_) http_->Stop();
}

Result<std::unique_ptr<Server>> StartServer(runtime::Env env, const ServerConfig& config) {
  if (config.persist_path.empty()) {
    return Status::InvalidArgument("persist_path must not be empty");
  }
  const http::ServerOptions options = HttpOptionsOf(config);
  // Before the directory is made, or another process is kept waiting for it.
  CHROMA_ASSIGN(http::Addresses addresses, http::Addresses::Take(options));
  auto server = std::unique_ptr<Server>(new Server());
  Result<std::shared_ptr<SharedDirectory>> directory =
      SharedDirectory::Open(env, EngineOptionsOf(config));
  if (!directory.ok()) return ExplainOpen(directory.status(), config.persist_path);
  server->directory_ = *std::move(directory);
  server->front_ = std::make_unique<FrontDoor>(*server->directory_, config);
  CHROMA_ASSIGN(server->http_,
                http::Server::Start(options, std::move(addresses), *server->front_, env));
  return server;
}

}  // namespace chroma::service
