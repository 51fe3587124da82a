// The extension module chroma_cpp._native: the C++ API, in the shapes that chromadb's Python
// classes hand over and expect. Filters, schemas, configurations and searches come as JSON texts.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <exception>
#include <utility>

#include "chroma/import.h"
#include "ctrl_c.h"
#include "database.h"
#include "errors.h"
#include "from_python.h"
#include "to_python.h"

namespace chroma::python {
namespace {

namespace py = pybind11;

std::optional<std::vector<std::string>> ToIds(const py::object& ids) {
  if (ids.is_none()) return std::nullopt;
  return ToTexts(ids);
}

std::optional<uint32_t> ToOptionalU32(const py::object& number) {
  if (number.is_none()) return std::nullopt;
  return ToU32(number);
}

std::string ToJson(const py::object& json) {
  return json.is_none() ? std::string() : ToText(json.ptr());
}

// ids, where, where_document of a request.
template <typename Options>
void SetFilters(Options* options, const py::object& ids, const py::object& where,
                const py::object& where_document) {
  options->ids = ToIds(ids);
  if (!where.is_none()) options->where = Take(Filter::FromJson(ToText(where.ptr())));
  if (!where_document.is_none()) {
    options->where_document = Take(DocumentFilter::FromJson(ToText(where_document.ptr())));
  }
}

LocalOptions ToOptions(const Text& tenant, const Text& database, bool allow_reset,
                       int search_threads, uint64_t memory_limit_bytes, bool read_only) {
  LocalOptions options;
  options.tenant = tenant;
  options.database = database;
  options.allow_reset = allow_reset;
  options.search_threads = search_threads;
  options.memory_limit_bytes = memory_limit_bytes;
  options.read_only = read_only;
  return options;
}

// ---- databases

py::dict FromDatabase(const DatabaseInfo& info) {
  py::dict dict;
  dict["id"] = info.id;
  dict["name"] = ToStr(info.name);
  dict["tenant"] = ToStr(info.tenant);
  return dict;
}

ListOptions ToPage(const py::object& limit, const py::object& offset) {
  ListOptions page;
  page.limit = ToOptionalU32(limit);
  if (!offset.is_none()) page.offset = ToU32(offset);
  return page;
}

py::dict CreateCollection(const Database& self, const Text& name, const py::object& configuration,
                          const py::object& schema, const py::object& metadata, bool get_or_create,
                          const Text& tenant, const Text& database) {
  const Client client = self.At(tenant, database);
  CreateCollectionOptions options;
  options.configuration_json = ToJson(configuration);
  options.schema = ToJson(schema);
  options.get_or_create = get_or_create;
  if (!metadata.is_none()) {
    options.metadata = ToMetadata(metadata.ptr(), false);
    if (options.metadata.empty()) {
      Raise(Status::InvalidArgument("Validation error: metadata: Metadata cannot be empty"));
    }
  }
  return FromInfo(
      Take(Unlocked([&] { return client.CreateCollection(name, std::move(options)); })).info());
}

py::list ListCollections(const Database& self, const py::object& limit, const py::object& offset,
                         const Text& tenant, const Text& database) {
  const Client client = self.At(tenant, database);
  const ListOptions page = ToPage(limit, offset);
  py::list list;
  for (const Collection& collection :
       Take(Unlocked([&] { return client.ListCollections(page); }))) {
    list.append(FromInfo(collection.info()));
  }
  return list;
}

py::list ListDatabases(const Database& self, const py::object& limit, const py::object& offset,
                       const Text& tenant) {
  const Client client = self.At(tenant, kDefaultDatabase);
  const ListOptions page = ToPage(limit, offset);
  py::list list;
  for (const DatabaseInfo& info : Take(Unlocked([&] { return client.ListDatabases(page); }))) {
    list.append(FromDatabase(info));
  }
  return list;
}

void DefineTenants(py::class_<Database>& type) {
  type.def("create_tenant", [](const Database& self, const Text& name) {
    const Client client = self.Get();
    Check(Unlocked([&] { return client.CreateTenant(name); }));
  });
  type.def("get_tenant", [](const Database& self, const Text& name) {
    const Client client = self.Get();
    return ToStr(Take(Unlocked([&] { return client.GetTenant(name); })).name);
  });
  type.def("create_database", [](const Database& self, const Text& name, const Text& tenant) {
    const Client client = self.At(tenant, kDefaultDatabase);
    Check(Unlocked([&] { return client.CreateDatabase(name); }));
  });
  type.def("get_database", [](const Database& self, const Text& name, const Text& tenant) {
    const Client client = self.At(tenant, kDefaultDatabase);
    return FromDatabase(Take(Unlocked([&] { return client.GetDatabase(name); })));
  });
  type.def("delete_database", [](const Database& self, const Text& name, const Text& tenant) {
    const Client client = self.At(tenant, kDefaultDatabase);
    Check(Unlocked([&] { return client.DeleteDatabase(name); }));
  });
  type.def("list_databases", ListDatabases);
}

void DefineCollections(py::class_<Database>& type) {
  type.def("create_collection", CreateCollection);
  type.def("get_collection",
           [](const Database& self, const Text& name, const Text& tenant, const Text& database) {
             const Client client = self.At(tenant, database);
             return FromInfo(Take(Unlocked([&] { return client.GetCollection(name); })).info());
           });
  type.def("get_collection_by_id",
           [](const Database& self, const Text& id, const Text& tenant, const Text& database) {
             const Client client = self.At(tenant, database);
             return FromInfo(Take(Unlocked([&] { return client.GetCollectionById(id); })).info());
           });
  type.def("list_collections", ListCollections);
  type.def("count_collections", [](const Database& self, const Text& tenant, const Text& database) {
    const Client client = self.At(tenant, database);
    return Take(Unlocked([&] { return client.CountCollections(); }));
  });
  type.def("delete_collection",
           [](const Database& self, const Text& name, const Text& tenant, const Text& database) {
             const Client client = self.At(tenant, database);
             Check(Unlocked([&] { return client.DeleteCollection(name); }));
           });
  type.def("collection", [](Database& self, const Text& id, const Text& tenant,
                            const Text& database) { return self.Find(tenant, database, id); });
}

void DefineDatabase(py::module_& module) {
  py::class_<Database> type(module, "Database");
  type.def_static("in_memory", [](const Text& tenant, const Text& database, bool allow_reset,
                                  int search_threads, uint64_t memory_limit_bytes) {
    return Database::InMemory(ToOptions(tenant, database, allow_reset, search_threads,
                                        memory_limit_bytes, /*read_only=*/false));
  });
  type.def_static("in_directory", [](const Text& path, const Text& tenant, const Text& database,
                                     bool allow_reset, int search_threads,
                                     uint64_t memory_limit_bytes, bool read_only) {
    return Database::InDirectory(path, ToOptions(tenant, database, allow_reset, search_threads,
                                                 memory_limit_bytes, read_only));
  });
  type.def("close", &Database::Close);
  type.def("written_to", &Database::WrittenTo);
  type.def_property_readonly("closed", &Database::closed);
  type.def("heartbeat", [](const Database& self) {
    const Client client = self.Get();
    return Take(Unlocked([&] { return client.Heartbeat(); }));
  });
  type.def("max_batch_size", [](const Database& self) {
    const Client client = self.Get();
    return Take(Unlocked([&] { return client.GetMaxBatchSize(); }));
  });
  type.def("reset", [](const Database& self) {
    const Client client = self.Get();
    Check(Unlocked([&] { return client.Reset(); }));
  });
  DefineTenants(type);
  DefineCollections(type);
}

// ---- collections

// `is_strict`: what chromadb refuses before it comes here is a TypeError or a ValueError.
using WriteOf = Status (Collection::*)(Records) const;

template <WriteOf kWrite>
void Write(Handle& self, const py::object& ids, const py::object& embeddings,
           const py::object& metadatas, const py::object& documents, const py::object& uris,
           bool is_strict) {
  const Collection collection = self.Get();
  Vectors vectors(embeddings);
  Records records;
  records.ids = ToTexts(ids);
  records.embeddings = vectors.Take();
  records.metadatas = ToMetadatas(metadatas, is_strict);
  if (is_strict && !embeddings.is_none() && records.embeddings.rows() != records.ids.size()) {
    throw py::value_error("as many embeddings as ids");
  }
  records.documents = ToOptionalTexts(documents);
  records.uris = ToOptionalTexts(uris);
  const size_t count = records.ids.size();
  Check(Unlocked([&] { return (collection.*kWrite)(std::move(records)); }));
  self.CountWritten(count);
}

py::dict Get(const Handle& self, const py::object& ids, const py::object& where,
             const py::object& where_document, const py::object& limit, const py::object& offset,
             const py::object& include) {
  const Collection collection = self.Get();
  GetOptions options;
  SetFilters(&options, ids, where, where_document);
  options.limit = ToOptionalU32(limit);
  if (!offset.is_none()) options.offset = ToU32(offset);
  options.include = ToInclude(include);
  const Include columns = options.include;
  return FromGet(Take(Unlocked([&] { return collection.Get(std::move(options)); })), columns,
                 include);
}

// What Query and ExplainQuery share; `vectors` outlives the result.
QueryOptions ToQuery(Vectors& vectors, const py::object& n_results, const py::object& ids,
                     const py::object& where, const py::object& where_document,
                     const py::object& include) {
  QueryOptions options;
  SetFilters(&options, ids, where, where_document);
  options.query_embeddings = vectors.Take();
  if (options.query_embeddings.rows() == 0) throw py::value_error("no query_embeddings");
  options.n_results = ToU32(n_results);
  options.include = ToInclude(include);
  return options;
}

py::dict Query(const Handle& self, const py::object& embeddings, const py::object& n_results,
               const py::object& ids, const py::object& where, const py::object& where_document,
               const py::object& include) {
  const Collection collection = self.Get();
  Vectors vectors(embeddings);
  QueryOptions options = ToQuery(vectors, n_results, ids, where, where_document, include);
  const Include columns = options.include;
  return FromQuery(Take(Unlocked([&] { return collection.Query(std::move(options)); })), columns,
                   include);
}

std::vector<SearchOptions> ToSearches(const py::list& searches) {
  std::vector<SearchOptions> options;
  for (const py::handle search : searches) {
    options.push_back(Take(SearchOptions::FromJson(ToText(search.ptr()))));
  }
  return options;
}

py::dict Search(const Handle& self, const py::list& searches) {
  const Collection collection = self.Get();
  const std::vector<SearchOptions> options = ToSearches(searches);
  return FromSearches(Take(Unlocked([&] { return collection.SearchBatch(options); })), options);
}

py::object Delete(const Handle& self, const py::object& ids, const py::object& where,
                  const py::object& where_document, const py::object& limit) {
  const Collection collection = self.Get();
  DeleteOptions options;
  SetFilters(&options, ids, where, where_document);
  options.limit = ToOptionalU32(limit);
  return py::int_(Take(Unlocked([&] { return collection.Delete(std::move(options)); })));
}

py::dict Modify(const Handle& self, const py::object& name, const py::object& metadata,
                const py::object& configuration, const py::object& schema) {
  Collection collection = self.Get();
  ModifyCollectionOptions options;
  if (!name.is_none()) options.new_name = ToText(name.ptr());
  if (!metadata.is_none()) options.new_metadata = ToMetadata(metadata.ptr(), false);
  options.new_configuration_json = ToJson(configuration);
  options.new_schema = ToJson(schema);
  Check(Unlocked([&] { return collection.Modify(std::move(options)); }));
  return FromInfo(collection.info());
}

ListRecordsOptions ToListOptions(const py::object& ids, const py::object& where,
                                 const py::object& where_document, const py::list& order_by,
                                 const py::object& limit, const py::object& offset,
                                 const py::object& include, const py::object& highlight) {
  ListRecordsOptions options;
  SetFilters(&options, ids, where, where_document);
  for (const py::handle pair : order_by) {
    const auto key = py::reinterpret_borrow<py::sequence>(pair);
    options.order_by.push_back({ToText(py::object(key[0]).ptr()), key[1].cast<bool>()});
  }
  options.limit = ToOptionalU32(limit);
  if (!offset.is_none()) options.offset = ToU32(offset);
  options.include = ToInclude(include);
  if (!highlight.is_none()) {
    const auto numbers = py::reinterpret_borrow<py::sequence>(highlight);
    options.highlight = {ToU32(numbers[0]), ToU32(numbers[1]), ToU32(numbers[2])};
  }
  return options;
}

py::dict ListRecords(const Handle& self, const py::object& ids, const py::object& where,
                     const py::object& where_document, const py::list& order_by,
                     const py::object& limit, const py::object& offset, const py::object& include,
                     const py::object& highlight) {
  const Collection collection = self.Get();
  ListRecordsOptions options =
      ToListOptions(ids, where, where_document, order_by, limit, offset, include, highlight);
  const Include columns = options.include;
  return FromList(Take(Unlocked([&] { return collection.ListRecords(std::move(options)); })),
                  columns, include);
}

py::dict Facets(const Handle& self, const py::list& facets, const py::object& ids,
                const py::object& where, const py::object& where_document) {
  const Collection collection = self.Get();
  FacetsOptions options;
  SetFilters(&options, ids, where, where_document);
  for (const py::handle triple : facets) {
    const auto facet = py::reinterpret_borrow<py::sequence>(triple);
    options.facets.push_back(
        {ToText(py::object(facet[0]).ptr()), ToU32(facet[1]), facet[2].cast<bool>()});
  }
  return FromFacets(Take(Unlocked([&] { return collection.Facets(std::move(options)); })));
}

py::str ExplainQuery(const Handle& self, const py::object& embeddings, const py::object& n_results,
                     const py::object& ids, const py::object& where,
                     const py::object& where_document, const py::object& records) {
  const Collection collection = self.Get();
  Vectors vectors(embeddings);
  QueryOptions options = ToQuery(vectors, n_results, ids, where, where_document, py::list());
  std::vector<std::string> asked = ToTexts(records);
  return ToStr(Take(
      Unlocked([&] { return collection.ExplainQuery(std::move(options), std::move(asked)); })));
}

py::str ExplainList(const Handle& self, const py::object& ids, const py::object& where,
                    const py::object& where_document, const py::list& order_by,
                    const py::object& limit, const py::object& offset, const py::object& records) {
  const Collection collection = self.Get();
  ListRecordsOptions options =
      ToListOptions(ids, where, where_document, order_by, limit, offset, py::list(), py::none());
  std::vector<std::string> asked = ToTexts(records);
  return ToStr(
      Take(Unlocked([&] { return collection.ExplainList(std::move(options), std::move(asked)); })));
}

py::str ExplainSearch(const Handle& self, const Text& search, const py::object& records) {
  const Collection collection = self.Get();
  SearchOptions options = Take(SearchOptions::FromJson(search));
  std::vector<std::string> asked = ToTexts(records);
  return ToStr(Take(
      Unlocked([&] { return collection.ExplainSearch(std::move(options), std::move(asked)); })));
}

py::dict MeasureRecall(const Handle& self, const py::object& queries, const py::object& n_results) {
  const Collection collection = self.Get();
  const RecallOptions options = {ToU32(queries), ToU32(n_results)};
  const RecallReport report = Take(Unlocked([&] { return collection.MeasureRecall(options); }));
  py::dict dict;
  dict["recall"] = report.recall;
  dict["n_queries"] = report.queries;
  dict["n_records"] = report.records;
  dict["query_milliseconds"] = report.query_ms;
  dict["exact_query_milliseconds"] = report.exact_ms;
  return dict;
}

void DefineCollection(py::module_& module) {
  py::class_<Handle, std::shared_ptr<Handle>> type(module, "Collection");
  type.def("add", Write<&Collection::Add>);
  type.def("update", Write<&Collection::Update>);
  type.def("upsert", Write<&Collection::Upsert>);
  type.def("get", Get);
  type.def("query", Query);
  type.def("search", Search);
  type.def("delete", Delete);
  type.def("modify", Modify);
  type.def("count", [](const Handle& self) {
    const Collection collection = self.Get();
    return Take(Unlocked([&] { return collection.Count(); }));
  });
  type.def("indexing_status", [](const Handle& self) {
    const Collection collection = self.Get();
    const IndexingStatus status = Take(Unlocked([&] { return collection.GetIndexingStatus(); }));
    return py::make_tuple(status.indexed_operations, status.unindexed_operations);
  });
  type.def("list_records", ListRecords);
  type.def("facets", Facets);
  type.def("recall", MeasureRecall);
  type.def("explain_query", ExplainQuery);
  type.def("explain_list", ExplainList);
  type.def("explain_search", ExplainSearch);
}

// ---- directories of upstream

const char* NameOf(ImportProgress::Step step) {
  switch (step) {
    case ImportProgress::Step::kReading:
      return "reading";
    case ImportProgress::Step::kWriting:
      return "writing";
    case ImportProgress::Step::kChecking:
      return "checking";
    case ImportProgress::Step::kIndexing:
      return "indexing";
  }
  return "";
}

// Calls `progress` (or None) with the GIL. What it raises, or a Ctrl-C, ends the import.
class ProgressCall {
 public:
  explicit ProgressCall(const py::object& progress) : progress_(progress) {}
  bool operator()(const ImportProgress& now) {
    const py::gil_scoped_acquire acquired;
    try {
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
      if (!progress_.is_none()) {
        progress_(NameOf(now.step), ToStr(now.collection), now.done, now.total);
        CtrlC::Settle();
      }
      return true;
    } catch (...) {
      raised_ = std::current_exception();
      return false;
    }
  }
  void Rethrow() const {
    if (raised_) std::rethrow_exception(raised_);
  }

 private:
  const py::object& progress_;
  std::exception_ptr raised_;
};

py::str Import(const Text& old_path, const Text& new_path, bool salvage, bool dry_run, bool check,
               bool build_indexes, const Text& rejects_path, const py::object& progress) {
  ProgressCall call(progress);
  ImportOptions options;
  options.salvage = salvage;
  options.dry_run = dry_run;
  options.check = check;
  options.build_indexes = build_indexes;
  options.rejects_path = rejects_path;
  options.progress = [&call](const ImportProgress& now) { return call(now); };
  Result<ImportReport> report = [&] {
    const CtrlC ctrl_c;
    const py::gil_scoped_release released;
    return ImportDirectory(old_path, new_path, std::move(options));
  }();
  call.Rethrow();
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
  return ToStr(Take(std::move(report)).ToJson());
}

}  // namespace

PYBIND11_MODULE(_native, module) {
  module.doc() = "The engine of chroma_cpp.";
  DefineMatrix(module);
  DefineDatabase(module);
  DefineCollection(module);
  module.def("import_directory", Import);
}

}  // namespace chroma::python
