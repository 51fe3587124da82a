// The server of `chroma run`: the REST API over one directory, whose engine may be in this process
// or in another one.
#pragma once

#include <cstdint>
#include <memory>

#include "chroma/status.h"
#include "gateway/front.h"
#include "http/server.h"
#include "runtime/env.h"
#include "service/config.h"
#include "service/shared_directory.h"

namespace chroma::service {

// Thread safe.
class Server {
 public:
  ~Server();  // stops
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  uint16_t port() const { return http_->port(); }
  // Whether the engine is in this process now; otherwise its owner's or, for a reader, unknown.
  bool is_owner() const { return directory_->Local() != nullptr; }
  // Takes no new requests, lets the running ones finish (for stop_timeout_ms at most). The
  // directory is left in the destructor, when nothing can reach it any more. Idempotent.
  void Stop() { http_->Stop(); }

 private:
  friend Result<std::unique_ptr<Server>> StartServer(runtime::Env, const ServerConfig&);
  Server() = default;

  // In the order in which one needs the other.
  std::shared_ptr<SharedDirectory> directory_;
  std::unique_ptr<gateway::Front> front_;
  std::unique_ptr<http::Server> http_;
};

// Joins the directory and serves when it returns. Errors: those of SharedDirectory::Open, and of
// http::Server::Start for the address. Does not touch the configuration of the log.
Result<std::unique_ptr<Server>> StartServer(runtime::Env env, const ServerConfig& config);

}  // namespace chroma::service
