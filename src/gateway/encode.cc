#include "gateway/encode.h"

#include <string_view>

#include "base/json_writer.h"
#include "model/metadata_json.h"

namespace chroma::gateway {
namespace {

void WriteDatabase(JsonWriter& out, const model::Database& database) {
  out.BeginObject();
  out.StringField("id", database.id.ToString());
  out.StringField("name", database.name);
  out.StringField("tenant", database.tenant);
  out.EndObject();
}

void WriteOptionalMetadata(JsonWriter& out, const std::optional<model::Metadata>& metadata) {
  if (metadata) {
    model::EncodeMetadata(out, *metadata);
  } else {
    out.Null();
  }
}

void WriteCollection(JsonWriter& out, const model::Collection& collection) {
  out.BeginObject();
  out.StringField("id", collection.id.ToString());
  out.StringField("name", collection.name);
  out.Key("configuration_json");
  model::EncodeConfigurationJson(out, collection.schema);
  out.Key("schema");
  model::EncodeSchema(out, collection.schema);
  out.Key("metadata");
  if (collection.metadata && !collection.metadata->empty()) {
    model::EncodeMetadata(out, *collection.metadata);
  } else {
    out.Null();
  }
  out.Key("dimension");
  if (collection.dimension) {
    out.Uint(*collection.dimension);
  } else {
    out.Null();
  }
  out.StringField("tenant", collection.tenant);
  out.StringField("database", collection.database);
  // What the log and the versions of this server count is of no use to clients; upstream's
  // single node always answers 0.
  out.Key("log_position");
  out.Uint(0);
  out.Key("version");
  out.Uint(0);
  out.EndObject();
}

void WriteTexts(JsonWriter& out, const std::vector<std::optional<std::string>>& texts) {
  out.BeginArray();
  for (const std::optional<std::string>& text : texts) {
    if (text) {
      out.String(*text);
    } else {
      out.Null();
    }
  }
  out.EndArray();
}

void WriteIds(JsonWriter& out, const executor::Records& records) {
  out.BeginArray();
  for (const std::string& id : records.ids) out.String(id);
  out.EndArray();
}

void WriteEmbeddings(JsonWriter& out, const executor::Records& records) {
  out.BeginArray();
  for (size_t i = 0; i < records.embeddings.rows(); ++i) {
    out.F32Array(records.embeddings.row(i), records.embeddings.dimension);
  }
  out.EndArray();
}

void WriteMetadatas(JsonWriter& out, const executor::Records& records) {
  out.BeginArray();
  for (const std::optional<model::Metadata>& metadata : records.metadatas) {
    WriteOptionalMetadata(out, metadata);
  }
  out.EndArray();
}

bool Contains(const std::vector<model::Include>& include, model::Include one) {
  for (model::Include given : include) {
    if (given == one) return true;
  }
  return false;
}

std::string_view IncludeName(model::Include include) {
  switch (include) {
    case model::kIncludeDocuments:
      return "documents";
    case model::kIncludeMetadatas:
      return "metadatas";
    case model::kIncludeEmbeddings:
      return "embeddings";
    case model::kIncludeUris:
      return "uris";
    case model::kIncludeDistances:
      return "distances";
  }
  return "";
}

void WriteInclude(JsonWriter& out, const std::vector<model::Include>& include) {
  out.Key("include");
  out.BeginArray();
  for (model::Include one : include) out.String(IncludeName(one));
  out.EndArray();
}

// The record columns of get (one list) and query (a list of lists), by one function each.
template <typename WriteAll>
void WriteColumns(JsonWriter& out, const std::vector<model::Include>& include, WriteAll write_all) {
  const auto column = [&](std::string_view key, model::Include wanted, auto write) {
    out.Key(key);
    if (Contains(include, wanted)) {
      write_all(write);
    } else {
      out.Null();
    }
  };
  using executor::Records;
  out.Key("ids");
  write_all([&](const Records& records) { WriteIds(out, records); });
  column("embeddings", model::kIncludeEmbeddings,
         [&](const Records& records) { WriteEmbeddings(out, records); });
  column("documents", model::kIncludeDocuments,
         [&](const Records& records) { WriteTexts(out, records.documents); });
  column("uris", model::kIncludeUris,
         [&](const Records& records) { WriteTexts(out, records.uris); });
  column("metadatas", model::kIncludeMetadatas,
         [&](const Records& records) { WriteMetadatas(out, records); });
}

void WriteDistances(JsonWriter& out, const executor::QueryResult& result) {
  out.BeginArray();
  for (const std::vector<float>& distances : result.distances) {
    out.F32Array(distances.data(), distances.size());
  }
  out.EndArray();
}

}  // namespace

std::string EncodeTenant(const model::Tenant& tenant) {
  std::string body;
  JsonWriter out(&body);
  out.BeginObject();
  out.StringField("name", tenant.name);
  out.Key("resource_name");
  out.Null();
  out.EndObject();
  return body;
}

std::string EncodeDatabase(const model::Database& database) {
  std::string body;
  JsonWriter out(&body);
  WriteDatabase(out, database);
  return body;
}

std::string EncodeDatabases(const std::vector<model::Database>& databases) {
  std::string body;
  JsonWriter out(&body);
  out.BeginArray();
  for (const model::Database& database : databases) WriteDatabase(out, database);
  out.EndArray();
  return body;
}

std::string EncodeCollection(const model::Collection& collection) {
  std::string body;
  JsonWriter out(&body);
  WriteCollection(out, collection);
  return body;
}

std::string EncodeCollections(const std::vector<model::Collection>& collections) {
  std::string body;
  JsonWriter out(&body);
  out.BeginArray();
  for (const model::Collection& collection : collections) WriteCollection(out, collection);
  out.EndArray();
  return body;
}

void WriteGet(JsonWriter& out, const executor::Records& records,
              const std::vector<model::Include>& include) {
  WriteColumns(out, include, [&](auto write) { write(records); });
  WriteInclude(out, include);
}

std::string EncodeGet(const executor::Records& records,
                      const std::vector<model::Include>& include) {
  std::string body;
  JsonWriter out(&body);
  out.BeginObject();
  WriteGet(out, records, include);
  out.EndObject();
  return body;
}

std::string EncodeQuery(const executor::QueryResult& result,
                        const std::vector<model::Include>& include) {
  std::string body;
  JsonWriter out(&body);
  out.BeginObject();
  WriteColumns(out, include, [&](auto write) {
    out.BeginArray();
    for (const executor::Records& records : result.records) write(records);
    out.EndArray();
  });
  out.Key("distances");
  if (Contains(include, model::kIncludeDistances)) {
    WriteDistances(out, result);
  } else {
    out.Null();
  }
  WriteInclude(out, include);
  out.EndObject();
  return body;
}

std::string EncodeSearch(const executor::SearchResult& result,
                         const std::vector<model::Search>& searches) {
  std::string body;
  JsonWriter out(&body);
  // One element per search; null where it does not select the column.
  const auto column = [&](std::string_view key, auto selected, auto write) {
    out.Key(key);
    out.BeginArray();
    for (size_t i = 0; i < searches.size(); ++i) {
      if (selected(searches[i].select)) {
        write(i);
      } else {
        out.Null();
      }
    }
    out.EndArray();
  };
  using model::Select;
  const std::vector<executor::Records>& records = result.records;
  out.BeginObject();
  column(
      "ids", [](const Select&) { return true; }, [&](size_t i) { WriteIds(out, records[i]); });
  column(
      "documents", [](const Select& select) { return select.document; },
      [&](size_t i) { WriteTexts(out, records[i].documents); });
  column(
      "embeddings", [](const Select& select) { return select.embedding; },
      [&](size_t i) { WriteEmbeddings(out, records[i]); });
  column(
      "metadatas", [](const Select& select) { return select.ShowsMetadata(); },
      [&](size_t i) { WriteMetadatas(out, records[i]); });
  column(
      "scores", [](const Select& select) { return select.score; },
      [&](size_t i) { out.F32Array(result.scores[i].data(), result.scores[i].size()); });
  column(
      "select", [](const Select&) { return true; },
      [&](size_t i) {
        out.BeginArray();
        for (const std::string& key : searches[i].select.Keys()) out.String(key);
        out.EndArray();
      });
  out.EndObject();
  return body;
}

std::string EncodeDeleted(uint64_t count) {
  return "{\"deleted\":" + std::to_string(count) + "}";
}

std::string EncodeRecall(const executor::RecallReport& report) {
  const auto milliseconds_each = [&](int64_t ns) {
    return report.queries == 0
               ? 0.0
               : static_cast<double>(ns) / 1e6 / static_cast<double>(report.queries);
  };
  std::string body;
  JsonWriter out(&body);
  out.BeginObject();
  out.Key("recall");
  out.F64(report.recall);
  out.Key("n_queries");
  out.Uint(report.queries);
  out.Key("n_records");
  out.Uint(report.records);
  out.Key("query_milliseconds");
  out.F64(milliseconds_each(report.search_ns));
  out.Key("exact_query_milliseconds");
  out.F64(milliseconds_each(report.exact_ns));
  out.EndObject();
  return body;
}

std::string EncodeIndexingStatus(const engine::IndexingStatus& status) {
  const uint64_t total = status.indexed_operations + status.unindexed_operations;
  const double indexed = static_cast<double>(status.indexed_operations);
  const double progress = total == 0 ? 1.0 : indexed / static_cast<double>(total);
  std::string body;
  JsonWriter out(&body);
  out.BeginObject();
  out.Key("op_indexing_progress");
  out.F64(progress);
  out.Key("num_unindexed_ops");
  out.Uint(status.unindexed_operations);
  out.Key("num_indexed_ops");
  out.Uint(status.indexed_operations);
  out.Key("total_ops");
  out.Uint(total);
  out.EndObject();
  return body;
}

}  // namespace chroma::gateway
