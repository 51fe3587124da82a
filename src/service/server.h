// The server of `chroma run`: one engine behind the REST API, in this process.
#pragma once

#include <cstdint>
#include <memory>

#include "chroma/status.h"
#include "gateway/gateway.h"
#include "http/server.h"
#include "runtime/env.h"
#include "service/config.h"
#include "service/wiring.h"

namespace chroma::service {

// Thread safe.
class Server {
 public:
  ~Server();  // stops
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  uint16_t port() const { return http_->port(); }
  // Takes no new requests, lets the running ones finish (for stop_timeout_ms at most). The engine
  // closes in the destructor, when nothing can reach it any more. Idempotent.
  void Stop() { http_->Stop(); }

 private:
  friend Result<std::unique_ptr<Server>> StartServer(runtime::Env, const ServerConfig&);
  Server() = default;

  // In the order in which one needs the other.
  std::unique_ptr<LocalService> service_;
  std::unique_ptr<gateway::Gateway> gateway_;
  std::unique_ptr<http::Server> http_;
};

// Opens the directory and serves when it returns. Errors: those of LocalService::Open, and of
// http::Server::Start for the address. Does not touch the configuration of the log.
Result<std::unique_ptr<Server>> StartServer(runtime::Env env, const ServerConfig& config);

}  // namespace chroma::service
