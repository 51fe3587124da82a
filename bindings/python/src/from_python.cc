#include "from_python.h"

#include <cmath>
#include <cstring>
#include <utility>

#include "errors.h"

namespace chroma::python {
namespace {

namespace py = pybind11;

constexpr int kBufferFlags = PyBUF_FORMAT | PyBUF_STRIDES;

[[noreturn]] void Throw(PyObject* type, const std::string& message) {
  PyErr_SetString(type, message.c_str());
  throw py::error_already_set();
}

std::string TypeName(PyObject* object) {
  return Py_TYPE(object)->tp_name;
}

// The items of a list or a tuple, without a copy.
class Items {
 public:
  Items(py::handle list, const char* what) {
    sequence_ = py::reinterpret_steal<py::object>(PySequence_Fast(list.ptr(), what));
    if (!sequence_) throw py::error_already_set();
  }
  size_t size() const { return static_cast<size_t>(PySequence_Fast_GET_SIZE(sequence_.ptr())); }
  PyObject* operator[](size_t i) const {
    return PySequence_Fast_GET_ITEM(sequence_.ptr(), static_cast<Py_ssize_t>(i));
  }

 private:
  py::object sequence_;
};

double ToDouble(PyObject* object) {
  const double value = PyFloat_AsDouble(object);
  if (value == -1.0 && PyErr_Occurred() != nullptr) throw py::error_already_set();
  return value;
}

// An integer that is too large becomes a float, as it does in chromadb.
MetadataValue ToNumber(PyObject* object) {
  int overflow = 0;
  const long long value = PyLong_AsLongLongAndOverflow(object, &overflow);
  if (overflow != 0) return ToDouble(object);
  if (value == -1 && PyErr_Occurred() != nullptr) throw py::error_already_set();
  return static_cast<int64_t>(value);
}

bool IsFloat32(const Py_buffer& view) {
  if (view.itemsize != 4 || view.format == nullptr) return false;
  const char* format = view.format;
  if (*format == '<' || *format == '=' || *format == '@') ++format;
  return std::strcmp(format, "f") == 0;
}

// numpy's arrays with places that hold nothing, and what is derived from them.
bool IsMasked(PyObject* object) {
  for (const PyTypeObject* type = Py_TYPE(object); type != nullptr; type = type->tp_base) {
    if (std::strcmp(type->tp_name, "MaskedArray") == 0) return true;
  }
  return false;
}

// A contiguous array of float32 with the numbers of `array`, which has one of the types that
// chromadb takes: floats of 16 to 64 bits, and signed integers of 32 and 64.
py::object ToFloat32(py::handle array) {
  if (IsMasked(array.ptr())) {
    return ToFloat32(py::reinterpret_borrow<py::object>(array).attr("astype")("float32").attr(
        "filled")(std::nanf("")));
  }
  Py_buffer view;
  if (PyObject_GetBuffer(array.ptr(), &view, kBufferFlags) != 0) throw py::error_already_set();
  std::string format = view.format == nullptr ? "B" : view.format;
  const int dimensions = view.ndim;
  PyBuffer_Release(&view);
  if (dimensions == 0) Throw(PyExc_TypeError, "Expected an array, got a number");
  if (format[0] == '<' || format[0] == '=' || format[0] == '@') format.erase(0, 1);
  if (format.size() != 1 || std::string("efdilq").find(format) == std::string::npos) {
    Throw(PyExc_TypeError, "Embeddings of the type " + format + " are not taken");
  }
  return py::module_::import("numpy").attr("ascontiguousarray")(array, "float32");
}

bool IsArray(PyObject* object) {
  return PyObject_CheckBuffer(object) != 0 && !PyBytes_Check(object) && !PyByteArray_Check(object);
}

// A list of one type; numbers of both are floats.
MetadataValue ToList(PyObject* list) {
  const Items items(list, "a metadata value");
  if (items.size() == 0) return std::vector<bool>();
  PyObject* first = items[0];
  if (PyBool_Check(first)) {
    std::vector<bool> values;
    for (size_t i = 0; i < items.size(); ++i) values.push_back(items[i] == Py_True);
    return values;
  }
  if (PyUnicode_Check(first)) {
    std::vector<std::string> values;
    for (size_t i = 0; i < items.size(); ++i) values.push_back(ToText(items[i]));
    return values;
  }
  std::vector<int64_t> integers;
  std::vector<double> floats;
  for (size_t i = 0; i < items.size(); ++i) {
    if (!PyLong_Check(items[i]) && !PyFloat_Check(items[i])) {
      Throw(PyExc_TypeError, "Cannot convert " + TypeName(items[i]) + " to a metadata value");
    }
    floats.push_back(ToDouble(items[i]));
    if (!PyLong_Check(items[i])) continue;
    const MetadataValue number = ToNumber(items[i]);
    if (const auto* integer = std::get_if<int64_t>(&number)) integers.push_back(*integer);
  }
  if (integers.size() == items.size()) return integers;
  return floats;
}

// ValueError unless the list has items, all of one type.
void CheckList(PyObject* list) {
  const Py_ssize_t size = PyList_GET_SIZE(list);
  for (Py_ssize_t i = 0; i < size; ++i) {
    if (Py_TYPE(PyList_GET_ITEM(list, i)) == Py_TYPE(PyList_GET_ITEM(list, 0))) continue;
    Throw(PyExc_ValueError, "a list of several types");
  }
  if (size == 0) Throw(PyExc_ValueError, "an empty list");
}

// chromadb's SparseVector, known by its members.
MetadataValue ToSparse(PyObject* object) {
  const py::handle vector(object);
  if (!py::hasattr(vector, "indices") || !py::hasattr(vector, "values")) {
    Throw(PyExc_TypeError, "Cannot convert " + TypeName(object) + " to a metadata value");
  }
  SparseVector sparse;
  const py::object indices_list = vector.attr("indices");
  const py::object values_list = vector.attr("values");
  const Items indices(indices_list, "indices");
  const Items values(values_list, "values");
  for (size_t i = 0; i < indices.size(); ++i) sparse.indices.push_back(ToU32(indices[i]));
  for (size_t i = 0; i < values.size(); ++i) {
    sparse.values.push_back(static_cast<float>(ToDouble(values[i])));
  }
  const py::object labels = py::getattr(vector, "labels", py::none());
  if (!labels.is_none()) sparse.tokens = ToTexts(labels);
  return sparse;
}

MetadataValue ToValue(PyObject* object) {
  if (PyUnicode_Check(object)) return ToText(object);
  if (PyBool_Check(object)) return object == Py_True;
  if (PyLong_Check(object)) return ToNumber(object);
  if (PyFloat_Check(object)) return PyFloat_AS_DOUBLE(object);
  if (object == Py_None) return std::monostate();
  if (PyList_Check(object)) return ToList(object);
  return ToSparse(object);
}

// One row, whatever holds it.
void AppendRow(PyObject* object, std::vector<float>* row) {
  row->clear();
  if (IsArray(object)) {
    const py::object array = ToFloat32(object);
    Py_buffer view;
    if (PyObject_GetBuffer(array.ptr(), &view, kBufferFlags) != 0) throw py::error_already_set();
    const int dimensions = view.ndim;
    const auto* data = static_cast<const float*>(view.buf);
    row->assign(data, data + view.len / 4);
    PyBuffer_Release(&view);
    if (dimensions != 1) {
      Throw(PyExc_TypeError, "Expected each embedding to be a 1-dimensional array, got " +
                                 std::to_string(dimensions) + " dimensions");
    }
    return;
  }
  const Items numbers(object, "Expected each embedding to be a list of numbers or an array");
  if (numbers.size() == 0 || PyBool_Check(numbers[0])) {
    Throw(PyExc_TypeError, "Expected each embedding to be a list of numbers");
  }
  row->reserve(numbers.size());
  for (size_t i = 0; i < numbers.size(); ++i) {
    row->push_back(static_cast<float>(ToDouble(numbers[i])));
  }
}

}  // namespace

std::string ToText(PyObject* object) {
  Py_ssize_t size = 0;
  const char* text = PyUnicode_Check(object) ? PyUnicode_AsUTF8AndSize(object, &size) : nullptr;
  if (text == nullptr) {
    if (PyErr_Occurred() != nullptr) throw py::error_already_set();
    Throw(PyExc_TypeError, "'" + TypeName(object) + "' object cannot be converted to 'PyString'");
  }
  return std::string(text, static_cast<size_t>(size));
}

std::vector<std::string> ToTexts(py::handle list) {
  const Items items(list, "Expected a list of strings");
  std::vector<std::string> texts;
  texts.reserve(items.size());
  for (size_t i = 0; i < items.size(); ++i) {
    CheckSignals(i);
    texts.push_back(ToText(items[i]));
  }
  return texts;
}

std::vector<std::optional<std::string>> ToOptionalTexts(py::handle list) {
  std::vector<std::optional<std::string>> texts;
  if (list.is_none()) return texts;
  const Items items(list, "Expected a list of strings");
  texts.reserve(items.size());
  for (size_t i = 0; i < items.size(); ++i) {
    CheckSignals(i);
    std::optional<std::string>& text = texts.emplace_back();
    if (items[i] != Py_None) text = ToText(items[i]);
  }
  return texts;
}

Metadata ToMetadata(PyObject* dict, bool is_strict) {
  if (!PyDict_Check(dict)) {
    Throw(PyExc_ValueError,
          "Expected metadata to be a dict or None, got " + TypeName(dict) + " as metadata");
  }
  Metadata metadata;
  PyObject* key = nullptr;
  PyObject* value = nullptr;
  for (Py_ssize_t at = 0; PyDict_Next(dict, &at, &key, &value) != 0;) {
    if (is_strict && PyList_Check(value)) CheckList(value);
    metadata.insert_or_assign(ToText(key), ToValue(value));
  }
  if (is_strict && (metadata.empty() || metadata.contains("chroma:document"))) {
    Throw(PyExc_ValueError, "metadata that chromadb refuses");
  }
  return metadata;
}

std::vector<Metadata> ToMetadatas(py::handle list, bool is_strict) {
  std::vector<Metadata> metadatas;
  if (list.is_none()) return metadatas;
  const Items items(list, "Expected a list of metadata");
  metadatas.resize(items.size());
  for (size_t i = 0; i < items.size(); ++i) {
    CheckSignals(i);
    if (items[i] != Py_None) metadatas[i] = ToMetadata(items[i], is_strict);
  }
  return metadatas;
}

uint32_t ToU32(py::handle number) {
  const py::object index = py::reinterpret_steal<py::object>(PyNumber_Index(number.ptr()));
  if (!index) throw py::error_already_set();
  int overflow = 0;
  const long long value = PyLong_AsLongLongAndOverflow(index.ptr(), &overflow);
  if (overflow != 0 || value < 0 || value > UINT32_MAX) {
    Throw(PyExc_OverflowError, "out of range integral type conversion attempted");
  }
  return static_cast<uint32_t>(value);
}

Include ToInclude(py::handle list) {
  const Items items(list, "Expected include to be a list");
  Include include = Include::kNone;
  for (size_t i = 0; i < items.size(); ++i) {
    const std::string name = ToText(items[i]);
    if (name == "documents") include = include | Include::kDocuments;
    if (name == "metadatas") include = include | Include::kMetadatas;
    if (name == "embeddings") include = include | Include::kEmbeddings;
    if (name == "uris") include = include | Include::kUris;
    if (name == "distances") include = include | Include::kDistances;
  }
  return include;
}

Vectors::Vectors(py::handle source) {
  if (source.is_none()) return;
  try {
    if (IsArray(source.ptr())) {
      if (ShowBlock(source)) return;
      const py::object block = ToFloat32(source);
      if (!ShowBlock(block)) {
        Throw(PyExc_ValueError, "Expected embeddings to be a matrix with a row for each record");
      }
      return;
    }
    if (!ShowRows(source)) CopyRows(source);
  } catch (...) {
    for (Py_buffer& buffer : buffers_) PyBuffer_Release(&buffer);
    throw;
  }
}

Vectors::~Vectors() {
  for (Py_buffer& buffer : buffers_) PyBuffer_Release(&buffer);
}

bool Vectors::ShowBlock(py::handle array) {
  Py_buffer view;
  if (IsMasked(array.ptr())) return false;
  if (PyObject_GetBuffer(array.ptr(), &view, kBufferFlags) != 0) {
    PyErr_Clear();
    return false;
  }
  const bool is_block = IsFloat32(view) && (view.ndim == 1 || view.ndim == 2) && view.len > 0 &&
                        PyBuffer_IsContiguous(&view, 'C') != 0;
  if (!is_block) {
    PyBuffer_Release(&view);
    return false;
  }
  buffers_.push_back(view);
  embeddings_ = Embeddings::View({static_cast<const float*>(view.buf), size_t(view.len) / 4},
                                 static_cast<size_t>(view.shape[view.ndim - 1]));
  return true;
}

// Rows that lie one behind the other, as iterating over a matrix gives them.
bool Vectors::ShowRows(py::handle list) {
  if (!PyList_Check(list.ptr())) return false;
  const Items rows(list, "Expected a list of embeddings");
  const float* begin = nullptr;
  size_t dimension = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    Py_buffer view;
    if (!IsArray(rows[i]) || IsMasked(rows[i])) return false;
    if (PyObject_GetBuffer(rows[i], &view, kBufferFlags) != 0) {
      PyErr_Clear();
      return false;
    }
    const auto* data = static_cast<const float*>(view.buf);
    bool follows = IsFloat32(view) && view.ndim == 1 && view.shape[0] > 0 &&
                   (view.strides == nullptr || view.strides[0] == 4);
    if (follows && i == 0) {
      begin = data;
      dimension = static_cast<size_t>(view.shape[0]);
    } else if (follows) {
      follows = static_cast<size_t>(view.shape[0]) == dimension && data == begin + i * dimension;
    }
    if (!follows) {
      PyBuffer_Release(&view);
      return false;
    }
    // The list, which the caller holds, holds the rows: one of them keeps the block in place.
    if (i == 0) {
      buffers_.push_back(view);
    } else {
      PyBuffer_Release(&view);
    }
  }
  if (rows.size() == 0) return false;
  embeddings_ = Embeddings::View({begin, rows.size() * dimension}, dimension);
  return true;
}

void Vectors::CopyRows(py::handle list) {
  const Items rows(list, "Expected a list of embeddings");
  if (rows.size() > 0 && (PyFloat_Check(rows[0]) || PyLong_Check(rows[0]))) {
    std::vector<float> one;
    AppendRow(list.ptr(), &one);
    embeddings_.Append(one);
    return;
  }
  std::vector<float> row;
  for (size_t i = 0; i < rows.size(); ++i) {
    CheckSignals(i);
    AppendRow(rows[i], &row);
    embeddings_.Append(row);
  }
}

}  // namespace chroma::python
