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

 private:
  std::optional<InterruptScope> scope_;
};

}  // namespace chroma::python
