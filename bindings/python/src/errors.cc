#include "errors.h"

#include <string>

namespace chroma::python {
namespace {

namespace py = pybind11;

// Names in chromadb.errors. What exists already is an InternalError there.
const char* NameOf(StatusCode code) {
  switch (code) {
    case StatusCode::kInvalidArgument:
    case StatusCode::kOutOfRange:
      return "InvalidArgumentError";
    case StatusCode::kNotFound:
      return "NotFoundError";
    case StatusCode::kPermissionDenied:
      return "ChromaAuthError";
    case StatusCode::kUnauthenticated:
      return "AuthorizationError";
    case StatusCode::kFailedPrecondition:
      return "VersionMismatchError";
    default:
      return "InternalError";
  }
}

}  // namespace

void Raise(const Status& status) {
  const py::str message(status.message().data(), status.message().size());
  if (status.code() == StatusCode::kUnimplemented) {
    PyErr_SetObject(PyExc_NotImplementedError, message.ptr());
    throw py::error_already_set();
  }
  const py::object type = py::module_::import("chromadb.errors").attr(NameOf(status.code()));
  PyErr_SetObject(type.ptr(), message.ptr());
  throw py::error_already_set();
}

}  // namespace chroma::python
