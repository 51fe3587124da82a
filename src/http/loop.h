// One I/O thread: an event loop, the connections it owns, and their deadlines. Everything but
// Post, Start, StopAndJoin and load() runs on the loop's own thread.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "http/core.h"
#include "http/deadlines.h"
#include "http/inline_budget.h"

namespace chroma::http {

class Connection;

class Loop {
 public:
  explicit Loop(Core& core);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // False when the system has no thread for it.
  bool Start(int number);
  void StopAndJoin();
  template <typename Job>
  void Post(Job&& job) {
    boost::asio::post(io_, std::forward<Job>(job));
  }
  // Connections assigned to it, for choosing the least loaded loop.
  std::atomic<size_t>& load() { return load_; }

  boost::asio::io_context& io() { return io_; }
  // Takes over a connected socket that was counted in core.connections and load().
  void Adopt(int fd, std::string remote);
  void Release(Connection& connection);
  bool CloseLongestIdle();
  void BeginDrain();
  void CloseAll();

  void ArmDeadline(Connection& connection, WaitKind kind);
  // Memory to read into, shared by all connections of this loop: valid until the handler that
  // asked for it returns to the loop.
  std::span<char> scratch() { return scratch_; }
  InlineBudget& inline_budget() { return inline_budget_; }
  // The date header's value, formatted once a second.
  const std::string& Date();

 private:
  void Run();
  void SetTimer(int64_t wake_ns, int64_t now_ns);
  void ExpireDeadlines();
  std::vector<std::shared_ptr<Connection>> Connections() const;

  Core& core_;
  const int64_t tick_ns_;  // deadlines are kept to within this, so that few timers fire
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::steady_timer timer_;
  int64_t timer_wake_ns_ = INT64_MAX;  // INT64_MAX: not set
  Deadlines deadlines_;
  std::unordered_map<Connection*, std::shared_ptr<Connection>> connections_;
  std::atomic<size_t> load_{0};
  std::vector<char> scratch_;
  InlineBudget inline_budget_;
  int64_t date_unix_seconds_ = -1;
  std::string date_;
  std::unique_ptr<runtime::Task> task_;
};

}  // namespace chroma::http
