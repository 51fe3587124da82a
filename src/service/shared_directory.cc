#include "service/shared_directory.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "gateway/errors.h"
#include "runtime/fork.h"
#include "runtime/mutex.h"
#include "service/membership.h"
#include "service/repeatable_request.h"

namespace chroma::service {
namespace {

// A request that as many owners took and did not survive is taken for the reason.
constexpr int kBrokenMax = 8;

class Member final : public SharedDirectory {
 public:
  Member(runtime::Env env, LocalOptions options)
      : env_(env),
        options_(std::move(options)),
        membership_(std::make_shared<Membership>(env_, options_)),
        registration_(runtime::OnForkedChild([this] { BecomeAnotherProcess(); })) {}

  ~Member() override { runtime::CancelOnForkedChild(registration_); }

  Status Join(runtime::Context& context) { return membership()->Await(0, context).status(); }

  std::shared_ptr<LocalService> Local() override {
    std::shared_ptr<Ownership> own = membership()->own();
    if (!own) return nullptr;
    LocalService* service = own->service.get();
    return {std::move(own), service};
  }

  http::Response Send(http::Request&& request, runtime::Context& context) override {
    RepeatableRequest repeatable(std::move(request), env_, options_.engine.allow_reset);
    Result<http::Response> answer = SendTo(*membership(), repeatable, context);
    if (answer.ok()) return *std::move(answer);
    Status failed = answer.status();
    // Nothing else says that it may be there: "try again", or "no room", would say that it is not.
    if (repeatable.may_have_taken_place() && failed.code() != StatusCode::kDeadlineExceeded) {
      failed = Status::DeadlineExceeded("the request may or may not have taken place: " +
                                        std::string(failed.message()));
    }
    return gateway::ErrorResponse(failed);
  }

  std::optional<http::Response> TrySend(const http::Request& request,
                                        runtime::Context& context) override {
    const std::shared_ptr<Ownership> own = membership()->own();
    return own ? own->gateway->TryHandle(request, context) : std::nullopt;
  }

 private:
  Result<http::Response> SendTo(Membership& membership, RepeatableRequest& repeatable,
                                runtime::Context& context) {
    uint64_t after = 0;
    Status failed;
    for (int broken = 0; broken < kBrokenMax;) {
      CHROMA_ASSIGN(Membership::Turn turn, membership.Await(after, context));
      if (turn.own && repeatable.is_fresh()) {
        return turn.own->gateway->Handle(std::move(repeatable.request()), context);
      }
      Result<http::Response> answer = repeatable.Attempt(
          [&](const http::Request& request) { return Ask(turn, request, context); });
      if (answer.ok()) return answer;
      CHROMA_TRY(context.Check());
      failed = answer.status();
      switch (failed.code()) {
        case StatusCode::kAborted:
          ++broken;
          break;  // a new connection shows whether the owner has gone
        case StatusCode::kUnavailable:
          after = turn.number;
          break;
        case StatusCode::kDeadlineExceeded:
          return membership.Explain(failed);
        default:
          return failed;
      }
    }
    return Status::DeadlineExceeded("the connection broke " + std::to_string(kBrokenMax) +
                                    " times, and the request may or may not have taken place: " +
                                    std::string(failed.message()));
  }

  static Result<http::Response> Ask(const Membership::Turn& turn, const http::Request& request,
                                    runtime::Context& context) {
    if (turn.owner) return turn.owner->Send(request, context);
    http::Request copy = request;
    return turn.own->gateway->Handle(std::move(copy), context);
  }

  std::shared_ptr<Membership> membership() {
    const runtime::NoFork no_fork;
    const runtime::MutexLock lock(mutex_);
    return membership_;
  }

  // In a forked child. The parent's membership stays in memory for good, with its locks, threads
  // and engine as they were: nothing of it can be used, or destroyed, here.
  void BecomeAnotherProcess() {
    const runtime::MutexLock lock(mutex_);
    static_cast<void>(std::make_unique<std::shared_ptr<Membership>>(membership_).release());
    membership_ = std::make_shared<Membership>(env_, options_);
  }

  const runtime::Env env_;
  const LocalOptions options_;
  runtime::Mutex mutex_;  // taken inside of NoForks only, or in a child
  std::shared_ptr<Membership> membership_ CHROMA_GUARDED_BY(mutex_);
  const uint64_t registration_;
};

}  // namespace

Result<std::shared_ptr<SharedDirectory>> SharedDirectory::Open(runtime::Context& ctx,
                                                               runtime::Env env,
                                                               LocalOptions options) {
  // The process may change its working directory before it takes over.
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(options.path, error);
  if (!error) options.path = absolute.lexically_normal().string();
  if (options.read_only) return OpenAsReader(ctx, env, std::move(options));
  auto member = std::make_shared<Member>(env, std::move(options));
  CHROMA_TRY(member->Join(ctx));
  return std::shared_ptr<SharedDirectory>(std::move(member));
}

}  // namespace chroma::service
