// Requests of a client to whoever answers them; and the way to a server, over connections that are
// kept and reused, with libcurl.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "chroma/client.h"
#include "chroma/status.h"
#include "runtime/mutex.h"

namespace chroma::api {

struct HttpRequest {
  const char* method = "GET";
  std::string path;  // percent-encoded, from "/api/…" on
  std::string body;  // JSON; sent with POST and PUT only
  // Repeating it changes nothing: it may be sent again when its connection breaks.
  bool is_read = true;
};

struct HttpAnswer {
  int status = 0;
  std::string body;
};

// Thread safe.
class Transport {
 public:
  virtual ~Transport() = default;
  // OK for an answer of any status.
  virtual Result<HttpAnswer> Send(HttpRequest request) = 0;
};

// Every request in flight has a connection of its own.
class HttpTransport final : public Transport {
 public:
  // kInvalidArgument for an URL or header that is none. Does not connect.
  static Result<std::unique_ptr<HttpTransport>> Create(const std::string& url,
                                                       const HttpOptions& options);
  ~HttpTransport() override;
  HttpTransport(const HttpTransport&) = delete;
  HttpTransport& operator=(const HttpTransport&) = delete;

  // kUnavailable when the server cannot be reached or does not
  // answer, kDeadlineExceeded, kResourceExhausted for an answer that is too large.
  Result<HttpAnswer> Send(HttpRequest request) override;
  // What messages call the server: its URL without user name and password.
  const std::string& name() const { return name_; }

 private:
  // A libcurl handle: one request at a time, and the connection it leaves open.
  class Connection;

  HttpTransport(std::string url, const HttpOptions& options);
  std::unique_ptr<Connection> Take();
  void Return(std::unique_ptr<Connection> connection);

  const std::string url_;  // without a slash at its end
  const std::string name_;
  const HttpOptions options_;
  void* headers_ = nullptr;  // curl_slist, shared by all connections, never changed
  runtime::Mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_ CHROMA_GUARDED_BY(mutex_);
};

}  // namespace chroma::api
