// For tests: the three clients, each with an empty database behind it.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "chroma/client.h"
#include "gateway/gateway.h"
#include "http/server.h"
#include "service/wiring.h"

namespace chroma::api {

// A server on a free port of this machine, over an engine in memory.
class TestServer {
 public:
  static Result<std::unique_ptr<TestServer>> Start(bool allow_reset = true);
  ~TestServer() { http_->Stop(); }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(http_->port()); }

 private:
  std::unique_ptr<service::LocalService> service_;
  std::unique_ptr<gateway::Gateway> gateway_;
  std::unique_ptr<http::Server> http_;
};

// A directory that is removed at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct Ephemeral {
  Result<Client> Open(bool allow_reset);
};
struct Persistent {
  Result<Client> Open(bool allow_reset);
  TemporaryDirectory directory;
};
struct Http {
  Result<Client> Open(bool allow_reset);
  std::unique_ptr<TestServer> server;
};

}  // namespace chroma::api
