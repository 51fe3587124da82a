#include "http/server.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <utility>
#include <vector>

#include "http/connection.h"
#include "http/core.h"
#include "http/listener.h"
#include "http/loop.h"

namespace chroma::http {

namespace {

constexpr int kIoThreadsMaxByDefault = 4;
// After a drain that ran out of time; closing a connection takes microseconds.
constexpr int64_t kCloseNs = 10 * runtime::kSecond;

Status Validate(const ServerOptions& options) {
  if (options.address.empty() && options.unix_path.empty()) {
    return Status::InvalidArgument("nothing to listen on: give an address or a socket path");
  }
  if (options.worker_threads < 1 || options.worker_queue_max < 1 || options.io_threads < 0 ||
      options.connections_max < 1 || options.header_bytes_max < 64) {
    return Status::InvalidArgument(
        "HTTP server options: threads, queue and connections must be at least 1, "
        "header_bytes_max at least 64");
  }
  const int64_t shortest_ms =
      std::min({options.header_timeout_ms, options.body_timeout_ms, options.keep_alive_timeout_ms,
                options.write_timeout_ms, options.linger_timeout_ms});
  if (shortest_ms < 1) {
    return Status::InvalidArgument("HTTP server options: every time-out must be at least 1 ms");
  }
  return Status::Ok();
}

void RaiseOpenFileLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

struct Server::State {
  State(const ServerOptions& options, Handler& handler, const runtime::Env& env)
      : core(options, handler, env) {}
  ~State() {
    for (const auto& loop : loops) loop->StopAndJoin();
  }

  // Gives a new connection to the loop that has fewest: clients often hold one to ten, and a
  // hash over their ports would put them on one loop half of the time.
  void Assign(int fd, std::string remote) {
    const auto least = std::min_element(
        loops.begin(), loops.end(),
        [](const auto& a, const auto& b) { return a->load().load() < b->load().load(); });
    Loop& loop = **least;
    loop.load().fetch_add(1);
    core.connections.fetch_add(1);
    loop.Post([&loop, fd, name = std::move(remote)] { loop.Adopt(fd, name); });
  }

  void Listen(ListenSocket socket) {
    port = port == 0 ? socket.port() : port;
    listeners.push_back(std::make_shared<Listener>(
        loops.front()->io(), std::move(socket),
        [this](int fd, std::string remote) { Assign(fd, std::move(remote)); },
        [this] {
          for (const auto& loop : loops) loop->Post([&one = *loop] { one.CloseLongestIdle(); });
        }));
  }

  Core core;
  std::vector<std::unique_ptr<Loop>> loops;
  std::vector<std::shared_ptr<Listener>> listeners;
  uint16_t port = 0;
  runtime::Mutex stop_mutex;
  bool stopped CHROMA_GUARDED_BY(stop_mutex) = false;
};

Addresses::Addresses(std::vector<ListenSocket> sockets) : sockets_(std::move(sockets)) {}
Addresses::Addresses(Addresses&& other) noexcept = default;
Addresses& Addresses::operator=(Addresses&& other) noexcept = default;
Addresses::~Addresses() = default;

Result<Addresses> Addresses::Take(const ServerOptions& options) {
  CHROMA_TRY(Validate(options));
  try {
    std::vector<ListenSocket> sockets;
    if (!options.address.empty()) {
      CHROMA_ASSIGN(sockets, ListenSocket::OpenTcp(options.address, options.port));
    }
    if (!options.unix_path.empty()) {
      CHROMA_ASSIGN(ListenSocket socket, ListenSocket::OpenUnix(options.unix_path));
      sockets.push_back(std::move(socket));
    }
    return Addresses(std::move(sockets));
  } catch (const std::exception& e) {
    return Status::Internal(std::string("cannot take the server's addresses: ") + e.what());
  }
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}

Server::~Server() {
  Stop();
}

Result<std::unique_ptr<Server>> Server::Start(const ServerOptions& options, Handler& handler,
                                              const runtime::Env& env) {
  CHROMA_ASSIGN(Addresses addresses, Addresses::Take(options));
  return Start(options, std::move(addresses), handler, env);
}

Result<std::unique_ptr<Server>> Server::Start(const ServerOptions& options, Addresses addresses,
                                              Handler& handler, const runtime::Env& env) {
  if (options.raise_open_file_limit) RaiseOpenFileLimit();
  try {
    for (const ListenSocket& socket : addresses.sockets_) CHROMA_TRY(socket.Listen());
    auto state = std::make_unique<State>(options, handler, env);
    const int threads = options.io_threads > 0
                            ? options.io_threads
                            : std::clamp(env.scheduler->Parallelism(), 1, kIoThreadsMaxByDefault);
    for (int i = 0; i < threads; ++i) state->loops.push_back(std::make_unique<Loop>(state->core));
    for (ListenSocket& socket : addresses.sockets_) state->Listen(std::move(socket));
    for (const auto& listener : state->listeners) listener->Start();
    for (int i = 0; i < threads; ++i) {
      if (state->loops[static_cast<size_t>(i)]->Start(i)) continue;
      return Status::ResourceExhausted(
          "cannot start the HTTP server: this user's limit of threads is reached");
    }
    return std::make_unique<Server>(std::move(state));
  } catch (const std::exception& e) {
    return Status::Internal(std::string("cannot start the HTTP server: ") + e.what());
  }
}

uint16_t Server::port() const {
  return state_->port;
}

size_t Server::connections() const {
  return state_->core.connections.load();
}

void Server::Stop() {
  State& state = *state_;
  const runtime::MutexLock lock(state.stop_mutex);
  if (state.stopped) return;
  state.stopped = true;
  Core& core = state.core;
  core.draining.store(true);
  state.loops.front()->Post([&state] {
    for (const auto& listener : state.listeners) listener->Close();
    // Behind every connection that was accepted before.
    for (const auto& loop : state.loops) loop->Post([&one = *loop] { one.BeginDrain(); });
  });
  if (!core.WaitUntilNoConnections(core.options.drain_timeout_ms * runtime::kMillisecond)) {
    for (const auto& loop : state.loops) loop->Post([&one = *loop] { one.CloseAll(); });
    static_cast<void>(core.WaitUntilNoConnections(kCloseNs));
  }
  core.workers.Stop();  // joins; what is still queued runs with a cancelled context
  core.long_workers.Stop();
  for (const auto& loop : state.loops) loop->StopAndJoin();
  // The last connection may have gone before the loop came to closing them.
  for (const auto& listener : state.listeners) listener->Close();
  state.listeners.clear();
}

}  // namespace chroma::http
