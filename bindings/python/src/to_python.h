// What the engine answers, as chromadb's dictionaries. All need the GIL.
#pragma once

#include <pybind11/pybind11.h>

#include <optional>
#include <string>
#include <vector>

#include "chroma/chroma.h"

namespace chroma::python {

// Vectors that left the engine, behind the buffer protocol: numpy shows them without a copy.
struct Matrix {
  std::vector<float> values;
  size_t rows = 0;
  size_t columns = 0;
};
void DefineMatrix(pybind11::module_& module);

pybind11::str ToStr(const std::string& text);
pybind11::list ToStrs(const std::vector<std::string>& texts);
pybind11::object FromMetadata(const Metadata& metadata);  // None where it is empty
pybind11::dict FromInfo(const CollectionInfo& info);
// An array of numpy.
pybind11::object FromEmbeddings(Embeddings embeddings);
// With `include`, a list, as it was given.
pybind11::dict FromGet(GetResult result, Include columns, const pybind11::object& include);
pybind11::dict FromQuery(QueryResult result, Include columns, const pybind11::object& include);
pybind11::dict FromSearches(std::vector<SearchResult> results,
                            const std::vector<SearchOptions>& searches);
pybind11::dict FromList(ListRecordsResult result, Include columns, const pybind11::object& include);
pybind11::dict FromFacets(const FacetsResult& result);

}  // namespace chroma::python
