// One process's membership in a directory, until it forks: who the owner is, and becoming it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "chroma/status.h"
#include "gateway/gateway.h"
#include "http/client.h"
#include "http/server.h"
#include "runtime/mutex.h"
#include "runtime/scheduler.h"
#include "service/wiring.h"

namespace chroma::service {

// The engine of an owner and the door for the others. `server` is null where the file system has
// no sockets; the others are then told who the owner is.
struct Ownership {
  ~Ownership();

  std::unique_ptr<LocalService> service;
  std::unique_ptr<gateway::Gateway> gateway;
  std::unique_ptr<http::Server> server;
};

// Thread safe.
class Membership {
 public:
  // Who answers: this process (`own`) or another (`owner`).
  struct Turn {
    uint64_t number = 0;
    std::shared_ptr<Ownership> own;
    std::shared_ptr<http::Client> owner;
  };

  Membership(runtime::Env env, LocalOptions options);
  ~Membership();
  Membership(const Membership&) = delete;
  Membership& operator=(const Membership&) = delete;

  // The present turn, or the next one when its number is not above `after`: whose owner has been
  // found not to answer any more. Joins the directory on the first call, and when joining failed
  // before. Errors: SharedDirectory::Open's.
  Result<Turn> Await(uint64_t after, runtime::Context& context);
  // This process's ownership, or null; never waits.
  std::shared_ptr<Ownership> own();
  // `status` of a request to the owner, with the owner's name.
  Status Explain(const Status& status) const;

 private:
  enum class Phase { kOutside, kJoining, kWaiting, kSettled };
  struct Step {
    Turn turn;  // neither: somebody holds the lock, but does not answer yet
    std::shared_ptr<http::Watch> watch;  // with `owner`
    std::string obstacle;                // with neither
  };

  // Tries to own the directory or to reach who does, once. `must_exist`: makes no new one.
  Result<Step> TryOnce(bool must_exist, runtime::Context& context);
  Result<std::shared_ptr<Ownership>> Own(DataDirectory directory, runtime::Context& context);
  // Tries until it is settled, for kPatienceNs at most; stops early when closing.
  Result<Step> Join(bool must_exist, runtime::Context& context);
  void Settle(Step step) CHROMA_REQUIRES(mutex_);
  // Waits for the owner's end, and takes over; again and again until this process owns.
  void StandBy();
  bool Pause(int64_t duration_ns);

  const runtime::Env env_;
  const LocalOptions options_;
  runtime::Mutex mutex_;
  runtime::CondVar changed_;
  Phase phase_ CHROMA_GUARDED_BY(mutex_) = Phase::kOutside;
  bool closing_ CHROMA_GUARDED_BY(mutex_) = false;
  Turn turn_ CHROMA_GUARDED_BY(mutex_);
  std::shared_ptr<http::Watch> watch_ CHROMA_GUARDED_BY(mutex_);
  Status failure_ CHROMA_GUARDED_BY(mutex_);  // of the last attempt; while kWaiting
  std::unique_ptr<runtime::Task> stand_by_;
};

}  // namespace chroma::service
