#include "service/membership.h"

#include <algorithm>
#include <utility>

#include "runtime/log.h"

namespace chroma::service {
namespace {

using runtime::kMillisecond;
using runtime::kSecond;
using runtime::LogLevel;

// For an owner that holds the lock and does not answer: it may be replaying a long log.
constexpr int64_t kPatienceNs = 30 * kSecond;
// Between attempts while nobody owns the directory: short at first, for that is the time that
// clients wait.
constexpr int64_t kRetryNsMin = kMillisecond / 2;
constexpr int64_t kRetryNsMax = 20 * kMillisecond;
// Between attempts of a process that cannot become the owner, e.g. because the disk is full.
constexpr int64_t kFailurePauseNs = kSecond;
// A peer's connection is kept until one of the two ends.
constexpr int64_t kKeepAliveMs = int64_t{30} * 24 * 3600 * 1000;
constexpr uint64_t kPeerBodyBytesMax = uint64_t{1} << 30;
constexpr const char* kHeartbeat = "/api/v2/heartbeat";

http::ServerOptions DoorFor(const std::string& socket_path) {
  http::ServerOptions options;
  options.address.clear();
  options.unix_path = socket_path;
  options.io_threads = 1;
  options.body_bytes_max = kPeerBodyBytesMax;
  options.body_bytes_in_flight_max = kPeerBodyBytesMax;
  options.keep_alive_timeout_ms = kKeepAliveMs;
  options.raise_open_file_limit = false;  // the process is somebody else's
  return options;
}

}  // namespace

Ownership::~Ownership() {
  if (server) server->Stop();
}

Membership::Membership(runtime::Env env, LocalOptions options)
    : env_(env), options_(std::move(options)) {}

Membership::~Membership() {
  std::shared_ptr<Ownership> own;
  {
    const runtime::MutexLock lock(mutex_);
    closing_ = true;
    if (watch_) watch_->Cancel();
    changed_.NotifyAll();
  }
  stand_by_.reset();
  const runtime::MutexLock lock(mutex_);
  own = std::move(turn_.own);
}

std::shared_ptr<Ownership> Membership::own() {
  const runtime::MutexLock lock(mutex_);
  return turn_.own;
}

Status Membership::Explain(const Status& status) const {
  const auto holder = DataDirectory::Holder(env_, options_.path);
  const std::string who = holder.ok() && *holder ? **holder : "another process";
  return Status::Unavailable(options_.path + " is open in " + who +
                             ", which cannot be reached: " + std::string(status.message()) +
                             "; end that process or use another directory");
}

Result<std::shared_ptr<Ownership>> Membership::Own(DataDirectory directory,
                                                   runtime::Context& context) {
  const std::string socket_path = DataDirectory::SocketPath(options_.path);
  auto own = std::make_shared<Ownership>();
  CHROMA_ASSIGN(own->service, LocalService::Open(context, env_, options_, std::move(directory)));
  own->gateway = std::make_unique<gateway::Gateway>(own->service->engine(),
                                                    gateway::GatewayOptions{.trusts_peers = true});
  // Whoever made it has died: the lock is ours.
  static_cast<void>(env_.files->Remove(socket_path));
  auto server = http::Server::Start(DoorFor(socket_path), *own->gateway, env_);
  if (server.ok()) {
    own->server = *std::move(server);
  } else {
    runtime::Log(LogLevel::kWarning, "other processes cannot use the directory now",
                 {{"path", options_.path}, {"error", server.status().message()}});
  }
  return own;
}

Result<Membership::Step> Membership::TryOnce(bool must_exist, runtime::Context& context) {
  Step step;
  if (must_exist) {
    CHROMA_ASSIGN(bool exists, DataDirectory::Check(env_, options_.path));
    if (!exists) return Status::NotFound(options_.path + " was removed while it was open");
  }
  Result<DataDirectory> directory = DataDirectory::Open(env_, options_.path);
  if (directory.ok()) {
    CHROMA_ASSIGN(step.turn.own, Own(*std::move(directory), context));
    return step;
  }
  if (directory.status().code() != StatusCode::kUnavailable) return directory.status();
  // The owner of a new directory may not have written FORMAT yet.
  CHROMA_ASSIGN(bool formatted, DataDirectory::Check(env_, options_.path));
  step.obstacle = "it does not serve others";
  if (!formatted) return step;
  const std::string socket_path = DataDirectory::SocketPath(options_.path);
  auto watch = http::Watch::Open(socket_path, /*patience_ns=*/0);
  if (watch.status().code() == StatusCode::kPermissionDenied) return Explain(watch.status());
  if (!watch.ok()) {
    step.obstacle = watch.status().message();
    return step;
  }
  step.watch = *std::move(watch);
  step.turn.owner = std::make_shared<http::Client>(http::ClientOptions{
      socket_path, options_.owner_silence_ns, kHeartbeat, http::ClientOptions().answer_bytes_max});
  return step;
}

// False when closing.
bool Membership::Pause(int64_t duration_ns) {
  const int64_t until_ns = env_.clock->MonotonicNs() + duration_ns;
  const runtime::MutexLock lock(mutex_);
  while (!closing_) {
    const int64_t left_ns = until_ns - env_.clock->MonotonicNs();
    if (left_ns <= 0) return true;
    static_cast<void>(changed_.WaitFor(mutex_, left_ns));
  }
  return false;
}

Result<Membership::Step> Membership::Join(bool must_exist, runtime::Context& context) {
  const int64_t give_up_ns = env_.clock->MonotonicNs() + kPatienceNs;
  int64_t pause_ns = kRetryNsMin;
  for (;;) {
    CHROMA_ASSIGN(Step step, TryOnce(must_exist, context));
    if (step.turn.own || step.turn.owner) return step;
    CHROMA_TRY(context.Check());
    if (env_.clock->MonotonicNs() > give_up_ns) {
      return Explain(Status::Unavailable(step.obstacle));
    }
    if (!Pause(pause_ns)) return Status::Cancelled("closing");
    pause_ns = std::min(pause_ns * 3 / 2, kRetryNsMax);
  }
}

void Membership::Settle(Step step) {
  step.turn.number = turn_.number + 1;
  turn_ = std::move(step.turn);
  watch_ = std::move(step.watch);
  phase_ = Phase::kSettled;
  failure_ = Status::Ok();
  changed_.NotifyAll();
}

Result<Membership::Turn> Membership::Await(uint64_t after, runtime::Context& context) {
  constexpr int64_t kSliceNs = 50 * kMillisecond;
  const int64_t give_up_ns = env_.clock->MonotonicNs() + kPatienceNs;
  {
    const runtime::MutexLock lock(mutex_);
    while (phase_ != Phase::kOutside) {
      if (phase_ == Phase::kSettled && turn_.number > after) return turn_;
      if (phase_ == Phase::kWaiting && !failure_.ok()) return failure_;
      // Its end may have been missed; looking again costs one connection.
      if (phase_ == Phase::kSettled && watch_) watch_->Cancel();
      CHROMA_TRY(context.Check());
      if (env_.clock->MonotonicNs() > give_up_ns) {
        return Explain(Status::Unavailable("it does not answer"));
      }
      static_cast<void>(changed_.WaitFor(mutex_, kSliceNs));
    }
    phase_ = Phase::kJoining;
  }
  Result<Step> joined = Join(/*must_exist=*/false, context);
  const runtime::MutexLock lock(mutex_);
  if (!joined.ok()) {
    phase_ = Phase::kOutside;  // the next call tries again
    changed_.NotifyAll();
    return joined.status();
  }
  if (joined->turn.owner) {
    stand_by_ = env_.scheduler->Start("stand-by", [this] { StandBy(); });
    if (stand_by_ == nullptr) {
      phase_ = Phase::kOutside;
      changed_.NotifyAll();
      return Status::ResourceExhausted("this user's limit of threads is reached");
    }
  }
  Settle(*std::move(joined));
  return turn_;
}

void Membership::StandBy() {
  for (;;) {
    std::shared_ptr<http::Watch> watch;
    {
      const runtime::MutexLock lock(mutex_);
      watch = watch_;
    }
    if (watch) watch->Wait();
    const int64_t began_ns = env_.clock->MonotonicNs();
    {
      const runtime::MutexLock lock(mutex_);
      if (closing_) return;
      phase_ = Phase::kWaiting;
      watch_.reset();
    }
    runtime::Context context(*env_.clock);
    Result<Step> joined = Join(/*must_exist=*/true, context);
    if (!joined.ok()) {
      {
        const runtime::MutexLock lock(mutex_);
        if (closing_) return;
        failure_ = joined.status();
        changed_.NotifyAll();
      }
      runtime::Log(LogLevel::kError, "directory not taken over, trying again",
                   {{"path", options_.path}, {"error", joined.status().message()}});
      if (!Pause(kFailurePauseNs)) return;
      continue;
    }
    const bool is_owner = joined->turn.own != nullptr;
    if (is_owner) {
      // Before anyone is answered out of it: whoever got an answer finds this in the log.
      runtime::Log(
          LogLevel::kInfo, "directory taken over",
          {{"path", options_.path}, {"ms", (env_.clock->MonotonicNs() - began_ns) / kMillisecond}});
    }
    {
      const runtime::MutexLock lock(mutex_);
      Settle(*std::move(joined));
    }
    if (is_owner) return;
  }
}

}  // namespace chroma::service
