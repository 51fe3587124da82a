// A data directory that any number of processes use at a time, and this process's part in it.
//
// One of them owns the directory: it holds the lock, runs the engine, and serves the others over
// HTTP on a Unix socket in the directory. When it ends or dies the kernel frees the lock, one of
// the others takes it, replays the log, and serves the rest; a request that had no answer yet is
// sent again (repeatable_request.h). docs/processes.md tells it from the user's side.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "chroma/status.h"
#include "http/message.h"
#include "runtime/context.h"
#include "runtime/env.h"
#include "service/wiring.h"

namespace chroma::service {

// Thread safe. A forked child may use what its parent opened: it is another process then.
class SharedDirectory {
 public:
  // Takes part in the directory `options.path` of the system's file system, as its owner where
  // there is none, or, with `options.read_only`, as somebody who writes nothing in it and never
  // owns it. Errors: those of LocalService::Open but for a directory that is in use; kUnavailable
  // naming the owner when that one does not answer.
  // `ctx` may give it up: waiting for an owner that does not answer yet, and reading what is there.
  static Result<std::shared_ptr<SharedDirectory>> Open(runtime::Context& ctx, runtime::Env env,
                                                       LocalOptions options);
  static Result<std::shared_ptr<SharedDirectory>> Open(runtime::Env env, LocalOptions options) {
    runtime::Context ctx;
    return Open(ctx, env, std::move(options));
  }
  // An owner finishes what other processes have asked for, and closes. No call may be running.
  virtual ~SharedDirectory() = default;

  // The engine, where it is in this process; null where another process has it. It stays open as
  // long as it is held.
  virtual std::shared_ptr<LocalService> Local() = 0;
  // Answers a request of the REST API, wherever the engine is. What fails on the way becomes an
  // answer as well.
  virtual http::Response Send(http::Request&& request, runtime::Context& context) = 0;
  // Answers a request if that can be done at once in this process (Handler::TryHandle).
  virtual std::optional<http::Response> TrySend(const http::Request& request,
                                                runtime::Context& context) {
    static_cast<void>(request);
    static_cast<void>(context);
    return std::nullopt;
  }
  // Whether what `service` answered still counts: false for a reader when another process took
  // the directory meanwhile.
  virtual bool IsCurrent(const LocalService& service) {
    static_cast<void>(service);
    return true;
  }
};

// For SharedDirectory::Open.
Result<std::shared_ptr<SharedDirectory>> OpenAsReader(runtime::Context& ctx, runtime::Env env,
                                                      LocalOptions options);

}  // namespace chroma::service
