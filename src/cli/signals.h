// How the program is told to stop: SIGINT, SIGTERM and, outside nohup, SIGHUP. They are taken by
// one thread, at one place, and interrupt nothing. StopSignals is for the server, Interruption for
// commands.
#pragma once

#include <atomic>
#include <csignal>
#include <functional>
#include <memory>
#include <optional>

#include "chroma/interrupt.h"
#include "runtime/scheduler.h"

namespace chroma::cli {

class StopSignals {
 public:
  // Blocks the signals in this thread and in those it starts from now on: make it first. Also
  // ignores SIGPIPE, so that a peer that closes is an error of the write to it.
  StopSignals();

  // Waits for one of the signals and returns its number.
  int Wait();
  // While one lives, a signal ends the process at once, by itself: for what is long and may be cut
  // off anywhere, such as opening a directory.
  class Fatal {
   public:
    explicit Fatal(const StopSignals& signals);
    ~Fatal();
    Fatal(const Fatal&) = delete;
    Fatal& operator=(const Fatal&) = delete;

   private:
    std::atomic<bool> over_ = false;
    std::unique_ptr<runtime::Task> watch_;
  };

  // From now on a further signal ends the process at once. For the thread that made this.
  void Release();

 private:
  sigset_t signals_;
};

// For a command that has something to put away, or to say, when it is told to stop. While one
// lives, the first signal only sets IsInterrupted(), upon which the API's calls of this thread are
// given up (InterruptScope). A second one ends the process at once; and so does the first where the
// command has not ended two seconds later, since it waits for somebody. Signals that are ignored
// stay so.
class Interruption {
 public:
  // `say` tells the user what is left, once, and before the process ends. It may be called by
  // another thread while this one goes on. Make it before other threads.
  explicit Interruption(std::function<void()> say);
  ~Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

  // Says it, and ends the process by the signal that came, so that whoever started it, a script
  // say, sees that it did not end by itself. Only where IsInterrupted().
  [[noreturn]] void End();

 private:
  void Watch();

  const std::function<void()> say_;
  sigset_t signals_;
  std::atomic<bool> said_ = false;
  std::atomic<bool> over_ = false;
  std::optional<InterruptScope> scope_;
  std::unique_ptr<runtime::Task> watch_;
};

// Whether this process was told to stop while an Interruption lived.
bool IsInterrupted();

}  // namespace chroma::cli
