// Failures of the engine as exceptions of Python.
#pragma once

#include <pybind11/pybind11.h>

#include "chroma/status.h"

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

// Runs `call` without the GIL; a Ctrl-C meanwhile is raised when it returns.
template <typename Call>
auto Unlocked(Call&& call) {
  auto result = [&] {
    const pybind11::gil_scoped_release released;
    return call();
  }();
  if (PyErr_CheckSignals() != 0) throw pybind11::error_already_set();
  return result;
}

}  // namespace chroma::python
