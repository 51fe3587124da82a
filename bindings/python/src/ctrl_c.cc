#include "ctrl_c.h"

#include <pybind11/pybind11.h>
#include <unistd.h>

#include <atomic>
#include <csignal>

namespace chroma::python {
namespace {

namespace py = pybind11;

// Of the main thread's calls. A handler of signals can have no other place for them.
std::atomic<bool> pressed = false;
struct sigaction pythons = {};
thread_local int depth = 0;  // a call's progress may make other calls

void Press(int signal, siginfo_t* info, void* context) {
  // Python first, so that it knows by the time the call ends.
  if ((pythons.sa_flags & SA_SIGINFO) != 0) {
    pythons.sa_sigaction(signal, info, context);
  } else {
    pythons.sa_handler(signal);
  }
  pressed.store(true);
}

bool IsOurs(const struct sigaction& action) {
  return (action.sa_flags & SA_SIGINFO) != 0 && action.sa_sigaction == Press;
}

// Whether Python makes a KeyboardInterrupt of SIGINT.
bool IsRaised() {
  static const py::object* const get =
      new py::object(py::module_::import("signal").attr("getsignal"));
  static const py::object* const raises =
      new py::object(py::module_::import("signal").attr("default_int_handler"));
  return (*get)(static_cast<int>(SIGINT)).is(*raises);
}

}  // namespace

CtrlC::CtrlC() {
  if (getpid() != gettid() || !IsRaised()) return;
  if (depth++ == 0) {
    struct sigaction now = {};
    sigaction(SIGINT, nullptr, &now);
    pressed = false;
    // A C library has switched Python's off, as system() does while its child runs.
    const bool plain = (now.sa_flags & SA_SIGINFO) == 0;
    if (plain && (now.sa_handler == SIG_DFL || now.sa_handler == SIG_IGN)) {
      --depth;
      return;
    }
    // It is there already in a child that was forked during a call.
    if (!IsOurs(now)) {
      pythons = now;
      now.sa_flags |= SA_SIGINFO;
      now.sa_sigaction = Press;
      sigaction(SIGINT, &now, nullptr);
    }
  }
  scope_.emplace(pressed);
}

void CtrlC::Settle() {
  // In this order: of a signal in between Python knows.
  if (depth > 0) pressed = false;
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
}

CtrlC::~CtrlC() {
  if (!scope_ || --depth > 0) return;
  struct sigaction now = {};
  sigaction(SIGINT, &pythons, &now);
  // Somebody else's, which came meanwhile, stays.
  if (!IsOurs(now)) sigaction(SIGINT, &now, nullptr);
}

}  // namespace chroma::python
