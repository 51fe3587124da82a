// What all parts of one server share. Every member is constant after Start or thread safe.
#pragma once

#include <algorithm>
#include <atomic>

#include "http/body_buffer.h"
#include "http/server.h"
#include "runtime/memory_budget.h"
#include "runtime/mutex.h"
#include "runtime/slots.h"
#include "runtime/thread_pool.h"

namespace chroma::http {

struct Core {
  Core(const ServerOptions& chosen, Handler& application, const runtime::Env& environment)
      : options(chosen),
        handler(application),
        env(environment),
        body_budget(chosen.body_bytes_in_flight_max),
        answer_budget(chosen.answer_bytes_in_flight_max),
        long_waits(chosen.long_waits_max > 0 ? chosen.long_waits_max
                                             : std::max(chosen.worker_threads / 4, 1)),
        workers(*env.scheduler, "http-worker", options.worker_threads, options.worker_queue_max),
        long_workers(*env.scheduler, "http-long", options.worker_threads,
                     options.worker_queue_max) {}

  // Of a request whose head has just arrived.
  int64_t RequestDeadlineNs() const;
  // Called for every connection that was opened; wakes Stop when it was the last.
  void ConnectionClosed();
  // False when connections were still open after `timeout_ns`.
  bool WaitUntilNoConnections(int64_t timeout_ns);

  const ServerOptions options;
  Handler& handler;
  const runtime::Env env;
  runtime::MemoryBudget body_budget;  // of all requests
  runtime::MemoryBudget answer_budget;
  runtime::Slots long_waits;
  // Server::Stop stops them, and a connection that could not be closed in time may submit still.
  // Large bodies have workers of their own: the system lets a thread that has just run for long
  // wait for others, and a short request is not to wait with it.
  runtime::ThreadPool workers;
  runtime::ThreadPool long_workers;
  std::atomic<size_t> connections{0};
  std::atomic<bool> draining{false};

 private:
  runtime::Mutex mutex_;
  runtime::CondVar gone_;
};

}  // namespace chroma::http
