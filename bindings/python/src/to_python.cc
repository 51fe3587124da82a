#include "to_python.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <utility>

#include "errors.h"

namespace chroma::python {
namespace {

namespace py = pybind11;

py::object Stolen(PyObject* object) {
  if (object == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(object);
}

// A list of what `convert(i)` makes.
template <typename Convert>
py::list List(size_t count, Convert convert) {
  py::list list(count);
  for (size_t i = 0; i < count; ++i) {
    CheckSignals(i);
    PyList_SET_ITEM(list.ptr(), static_cast<Py_ssize_t>(i), py::object(convert(i)).release().ptr());
  }
  return list;
}

py::object FromText(const std::optional<std::string>& text) {
  return text ? py::object(ToStr(*text)) : py::none();
}

py::list FromTexts(const std::vector<std::optional<std::string>>& texts) {
  return List(texts.size(), [&](size_t i) { return FromText(texts[i]); });
}

py::object FromSparse(const SparseVector& vector) {
  const py::object type = py::module_::import("chromadb.base_types").attr("SparseVector");
  const py::list indices =
      List(vector.indices.size(), [&](size_t i) { return py::int_(vector.indices[i]); });
  const py::list values =
      List(vector.values.size(), [&](size_t i) { return py::float_(vector.values[i]); });
  if (vector.tokens.empty()) return type(indices, values);
  return type(indices, values, ToStrs(vector.tokens));
}

struct ValueToPython {
  py::object operator()(std::monostate) const { return py::none(); }
  py::object operator()(bool value) const { return py::bool_(value); }
  py::object operator()(int64_t value) const { return py::int_(value); }
  py::object operator()(double value) const { return py::float_(value); }
  py::object operator()(const std::string& value) const { return ToStr(value); }
  py::object operator()(const SparseVector& value) const { return FromSparse(value); }
  py::object operator()(const std::vector<std::string>& value) const { return ToStrs(value); }
  py::object operator()(const std::vector<bool>& value) const {
    return List(value.size(), [&](size_t i) { return py::bool_(value[i]); });
  }
  py::object operator()(const std::vector<int64_t>& value) const {
    return List(value.size(), [&](size_t i) { return py::int_(value[i]); });
  }
  py::object operator()(const std::vector<double>& value) const {
    return List(value.size(), [&](size_t i) { return py::float_(value[i]); });
  }
};

// Keys of metadata, which are the same in most records: one object each, which also knows its hash.
class Keys {
 public:
  const py::str& Of(const std::string& key) {
    const auto known = objects_.find(key);
    return known != objects_.end() ? known->second
                                   : objects_.emplace(key, ToStr(key)).first->second;
  }

 private:
  std::unordered_map<std::string, py::str> objects_;
};

py::object FromMetadata(const Metadata& metadata, Keys& keys) {
  if (metadata.empty()) return py::none();
  py::dict dict;
  for (const auto& [key, value] : metadata) {
    const py::object converted = std::visit(ValueToPython(), value);
    if (PyDict_SetItem(dict.ptr(), keys.Of(key).ptr(), converted.ptr()) != 0) {
      throw py::error_already_set();
    }
  }
  return dict;
}

py::list FromMetadatas(const std::vector<Metadata>& metadatas, Keys& keys) {
  return List(metadatas.size(), [&](size_t i) { return FromMetadata(metadatas[i], keys); });
}

py::dict FromHighlights(const Highlights& found) {
  const auto range = [](const TextRange& place) {
    py::dict dict;
    dict["begin"] = place.begin;
    dict["end"] = place.end;
    dict["begin_byte"] = place.begin_byte;
    dict["end_byte"] = place.end_byte;
    return dict;
  };
  py::dict shown;
  shown["matches"] = List(found.matches.size(), [&](size_t i) { return range(found.matches[i]); });
  shown["snippets"] = List(found.snippets.size(), [&](size_t i) {
    py::dict snippet = range(found.snippets[i].range);
    snippet["text"] = ToStr(found.snippets[i].text);
    return snippet;
  });
  return shown;
}

bool Selects(const SearchOptions& search, const char* key) {
  return std::find(search.select.begin(), search.select.end(), key) != search.select.end();
}

bool SelectsMetadata(const SearchOptions& search) {
  return std::any_of(search.select.begin(), search.select.end(), [](const std::string& key) {
    return key == kMetadataKey || !key.starts_with('#');
  });
}

py::object FromScore(float score) {
  return std::isnan(score) ? py::object(py::none()) : py::float_(score);
}

}  // namespace

void DefineMatrix(py::module_& module) {
  py::class_<Matrix>(module, "Matrix", py::buffer_protocol()).def_buffer([](Matrix& matrix) {
    return py::buffer_info(matrix.values.data(), sizeof(float),
                           py::format_descriptor<float>::format(), 2, {matrix.rows, matrix.columns},
                           {sizeof(float) * matrix.columns, sizeof(float)});
  });
}

py::str ToStr(const std::string& text) {
  return py::reinterpret_steal<py::str>(
      Stolen(PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace"))
          .release());
}

py::list ToStrs(const std::vector<std::string>& texts) {
  return List(texts.size(), [&](size_t i) { return ToStr(texts[i]); });
}

py::object FromMetadata(const Metadata& metadata) {
  Keys keys;
  return FromMetadata(metadata, keys);
}

py::dict FromInfo(const CollectionInfo& info) {
  py::dict dict;
  dict["id"] = info.id;
  dict["name"] = ToStr(info.name);
  dict["configuration_json"] = ToStr(info.configuration_json);
  dict["schema"] = ToStr(info.schema);
  dict["metadata"] = FromMetadata(info.metadata);
  dict["dimension"] = info.dimension ? py::object(py::int_(*info.dimension)) : py::none();
  dict["tenant"] = ToStr(info.tenant);
  dict["database"] = ToStr(info.database);
  return dict;
}

py::object FromEmbeddings(Embeddings embeddings) {
  const py::module_ numpy = py::module_::import("numpy");
  if (embeddings.rows() == 0) return numpy.attr("empty")(0, "float32");
  Matrix matrix;
  matrix.rows = embeddings.rows();
  matrix.columns = embeddings.dimension();
  matrix.values = embeddings.Release();
  return numpy.attr("asarray")(py::cast(std::move(matrix)));
}

py::dict FromGet(GetResult result, Include columns, const py::object& include) {
  const auto shown = [&](Include one, auto convert) {
    return Includes(columns, one) ? py::object(convert()) : py::none();
  };
  py::dict dict;
  dict["ids"] = ToStrs(result.ids);
  dict["embeddings"] =
      shown(Include::kEmbeddings, [&] { return FromEmbeddings(std::move(result.embeddings)); });
  dict["documents"] = shown(Include::kDocuments, [&] { return FromTexts(result.documents); });
  dict["uris"] = shown(Include::kUris, [&] { return FromTexts(result.uris); });
  dict["included"] = include;
  dict["data"] = py::none();
  Keys keys;
  dict["metadatas"] =
      shown(Include::kMetadatas, [&] { return FromMetadatas(result.metadatas, keys); });
  return dict;
}

py::dict FromQuery(QueryResult result, Include columns, const py::object& include) {
  const auto shown = [&](Include one, auto convert) {
    return Includes(columns, one) ? py::object(List(result.size(), convert)) : py::none();
  };
  py::dict dict;
  dict["ids"] = List(result.size(), [&](size_t q) { return ToStrs(result.ids[q]); });
  dict["embeddings"] = shown(Include::kEmbeddings, [&](size_t q) {
    return FromEmbeddings(std::move(result.embeddings[q]));
  });
  dict["documents"] =
      shown(Include::kDocuments, [&](size_t q) { return FromTexts(result.documents[q]); });
  dict["uris"] = shown(Include::kUris, [&](size_t q) { return FromTexts(result.uris[q]); });
  dict["included"] = include;
  dict["data"] = py::none();
  Keys keys;
  dict["metadatas"] = shown(Include::kMetadatas,
                            [&](size_t q) { return FromMetadatas(result.metadatas[q], keys); });
  dict["distances"] = shown(Include::kDistances, [&](size_t q) {
    const std::vector<float>& distances = result.distances[q];
    return List(distances.size(), [&](size_t i) { return py::float_(distances[i]); });
  });
  return dict;
}

py::dict FromSearches(std::vector<SearchResult> results,
                      const std::vector<SearchOptions>& searches) {
  const auto column = [&](auto selected, auto convert) {
    return List(results.size(), [&](size_t s) -> py::object {
      if (!selected(searches[s])) return py::none();
      return convert(results[s]);
    });
  };
  const auto key = [](const char* name) {
    return [name](const SearchOptions& search) { return Selects(search, name); };
  };
  py::dict dict;
  dict["ids"] = List(results.size(), [&](size_t s) { return ToStrs(results[s].ids); });
  dict["documents"] =
      column(key(kDocumentKey), [](SearchResult& result) { return FromTexts(result.documents); });
  dict["embeddings"] = column(key(kEmbeddingKey), [](SearchResult& result) {
    const Embeddings& rows = result.embeddings;
    return List(rows.rows(), [&](size_t i) {
      const std::span<const float> row = rows.row(i);
      return List(row.size(), [&](size_t d) { return py::float_(row[d]); });
    });
  });
  Keys keys;
  dict["metadatas"] = column(
      SelectsMetadata, [&](SearchResult& result) { return FromMetadatas(result.metadatas, keys); });
  dict["scores"] = column(key(kScoreKey), [](SearchResult& result) {
    return List(result.scores.size(), [&](size_t i) { return FromScore(result.scores[i]); });
  });
  dict["select"] = List(results.size(), [&](size_t s) { return ToStrs(searches[s].select); });
  return dict;
}

py::dict FromList(ListRecordsResult result, Include columns, const py::object& include) {
  py::dict dict = FromGet(std::move(result.records), columns, include);
  dict["highlights"] = List(result.highlights.size(), [&](size_t i) -> py::object {
    if (!result.highlights[i]) return py::none();
    return FromHighlights(*result.highlights[i]);
  });
  return dict;
}

py::dict FromFacets(const FacetsResult& result) {
  py::dict facets;
  for (const FacetValues& facet : result.facets) {
    py::dict shown;
    shown["records"] = facet.records;
    shown["distinct"] = facet.distinct;
    shown["values"] = List(facet.values.size(), [&](size_t i) {
      const ValueCount& one = facet.values[i];
      return py::make_tuple(std::visit(ValueToPython(), one.value), one.count);
    });
    facets[ToStr(facet.key)] = shown;
  }
  py::dict dict;
  dict["count"] = result.count;
  dict["facets"] = facets;
  return dict;
}

}  // namespace chroma::python
