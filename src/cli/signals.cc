#include "cli/signals.h"

#include <initializer_list>

namespace chroma::cli {
namespace {

bool IsIgnored(int signal) {
  struct sigaction action {};
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

StopSignals::StopSignals() {
  std::signal(SIGPIPE, SIG_IGN);
  sigemptyset(&signals_);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    if (signal == SIGHUP && IsIgnored(signal)) continue;
    // A shell ignores SIGINT for its background jobs, which would outlast Release().
    std::signal(signal, SIG_DFL);
    sigaddset(&signals_, signal);
  }
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
}

int StopSignals::Wait() {
  int signal = 0;
  while (sigwait(&signals_, &signal) != 0) {
  }
  return signal;
}

StopSignals::Fatal::Fatal(const StopSignals& signals) {
  watch_ = runtime::Scheduler::System().Start("signals", [this, set = signals.signals_] {
    const struct timespec slice = {0, 20'000'000};
    while (!over_.load()) {
      const int signal = sigtimedwait(&set, nullptr, &slice);
      if (signal <= 0) continue;
      pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
      raise(signal);
    }
  });
}

StopSignals::Fatal::~Fatal() {
  over_ = true;
  watch_.reset();
}

void StopSignals::Release() {
  pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
}

}  // namespace chroma::cli
