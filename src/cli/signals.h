// How the program is told to stop: SIGINT, SIGTERM and, outside nohup, SIGHUP. They are taken by
// one thread, at one place, and interrupt nothing.
#pragma once

#include <atomic>
#include <csignal>
#include <memory>

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

}  // namespace chroma::cli
