// Failures of the engine as exceptions of Python.
#pragma once

#include <pybind11/pybind11.h>

#include "chroma/status.h"
#include "ctrl_c.h"

namespace chroma::python {

// Throws what makes pybind11 raise the chromadb exception for `status`, which is a failure: the
// classes are those that chromadb's embedded client raises. Needs the GIL.
[[noreturn]] void Raise(const Status& status);

inline void Check(const Status& status) {
  if (!status.ok()) Raise(status);
}

template <typename T>
T Take(Result<T> result) {
  if (!result.ok()) Raise(result.status());
  return *std::move(result);
}

// Raises what has been signalled, now and then, in a loop over many objects.
inline void CheckSignals(size_t i) {
  constexpr size_t kObjects = 1024;
  if (i % kObjects == kObjects - 1 && PyErr_CheckSignals() != 0) {
    throw pybind11::error_already_set();
  }
}

// Runs `call` without the GIL. A Ctrl-C meanwhile ends it, and is raised.
template <typename Call>
auto Unlocked(Call&& call) {
  auto result = [&] {
    const CtrlC ctrl_c;
    const pybind11::gil_scoped_release released;
    return call();
  }();
  if (PyErr_CheckSignals() != 0) throw pybind11::error_already_set();
  return result;
}

}  // namespace chroma::python
