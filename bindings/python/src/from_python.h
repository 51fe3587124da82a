// What Python gives, as what the engine takes. All need the GIL and throw Python's exceptions.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "chroma/metadata.h"
#include "chroma/types.h"

namespace chroma::python {

// A str as an argument: one that is no Unicode is a UnicodeEncodeError, as it is in chromadb.
struct Text : std::string {};

std::string ToText(PyObject* object);
std::vector<std::string> ToTexts(pybind11::handle list);
// None, or a list of texts and Nones.
std::vector<std::optional<std::string>> ToOptionalTexts(pybind11::handle list);
// `is_strict`: empty dicts and what chromadb keeps for itself are ValueErrors.
Metadata ToMetadata(PyObject* dict, bool is_strict);
// None, or a list of dicts and Nones.
std::vector<Metadata> ToMetadatas(pybind11::handle list, bool is_strict);
// OverflowError for what is no uint32_t.
uint32_t ToU32(pybind11::handle number);
Include ToInclude(pybind11::handle list);

// The vectors of a request. Where they are one block of float32 in memory, as a matrix of numpy
// or its rows in a list are, they are shown and not copied.
class Vectors {
 public:
  // None, a matrix, one vector, or a list of vectors; a vector is an array or a list of numbers.
  explicit Vectors(pybind11::handle source);
  ~Vectors();
  Vectors(const Vectors&) = delete;
  Vectors& operator=(const Vectors&) = delete;

  // What this shows must live as long as the result.
  Embeddings Take() { return std::move(embeddings_); }

 private:
  bool ShowBlock(pybind11::handle array);
  bool ShowRows(pybind11::handle list);
  void CopyRows(pybind11::handle list);

  Embeddings embeddings_;
  std::vector<Py_buffer> buffers_;
};

}  // namespace chroma::python

template <>
struct pybind11::detail::type_caster<chroma::python::Text> {
  PYBIND11_TYPE_CASTER(chroma::python::Text, const_name("str"));
  bool load(handle source, bool /*convert*/) {
    if (!PyUnicode_Check(source.ptr())) return false;
    value.assign(chroma::python::ToText(source.ptr()));
    return true;
  }
};
