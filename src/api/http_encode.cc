#include "api/http_encode.h"

#include <cmath>
#include <utility>

#include "base/base64.h"
#include "base/json_writer.h"
#include "model/configuration_json.h"
#include "model/metadata_json.h"
#include "model/search_json.h"

namespace chroma::api {
namespace {

using OptionalText = std::optional<std::string>;

void WriteTexts(JsonWriter& out, const std::vector<std::string>& texts) {
  out.BeginArray();
  for (const std::string& text : texts) out.String(text);
  out.EndArray();
}

// A column that was not given is left out.
void WriteTextColumn(JsonWriter& out, std::string_view key,
                     const std::vector<OptionalText>& texts) {
  if (texts.empty()) return;
  out.Key(key);
  out.BeginArray();
  for (const OptionalText& text : texts) {
    if (text) {
      out.String(*text);
    } else {
      out.Null();
    }
  }
  out.EndArray();
}

void WriteMetadataColumn(JsonWriter& out,
                         const std::vector<std::optional<model::Metadata>>& metadatas) {
  if (metadatas.empty()) return;
  out.Key("metadatas");
  out.BeginArray();
  for (const std::optional<model::Metadata>& metadata : metadatas) {
    if (metadata) {
      model::EncodeMetadata(out, *metadata);
    } else {
      out.Null();
    }
  }
  out.EndArray();
}

// Rows may differ in length, which the server refuses.
void WriteVectors(JsonWriter& out, const engine::WriteRequest& request) {
  if (!request.shape.embeddings) return;
  out.Key("embeddings");
  out.BeginArray();
  const float* values = request.batch.vectors.values.data();
  size_t row = 0;
  for (size_t i = 0; i < *request.shape.embeddings; ++i) {
    if (!request.batch.has_vector.empty() && request.batch.has_vector[i] == 0) {
      out.Null();
      continue;
    }
    const size_t length = request.shape.vector_lengths[row++];
    out.String(Base64Encode({reinterpret_cast<const char*>(values), length * sizeof(float)}));
    values += length;
  }
  out.EndArray();
}

void WriteHnsw(JsonWriter& out, const model::HnswConfig& hnsw) {
  using Field = model::StrictField<model::HnswConfig>;
  using Config = model::HnswConfig;
  static constexpr Field kFields[] = {
      {.name = "space", .space = &Config::space},
      {.name = "ef_construction", .integer = &Config::ef_construction},
      {.name = "ef_search", .integer = &Config::ef_search},
      {.name = "max_neighbors", .integer = &Config::max_neighbors},
      {.name = "num_threads", .integer = &Config::num_threads},
      {.name = "batch_size", .integer = &Config::batch_size},
      {.name = "sync_threshold", .integer = &Config::sync_threshold},
      {.name = "resize_factor", .real = &Config::resize_factor},
  };
  model::EncodeStrict(out, hnsw, std::span<const Field>(kFields));
}

void WriteConfiguration(JsonWriter& out, const model::Configuration& configuration) {
  out.BeginObject();
  if (configuration.hnsw) {
    out.Key("hnsw");
    WriteHnsw(out, *configuration.hnsw);
  }
  if (configuration.embedding_function) {
    out.Key("embedding_function");
    model::EncodeEmbeddingFunction(out, *configuration.embedding_function);
  }
  out.EndObject();
}

// A filter of documents in the grammar of where_document: its conditions without their key.
JsonValue DocumentJson(const model::Filter& filter) {
  const auto* logical = std::get_if<model::LogicalFilter>(&filter.node);
  if (logical == nullptr) {
    const JsonValue leaf = model::WhereToJson(filter);
    const JsonValue* condition = leaf.Find(model::kDocumentKey);
    return condition == nullptr ? leaf : *condition;
  }
  JsonArray children;
  for (const model::Filter& child : logical->children) children.push_back(DocumentJson(child));
  JsonObject object;
  object.emplace_back(logical->op == model::LogicalOperator::kAnd ? "$and" : "$or",
                      JsonValue(std::move(children)));
  return JsonValue(std::move(object));
}

// What get, query and delete share.
template <typename Request>
void WriteFilters(JsonWriter& out, const Request& request) {
  if (request.ids) {
    out.Key("ids");
    WriteTexts(out, *request.ids);
  }
  if (request.where) {
    out.Key("where");
    WriteJson(out, model::WhereToJson(*request.where));
  }
  if (request.where_document) {
    out.Key("where_document");
    WriteJson(out, DocumentJson(*request.where_document));
  }
}

void WriteNumber(JsonWriter& out, std::string_view key, uint64_t value) {
  out.Key(key);
  out.Uint(value);
}

void WriteInclude(JsonWriter& out, model::IncludeSet include) {
  static constexpr std::pair<model::Include, std::string_view> kNames[] = {
      {model::kIncludeDocuments, "documents"},
      {model::kIncludeMetadatas, "metadatas"},
      {model::kIncludeEmbeddings, "embeddings"},
      {model::kIncludeUris, "uris"},
      {model::kIncludeDistances, "distances"}};
  out.Key("include");
  out.BeginArray();
  for (const auto& [flag, name] : kNames) {
    if ((include & flag) != 0) out.String(name);
  }
  out.EndArray();
}

void WriteQuery(JsonWriter& out, const engine::QueryRequest& request) {
  WriteFilters(out, request);
  out.Key("query_embeddings");
  out.BeginArray();
  const float* values = request.queries.values.data();
  for (uint32_t length : request.query_lengths) {
    out.F32Array(values, length);
    values += length;
  }
  out.EndArray();
  WriteNumber(out, "n_results", request.n_results);
  WriteInclude(out, request.include);
}

void WriteList(JsonWriter& out, const engine::ListRequest& request) {
  WriteFilters(out, request);
  out.Key("order_by");
  out.BeginArray();
  for (const model::SortKey& key : request.order_by) {
    out.BeginObject();
    out.StringField("key", key.key);
    out.Key("descending");
    out.Bool(key.descending);
    out.EndObject();
  }
  out.EndArray();
  if (request.limit) WriteNumber(out, "limit", *request.limit);
  if (request.offset != 0) WriteNumber(out, "offset", request.offset);
  WriteInclude(out, request.include);
  if (!request.highlight) return;
  out.Key("highlight");
  out.BeginObject();
  WriteNumber(out, "matches", request.highlight->matches_max);
  WriteNumber(out, "snippets", request.highlight->snippets_max);
  WriteNumber(out, "snippet_characters", request.highlight->snippet_characters);
  out.EndObject();
}

// One object whose members `write` writes.
template <typename Write>
std::string Object(Write write) {
  std::string body;
  JsonWriter out(&body);
  out.BeginObject();
  write(out);
  out.EndObject();
  return body;
}

}  // namespace

std::string EncodeSegment(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string encoded;
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      encoded += c;
    } else {
      encoded += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return encoded;
}

std::string EncodePage(const catalog::Page& page) {
  std::string query;
  if (page.limit) query += "?limit=" + std::to_string(*page.limit);
  if (page.offset != 0)
    query += (query.empty() ? "?offset=" : "&offset=") + std::to_string(page.offset);
  return query;
}

std::string EncodeName(const std::string& name) {
  return Object([&](JsonWriter& out) { out.StringField("name", name); });
}

std::string EncodeCreateCollection(const engine::CreateCollectionRequest& request) {
  return Object([&](JsonWriter& out) {
    out.StringField("name", request.name);
    if (request.schema) {
      out.Key("schema");
      model::EncodeSchema(out, *request.schema);
    }
    if (request.configuration) {
      out.Key("configuration");
      WriteConfiguration(out, *request.configuration);
    }
    if (request.metadata) {
      out.Key("metadata");
      model::EncodeMetadata(out, *request.metadata);
    }
    out.Key("get_or_create");
    out.Bool(request.get_or_create);
  });
}

std::string EncodeModifyCollection(const engine::ModifyCollectionRequest& request) {
  return Object([&](JsonWriter& out) {
    if (request.new_name) out.StringField("new_name", *request.new_name);
    if (request.new_metadata) {
      out.Key("new_metadata");
      model::EncodeMetadata(out, *request.new_metadata);
    }
    if (request.new_configuration) {
      out.Key("new_configuration");
      WriteConfiguration(out, *request.new_configuration);
    }
    if (request.new_schema) {
      out.Key("new_schema");
      model::EncodeSchema(out, *request.new_schema);
    }
  });
}

Result<std::string> EncodeWrite(const engine::WriteRequest& request) {
  for (float value : request.batch.vectors.values) {
    if (!std::isfinite(value)) {
      return Status::InvalidArgument(
          "Validation error: embeddings: Embeddings must not contain NaN or Infinity values");
    }
  }
  return Object([&](JsonWriter& out) {
    out.Key("ids");
    WriteTexts(out, request.batch.ids);
    WriteVectors(out, request);
    WriteTextColumn(out, "documents", request.batch.documents);
    WriteTextColumn(out, "uris", request.batch.uris);
    WriteMetadataColumn(out, request.batch.metadatas);
  });
}

std::string EncodeGet(const engine::GetRequest& request) {
  return Object([&](JsonWriter& out) {
    WriteFilters(out, request);
    if (request.limit) WriteNumber(out, "limit", *request.limit);
    if (request.offset != 0) WriteNumber(out, "offset", request.offset);
    WriteInclude(out, request.include);
  });
}

std::string EncodeQuery(const engine::QueryRequest& request) {
  return Object([&](JsonWriter& out) { WriteQuery(out, request); });
}

std::string EncodeSearch(const engine::SearchRequest& request) {
  return Object([&](JsonWriter& out) {
    out.Key("searches");
    out.BeginArray();
    for (const model::Search& search : request.searches) model::EncodeSearch(out, search);
    out.EndArray();
  });
}

std::string EncodeList(const engine::ListRequest& request) {
  return Object([&](JsonWriter& out) { WriteList(out, request); });
}

std::string EncodeExplain(const engine::ExplainRequest& request) {
  return Object([&](JsonWriter& out) {
    if (const auto* list = std::get_if<engine::ListRequest>(&request.request)) {
      out.Key("list");
      out.BeginObject();
      WriteList(out, *list);
      out.EndObject();
    } else if (const auto* query = std::get_if<engine::QueryRequest>(&request.request)) {
      out.Key("query");
      out.BeginObject();
      WriteQuery(out, *query);
      out.EndObject();
    } else {
      out.Key("search");
      model::EncodeSearch(out, std::get<model::Search>(request.request));
    }
    out.Key("records");
    WriteTexts(out, request.records);
  });
}

std::string EncodeFacets(const engine::FacetsRequest& request) {
  return Object([&](JsonWriter& out) {
    WriteFilters(out, request);
    out.Key("facets");
    out.BeginArray();
    for (const model::Facet& facet : request.facets) {
      out.BeginObject();
      out.StringField("key", facet.key);
      WriteNumber(out, "limit", facet.limit);
      out.StringField("sort", facet.by_value ? "value" : "count");
      out.EndObject();
    }
    out.EndArray();
  });
}

std::string EncodeRecall(const RecallOptions& options) {
  return Object([&](JsonWriter& out) {
    WriteNumber(out, "n_queries", options.queries);
    WriteNumber(out, "n_results", options.n_results);
  });
}

std::string EncodeDelete(const engine::DeleteRequest& request) {
  return Object([&](JsonWriter& out) {
    WriteFilters(out, request);
    if (request.limit) WriteNumber(out, "limit", *request.limit);
  });
}

}  // namespace chroma::api
