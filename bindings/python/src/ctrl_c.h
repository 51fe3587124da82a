// Ctrl-C while the engine works.
#pragma once

#include <optional>

#include "chroma/interrupt.h"

namespace chroma::python {

// While one lives, a SIGINT that Python is going to make a KeyboardInterrupt of also ends the
// engine's calls of this thread. Only in the main thread, which is where Python raises it; and not
// where the program has a handler of its own, which may want the calls to go on.
class CtrlC {
 public:
  CtrlC();  // with the GIL
  ~CtrlC();
  CtrlC(const CtrlC&) = delete;
  CtrlC& operator=(const CtrlC&) = delete;

  // After Python code that runs within a call, with the GIL: throws what was signalled and not
  // raised yet. A KeyboardInterrupt that the code has handled is done with: the call goes on.
  static void Settle();

 private:
  std::optional<InterruptScope> scope_;
};

}  // namespace chroma::python
