// An HTTP/1.0 and 1.1 server over TCP and Unix domain sockets: keep-alive, pipelining, chunked
// request bodies, "expect: 100-continue", limits and deadlines for everything a peer can claim
// or delay, and a stop that finishes what is running.
//
// A few I/O threads own the connections and move bytes, and answer what takes less time than waking
// another thread; requests run on a pool of workers, which may block. An idle connection costs its
// kernel socket and about 1 KB, and an idle server wakes nobody.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "chroma/status.h"
#include "http/handler.h"
#include "runtime/env.h"

namespace chroma::http {

struct ServerOptions {
  // A name or a number; a name that means several ("localhost": 127.0.0.1 and ::1) listens on
  // all that this machine has. Empty: no TCP.
  std::string address = "127.0.0.1";
  uint16_t port = 0;  // 0: any free one; see Server::port()
  // Path of a Unix domain socket, for this user only. Empty: none. A socket left behind by a dead
  // process is replaced, a live one is an error.
  std::string unix_path;

  int io_threads = 0;  // 0: one for every processor, at most 4
  // Many: a worker that waits for a commit or for storage is blocked. As many again for requests
  // with bodies that are too large to run inline.
  int worker_threads = 64;
  // Workers that may be blocked for many seconds (runtime::Context::LongWait); 0: a quarter.
  int long_waits_max = 0;
  size_t worker_queue_max = 1024;  // requests waiting for a worker; beyond: Overloaded
  // Largest body of a request that runs inline: a vector of some 5,000 numbers, parsed in 100 µs.
  size_t inline_body_bytes_max = 64 << 10;

  size_t header_bytes_max = 16 << 10;                // request line and headers; beyond: 431
  uint64_t body_bytes_max = 41'943'040;              // inclusive; beyond: BodyTooLarge
  uint64_t body_bytes_in_flight_max = 256ull << 20;  // of all requests; beyond: Overloaded
  // Of all answers, as far as handlers reserve it in their context; beyond: 429 from the handler.
  uint64_t answer_bytes_in_flight_max = 512ull << 20;
  uint64_t discard_bytes_max = 2048ull << 20;  // read and dropped so that the peer sees an answer
  // Beyond, the connection that is idle longest is closed for the new one, or, where none is
  // idle, the new one gets a 503.
  size_t connections_max = 16 << 10;
  bool raise_open_file_limit = true;  // of the process, to its hard limit

  int64_t header_timeout_ms = 15'000;       // from the first byte of a request to its empty line
  int64_t body_timeout_ms = 30'000;         // for every 16 KB of a body, or what is left of it
  int64_t keep_alive_timeout_ms = 300'000;  // between requests, and before the first
  int64_t request_timeout_ms = 0;     // from a request's head to its answer; 0: as long as it takes
  int64_t write_timeout_ms = 60'000;  // without the peer taking any byte of a response
  int64_t linger_timeout_ms = 10'000;  // for discarding, after a final answer
  // A peer that shuts its side this soon after its request still wants the answer; one that does
  // so later has gone, and the request is cancelled.
  int64_t half_close_grace_ms = 250;
  int64_t drain_timeout_ms = 30'000;  // Stop(): then requests are cancelled
};

class ListenSocket;

// The addresses of a server that has nothing to serve yet: nobody else can have them.
class Addresses {
 public:
  // Errors: kInvalidArgument (options), kUnavailable (address in use), kInternal.
  static Result<Addresses> Take(const ServerOptions& options);
  explicit Addresses(std::vector<ListenSocket> sockets);
  Addresses(Addresses&& other) noexcept;
  Addresses& operator=(Addresses&& other) noexcept;
  ~Addresses();

 private:
  friend class Server;
  std::vector<ListenSocket> sockets_;
};

class Server {
 public:
  // Listens and serves when it returns. A forked child has none of its sockets. Errors: as
  // Addresses::Take.
  static Result<std::unique_ptr<Server>> Start(const ServerOptions& options, Handler& handler,
                                               const runtime::Env& env);
  // On addresses that were taken with the same options.
  static Result<std::unique_ptr<Server>> Start(const ServerOptions& options, Addresses addresses,
                                               Handler& handler, const runtime::Env& env);
  // Stops.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // The TCP port listened on; 0 without TCP.
  uint16_t port() const;
  size_t connections() const;

  // Refuses new connections, closes idle ones, lets requests that have begun finish, and returns
  // when all are gone. After drain_timeout_ms it cancels those still running and drops their
  // connections, and returns when their handlers have. Idempotent; not from a handler.
  void Stop();

 private:
  struct State;

 public:
  explicit Server(std::unique_ptr<State> state);  // for Start

 private:
  std::unique_ptr<State> state_;
};

}  // namespace chroma::http
