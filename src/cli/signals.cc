#include "cli/signals.h"

#include <cstdlib>
#include <initializer_list>
#include <utility>

namespace chroma::cli {
namespace {

// How long a watching thread waits for a signal at a time.
constexpr timespec kSlice = {0, 20'000'000};
// Counted and not timed: where the whole machine stood still, the command did too.
constexpr int kPatienceSlices = 100;

// Signals are of the process, as is what came of them.
std::atomic<bool> interrupted = false;
std::atomic<int> interrupted_by = 0;

bool IsIgnored(int signal) {
  struct sigaction action {};
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

// Ends the process by a signal of the set, which is blocked and has its default action.
void EndBy(int signal, const sigset_t& set) {
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  raise(signal);
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
    while (!over_.load()) {
      const int signal = sigtimedwait(&set, nullptr, &kSlice);
      if (signal > 0) EndBy(signal, set);
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

Interruption::Interruption(std::function<void()> say) : say_(std::move(say)) {
  sigemptyset(&signals_);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    if (!IsIgnored(signal)) sigaddset(&signals_, signal);
  }
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  watch_ = runtime::Scheduler::System().Start("signals", [this] { Watch(); });
  // Without a thread that watches, a signal ends the process at once.
  if (watch_ == nullptr) pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
  scope_.emplace(interrupted);
}

void Interruption::Watch() {
  int patience = kPatienceSlices;
  while (!over_.load()) {
    const int signal = sigtimedwait(&signals_, nullptr, &kSlice);
    if (signal <= 0 && (!interrupted.load() || --patience > 0)) continue;
    if (!interrupted.load()) {
      interrupted_by = signal;
      interrupted = true;
      continue;
    }
    if (!said_.exchange(true)) say_();
    EndBy(signal > 0 ? signal : interrupted_by.load(), signals_);
  }
}

void Interruption::End() {
  if (!said_.exchange(true)) say_();
  EndBy(interrupted_by.load(), signals_);
  std::abort();  // the signal has ended the process
}

Interruption::~Interruption() {
  over_ = true;
  watch_.reset();
  pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
}

bool IsInterrupted() {
  return interrupted.load();
}

}  // namespace chroma::cli
