#include "http/loop.h"

#include <unistd.h>

#include <algorithm>
#include <exception>

#include "http/connection.h"
#include "http/response_head.h"
#include "runtime/fork.h"
#include "runtime/log.h"

namespace chroma::http {

namespace {

constexpr size_t kScratchBytes = 64 << 10;
constexpr int64_t kTickNsMax = runtime::kSecond;

int64_t WaitNs(const ServerOptions& options, WaitKind kind) {
  switch (kind) {
    case WaitKind::kKeepAlive:
      return options.keep_alive_timeout_ms * runtime::kMillisecond;
    case WaitKind::kHead:
      return options.header_timeout_ms * runtime::kMillisecond;
    case WaitKind::kBody:
      return options.body_timeout_ms * runtime::kMillisecond;
    case WaitKind::kWrite:
      return options.write_timeout_ms * runtime::kMillisecond;
    case WaitKind::kLinger:
      return options.linger_timeout_ms * runtime::kMillisecond;
  }
  return runtime::kSecond;
}

// A deadline may come late by an eighth of the shortest time-out, and by one second at most.
int64_t TickNs(const ServerOptions& options) {
  int64_t shortest_ns = INT64_MAX;
  for (size_t kind = 0; kind < kWaitKinds; ++kind) {
    shortest_ns = std::min(shortest_ns, WaitNs(options, static_cast<WaitKind>(kind)));
  }
  return std::clamp<int64_t>(shortest_ns / 8, runtime::kMillisecond, kTickNsMax);
}

}  // namespace

Loop::Loop(Core& core)
    : core_(core),
      tick_ns_(TickNs(core.options)),
      work_(boost::asio::make_work_guard(io_)),
      timer_(io_),
      scratch_(kScratchBytes) {}

Loop::~Loop() {
  StopAndJoin();
}

bool Loop::Start(int number) {
  task_ = core_.env.scheduler->Start("http-io-" + std::to_string(number), [this] { Run(); });
  return task_ != nullptr;
}

void Loop::StopAndJoin() {
  if (task_ == nullptr) return;
  work_.reset();
  io_.stop();
  task_->Join();
  task_.reset();
  CloseAll();
}

void Loop::Run() {
  // Connections catch what their own code throws; this is for the loop's own allocations.
  while (!io_.stopped()) {
    try {
      io_.run();
    } catch (const std::exception& e) {
      runtime::Log(runtime::LogLevel::kError, "exception in an I/O thread", {{"what", e.what()}});
    }
  }
}

void Loop::Adopt(int fd, std::string remote) {
  std::shared_ptr<Connection> connection;
  try {
    connection = std::make_shared<Connection>(core_, *this, fd, std::move(remote));
    connections_.emplace(connection.get(), connection);
  } catch (const std::exception& e) {
    runtime::Log(runtime::LogLevel::kWarning, "connection dropped", {{"what", e.what()}});
    if (connection == nullptr) {
      const runtime::NoFork no_fork;
      runtime::ForgetDescriptor(fd);
      ::close(fd);
    }
    load_.fetch_sub(1);
    core_.ConnectionClosed();
    return;
  }
  const bool crowded = core_.connections.load() > core_.options.connections_max;
  connection->Start(crowded && !CloseLongestIdle());
}

void Loop::Release(Connection& connection) {
  if (connections_.erase(&connection) == 0) return;
  load_.fetch_sub(1);
  core_.ConnectionClosed();
}

bool Loop::CloseLongestIdle() {
  DeadlineNode* oldest = deadlines_.Oldest(WaitKind::kKeepAlive);
  if (oldest == nullptr) return false;
  static_cast<Connection*>(oldest)->Close();
  return true;
}

std::vector<std::shared_ptr<Connection>> Loop::Connections() const {
  std::vector<std::shared_ptr<Connection>> all;
  all.reserve(connections_.size());
  for (const auto& [key, connection] : connections_) all.push_back(connection);
  return all;
}

void Loop::BeginDrain() {
  for (const auto& connection : Connections()) connection->BeginDrain();
}

void Loop::CloseAll() {
  for (const auto& connection : Connections()) connection->Close();
}

void Loop::ArmDeadline(Connection& connection, WaitKind kind) {
  const int64_t now_ns = core_.env.clock->MonotonicNs();
  const int64_t deadline_ns = now_ns + WaitNs(core_.options, kind);
  deadlines_.Arm(connection, kind, deadline_ns);
  // Most deadlines are replaced before they expire: a timer that is set early enough is left.
  if (timer_wake_ns_ > deadline_ns + tick_ns_) SetTimer(deadline_ns + tick_ns_, now_ns);
}

void Loop::SetTimer(int64_t wake_ns, int64_t now_ns) {
  timer_wake_ns_ = wake_ns;
  timer_.expires_after(std::chrono::nanoseconds(std::max<int64_t>(wake_ns - now_ns, 0)));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) ExpireDeadlines();
  });
}

void Loop::ExpireDeadlines() {
  timer_wake_ns_ = INT64_MAX;
  const int64_t now_ns = core_.env.clock->MonotonicNs();
  while (DeadlineNode* first = deadlines_.First()) {
    if (first->deadline_ns() > now_ns) {
      SetTimer(first->deadline_ns() + tick_ns_, now_ns);
      return;
    }
    first->Unlink();
    static_cast<Connection*>(first)->OnDeadline();
  }
}

const std::string& Loop::Date() {
  const int64_t now_unix_seconds = core_.env.clock->UnixNs() / runtime::kSecond;
  if (now_unix_seconds != date_unix_seconds_) {
    date_ = FormatDate(now_unix_seconds);
    date_unix_seconds_ = now_unix_seconds;
  }
  return date_;
}

}  // namespace chroma::http
