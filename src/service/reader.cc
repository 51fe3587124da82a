// A process that only reads a directory. While somebody owns it, it asks the owner; otherwise it
// runs an engine of its own over the files, which writes nothing. Both can change between two
// requests, so each of them looks first: at the lock, and at what stands in the directory, where
// an owner leaves traces when it comes (LOCK is written) even if it is gone by now.
#include <utility>
#include <vector>

#include "gateway/errors.h"
#include "gateway/gateway.h"
#include "http/client.h"
#include "runtime/fork.h"
#include "runtime/mutex.h"
#include "service/repeatable_request.h"
#include "service/shared_directory.h"

namespace chroma::service {
namespace {

constexpr int64_t kPatienceNs = 30 * runtime::kSecond;
constexpr int64_t kRetryNs = 2 * runtime::kMillisecond;

class Reader final : public SharedDirectory {
 public:
  Reader(runtime::Env env, LocalOptions options)
      : env_(env),
        options_(std::move(options)),
        owner_(std::make_shared<http::Client>(ClientOptions())),
        registration_(runtime::OnForkedChild([this] { BecomeAnotherProcess(); })) {}
  ~Reader() override { runtime::CancelOnForkedChild(registration_); }

  Status Begin(runtime::Context& context) { return Look(context).status(); }

  std::shared_ptr<LocalService> Local() override {
    runtime::Context context(*env_.clock);
    Result<std::shared_ptr<LocalService>> service = Look(context);
    return service.ok() ? *std::move(service) : nullptr;
  }

  bool IsCurrent(const LocalService& service) override {
    const runtime::NoFork no_fork;
    const runtime::MutexLock lock(mutex_);
    return service_.get() == &service && IsUntouched();
  }

  http::Response Send(http::Request&& request, runtime::Context& context) override {
    if (!MakeReadOnly(request)) {
      return gateway::ErrorResponse(
          Status::PermissionDenied("The database is open for reading only"));
    }
    RepeatableRequest repeatable(std::move(request), env_, /*allow_reset=*/false);
    Result<http::Response> answer = Ask(repeatable.request(), context);
    return answer.ok() ? *std::move(answer) : gateway::ErrorResponse(answer.status());
  }

 private:
  http::ClientOptions ClientOptions() const {
    http::ClientOptions options;
    options.unix_path = DataDirectory::SocketPath(options_.path);
    options.silence_ns = options_.owner_silence_ns;
    options.probe_target = "/api/v2/heartbeat";
    return options;
  }

  Result<http::Response> Ask(const http::Request& request, runtime::Context& context) {
    const int64_t give_up_ns = env_.clock->MonotonicNs() + kPatienceNs;
    for (;;) {
      CHROMA_TRY(context.Check());
      CHROMA_ASSIGN(std::shared_ptr<LocalService> service, Look(context));
      Status failed;
      if (service) {
        gateway::Gateway gateway(service->engine(), {});
        http::Request copy = request;
        http::Response answer = gateway.Handle(std::move(copy), context);
        if (answer.status < 400 || IsCurrent(*service)) return answer;
      } else {
        Result<http::Response> answer = owner()->Send(request, context);
        if (answer.ok()) return answer;
        CHROMA_TRY(context.Check());
        failed = answer.status();
        if (failed.code() == StatusCode::kDeadlineExceeded) return Explain(failed);
        if (failed.code() != StatusCode::kAborted && failed.code() != StatusCode::kUnavailable) {
          return failed;
        }
      }
      if (env_.clock->MonotonicNs() > give_up_ns) return Explain(failed);
      env_.clock->SleepNs(kRetryNs);
    }
  }

  Status Explain(const Status& status) const {
    const auto holder = DataDirectory::Holder(env_, options_.path);
    const std::string who = holder.ok() && *holder ? **holder : "another process";
    return Status::Unavailable(options_.path + " is open in " + who +
                               ", which cannot be reached: " + std::string(status.message()));
  }

  std::shared_ptr<http::Client> owner() {
    const runtime::NoFork no_fork;
    const runtime::MutexLock lock(mutex_);
    return owner_;
  }

  // The engine of this process over the files as they are now; null while they have an owner.
  Result<std::shared_ptr<LocalService>> Look(runtime::Context& context) {
    const runtime::NoFork no_fork;
    const runtime::MutexLock lock(mutex_);
    if (service_ && IsUntouched()) return service_;
    service_.reset();
    for (int attempt = 0;; ++attempt) {
      CHROMA_ASSIGN(bool formatted, DataDirectory::Check(env_, options_.path));
      CHROMA_ASSIGN(auto holder, DataDirectory::Holder(env_, options_.path));
      if (holder && formatted) return std::shared_ptr<LocalService>();
      auto seen = env_.files->List(options_.path);
      auto opened = LocalService::Open(context, env_, options_);
      if (seen.ok()) seen_ = *std::move(seen);
      // Whatever came of it while an owner was at work means nothing.
      if (!IsUntouched() && attempt < kAttemptsMax) continue;
      CHROMA_TRY(opened.status());
      service_ = *std::move(opened);
      return service_;
    }
  }

  bool IsUntouched() CHROMA_REQUIRES(mutex_) {
    const auto holder = DataDirectory::Holder(env_, options_.path);
    if (!holder.ok() || *holder) return false;
    const auto now = env_.files->List(options_.path);
    if (!now.ok() || now->size() != seen_.size()) return false;
    for (size_t i = 0; i < seen_.size(); ++i) {
      const runtime::DirectoryEntry& a = seen_[i];
      const runtime::DirectoryEntry& b = (*now)[i];
      if (a.name != b.name || a.size_bytes != b.size_bytes ||
          a.modified_unix_ns != b.modified_unix_ns) {
        return false;
      }
    }
    return true;
  }

  // In a forked child: the parent's engine and connections stay in memory, unused, for good.
  void BecomeAnotherProcess() {
    const runtime::MutexLock lock(mutex_);
    static_cast<void>(std::make_unique<std::shared_ptr<LocalService>>(service_).release());
    static_cast<void>(std::make_unique<std::shared_ptr<http::Client>>(owner_).release());
    service_ = nullptr;
    owner_ = std::make_shared<http::Client>(ClientOptions());
  }

  static constexpr int kAttemptsMax = 10;

  const runtime::Env env_;
  const LocalOptions options_;
  runtime::Mutex mutex_;  // taken inside of NoForks only, or in a child
  std::shared_ptr<LocalService> service_ CHROMA_GUARDED_BY(mutex_);
  std::vector<runtime::DirectoryEntry> seen_ CHROMA_GUARDED_BY(mutex_);  // when it was opened
  std::shared_ptr<http::Client> owner_ CHROMA_GUARDED_BY(mutex_);
  const uint64_t registration_;
};

}  // namespace

Result<std::shared_ptr<SharedDirectory>> OpenAsReader(runtime::Context& ctx, runtime::Env env,
                                                      LocalOptions options) {
  auto reader = std::make_shared<Reader>(env, std::move(options));
  CHROMA_TRY(reader->Begin(ctx));
  return std::shared_ptr<SharedDirectory>(std::move(reader));
}

}  // namespace chroma::service
