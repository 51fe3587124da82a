// A blocking HTTP/1.1 client of one Unix socket, for peers on this machine. (Servers elsewhere
// are reached with libcurl, in api/: what differs is that this one tells a request that nobody
// took from one that may have taken place, gives up only on a peer that shows no life, and leaves
// nothing behind in a forked child.)
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "chroma/status.h"
#include "http/message.h"
#include "runtime/context.h"
#include "runtime/mutex.h"

namespace chroma::http {

struct ClientOptions {
  std::string unix_path;
  // After this long without a byte from the peer it is asked for `probe_target` on a connection
  // of its own; when that has no answer as quickly, the request fails.
  int64_t silence_ns = 5 * runtime::kSecond;
  std::string probe_target = "/";
  uint64_t answer_bytes_max = uint64_t{8} << 30;
};

// A connected socket that closes itself, and is closed in a forked child.
class ClientSocket {
 public:
  // kUnavailable: nobody listens there. kDeadlineExceeded: too many wait already, for
  // `patience_ns`.
  static Result<ClientSocket> Connect(const std::string& unix_path, int64_t patience_ns);
  ClientSocket(ClientSocket&& other) noexcept;
  ClientSocket& operator=(ClientSocket&& other) noexcept;
  ~ClientSocket();

  int fd() const { return fd_; }
  // The peer has neither closed nor sent anything.
  bool IsIdle() const;

 private:
  explicit ClientSocket(int fd) : fd_(fd) {}

  int fd_ = -1;
};

// Thread safe: each request in flight has a connection of its own, and those are kept.
class Client {
 public:
  explicit Client(ClientOptions options) : options_(std::move(options)) {}

  // Sends the request: method, target, headers (content-length is added) and body. OK for an
  // answer of any status. Errors: kUnavailable: nobody listens, and nothing was sent; kAborted:
  // the connection broke, and the request may or may not have taken place; kDeadlineExceeded:
  // the peer shows no life; kResourceExhausted: the answer is too large; and the context's.
  Result<Response> Send(const Request& request, runtime::Context& context);

 private:
  Result<ClientSocket> TakeConnection();
  bool IsAlive();

  const ClientOptions options_;
  runtime::Mutex mutex_;
  std::vector<ClientSocket> idle_ CHROMA_GUARDED_BY(mutex_);
};

// A connection that carries nothing and shows the end of whoever accepted it.
class Watch {
 public:
  // As ClientSocket::Connect.
  static Result<std::unique_ptr<Watch>> Open(const std::string& unix_path, int64_t patience_ns);
  explicit Watch(ClientSocket socket) : socket_(std::move(socket)) {}

  // Returns when the peer has closed it or died, or Cancel was called.
  void Wait();
  void Cancel();

 private:
  ClientSocket socket_;
};

}  // namespace chroma::http
