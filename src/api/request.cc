#include "api/request.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "api/rank.h"
#include "api/values.h"
#include "base/json_reader.h"
#include "model/configuration_json.h"

namespace chroma::api {
namespace {

static_assert(static_cast<uint32_t>(Include::kDocuments) == model::kIncludeDocuments);
static_assert(static_cast<uint32_t>(Include::kMetadatas) == model::kIncludeMetadatas);
static_assert(static_cast<uint32_t>(Include::kEmbeddings) == model::kIncludeEmbeddings);
static_assert(static_cast<uint32_t>(Include::kUris) == model::kIncludeUris);
static_assert(static_cast<uint32_t>(Include::kDistances) == model::kIncludeDistances);
static_assert(static_cast<uint8_t>(Space::kInnerProduct) ==
              static_cast<uint8_t>(model::Space::kInnerProduct));

std::string Element(const char* column, size_t i) {
  return std::string(column) + "[" + std::to_string(i) + "]";
}

// The text of an option that is JSON, read whole by `decode`. Its errors begin with `what`; with
// nothing where they are to be those of other clients.
template <typename Decode>
auto ReadText(const std::string& what, const std::string& text, Decode decode)
    -> Result<decltype(decode(std::declval<JsonReader&>()))> {
  JsonReader reader(text);
  auto value = decode(reader);
  reader.Finish();
  if (!reader.ok()) return Status::InvalidArgument(what + reader.error().message);
  return value;
}

Status GivenTwice(const std::string& what) {
  return Status::InvalidArgument(what + " and " + what + "_json must not both be given");
}

Result<model::Configuration> ToModel(const CollectionConfiguration& configuration) {
  model::Configuration converted;
  const HnswConfiguration& hnsw = configuration.hnsw;
  converted.hnsw.emplace();
  if (hnsw.space) converted.hnsw->space = static_cast<model::Space>(*hnsw.space);
  converted.hnsw->ef_construction = hnsw.ef_construction;
  converted.hnsw->max_neighbors = hnsw.max_neighbors;
  converted.hnsw->ef_search = hnsw.ef_search;
  converted.hnsw->num_threads = hnsw.num_threads;
  converted.hnsw->batch_size = hnsw.batch_size;
  converted.hnsw->sync_threshold = hnsw.sync_threshold;
  converted.hnsw->resize_factor = hnsw.resize_factor;
  if (*converted.hnsw == model::HnswConfig()) converted.hnsw.reset();
  if (!configuration.embedding_function.empty()) {
    CHROMA_ASSIGN(converted.embedding_function,
                  ReadText("configuration.embedding_function: ", configuration.embedding_function,
                           model::DecodeEmbeddingFunction));
  }
  return converted;
}

Status CheckTexts(const char* column, const std::vector<std::string>& texts) {
  for (size_t i = 0; i < texts.size(); ++i) {
    if (Status text = CheckText("", texts[i]); !text.ok()) {
      return CheckText(Element(column, i), texts[i]);
    }
  }
  return Status::Ok();
}

Status CheckTexts(const char* column, const std::vector<std::optional<std::string>>& texts) {
  for (size_t i = 0; i < texts.size(); ++i) {
    if (!texts[i]) continue;
    if (Status text = CheckText("", *texts[i]); !text.ok()) {
      return CheckText(Element(column, i), *texts[i]);
    }
  }
  return Status::Ok();
}

std::vector<uint32_t> LengthsOf(const Embeddings& embeddings) {
  std::vector<uint32_t> lengths(embeddings.rows());
  for (size_t i = 0; i < lengths.size(); ++i) {
    lengths[i] = static_cast<uint32_t>(embeddings.row_length(i));
  }
  return lengths;
}

model::VectorMatrix ToMatrix(Embeddings embeddings) {
  model::VectorMatrix matrix;
  matrix.dimension = static_cast<uint32_t>(embeddings.dimension());
  matrix.values = embeddings.Release();
  return matrix;
}

// Which records have a vector, where not all do.
Status CheckHasEmbedding(model::Operation operation, const Records& records) {
  if (records.has_embedding.empty()) return Status::Ok();
  const auto marked = std::count(records.has_embedding.begin(), records.has_embedding.end(), true);
  if (static_cast<size_t>(marked) != records.embeddings.rows()) {
    return Status::InvalidArgument("has_embedding marks " + std::to_string(marked) +
                                   " records, but there are " +
                                   std::to_string(records.embeddings.rows()) + " embeddings");
  }
  const bool all = static_cast<size_t>(marked) == records.has_embedding.size();
  if (!all && operation != model::Operation::kUpdate) {
    return Status::InvalidArgument(
        "has_embedding must mark every record: only Update takes records without embeddings");
  }
  return Status::Ok();
}

// What get, query and delete share.
template <typename Options, typename Request>
Status SetFilters(Options& options, Request* request,
                  model::Dialect dialect = model::Dialect::kUpstream) {
  if (options.ids) CHROMA_TRY(CheckTexts("ids", *options.ids));
  request->ids = std::move(options.ids);
  if (!options.where.empty()) {
    CHROMA_ASSIGN(JsonValue where, ParseJson(options.where.ToJson()));
    CHROMA_ASSIGN(request->where, model::ParseWhere(where, dialect));
  }
  if (!options.where_document.empty()) {
    CHROMA_ASSIGN(JsonValue where, ParseJson(options.where_document.ToJson()));
    CHROMA_ASSIGN(request->where_document, model::ParseWhereDocument(where, dialect));
  }
  return Status::Ok();
}

bool AllFinite(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
}

// JSON has no other numbers.
Status CheckFinite(const model::Rank& rank) {
  bool finite = true;
  for (const model::RankNode& node : rank.nodes) finite &= std::isfinite(node.value);
  for (const model::Knn& knn : rank.knns) {
    const model::SparseVector* sparse = knn.sparse();
    if (sparse != nullptr) finite &= AllFinite(sparse->values);
    const auto* dense = std::get_if<std::vector<float>>(&knn.query);
    if (dense != nullptr) finite &= AllFinite(*dense);
    finite &= std::isfinite(knn.default_score.value_or(0));
  }
  return finite ? Status::Ok() : Status::InvalidArgument("rank must not contain NaN or infinities");
}

Status CheckTexts(const model::Rank& rank) {
  for (const model::Knn& knn : rank.knns) {
    CHROMA_TRY(CheckText("key", knn.key));
    if (knn.text() != nullptr) CHROMA_TRY(CheckText("query", *knn.text()));
    if (knn.sparse() != nullptr) CHROMA_TRY(CheckTexts("query.tokens", knn.sparse()->tokens));
  }
  return Status::Ok();
}

Result<model::Search> ToModel(SearchOptions options) {
  model::Search search;
  if (!options.where.empty()) {
    CHROMA_ASSIGN(JsonValue where, ParseJson(options.where.ToJson()));
    CHROMA_ASSIGN(search.filter, model::ParseWhere(where));
  }
  if (const model::Rank* rank = RankAccess::Get(options.rank)) {
    CHROMA_TRY(CheckFinite(*rank));
    CHROMA_TRY(CheckTexts(*rank));
    search.rank = *rank;
  }
  CHROMA_TRY(CheckTexts("group_by.keys", options.group_by.keys));
  CHROMA_TRY(CheckTexts("group_by.by", options.group_by.by));
  CHROMA_TRY(CheckTexts("select", options.select));
  if (!options.group_by.keys.empty()) {
    search.group_by.keys = std::move(options.group_by.keys);
    search.group_by.aggregate = model::Aggregate{
        options.group_by.largest, std::move(options.group_by.by), options.group_by.k};
  }
  search.limit = options.limit;
  search.offset = options.offset;
  search.select = model::Select::FromKeys(std::move(options.select));
  return search;
}

}  // namespace

Result<engine::CreateCollectionRequest> ToRequest(const std::string& name,
                                                  const CreateCollectionOptions& options) {
  engine::CreateCollectionRequest request;
  CHROMA_TRY(CheckText("name", name));
  CHROMA_TRY(CheckMetadata("metadata", options.metadata, /*allow_null=*/false));
  request.name = name;
  if (!options.metadata.empty()) request.metadata = ToModel(options.metadata);
  CHROMA_ASSIGN(model::Configuration configuration, ToModel(options.configuration));
  if (!options.configuration_json.empty()) {
    if (configuration != model::Configuration()) return GivenTwice("configuration");
    CHROMA_ASSIGN(configuration,
                  ReadText("", options.configuration_json, model::DecodeConfiguration));
  }
  if (configuration != model::Configuration()) request.configuration = std::move(configuration);
  if (!options.schema.empty()) {
    CHROMA_ASSIGN(request.schema, ReadText("schema: ", options.schema, model::DecodeSchema));
  }
  request.get_or_create = options.get_or_create;
  return request;
}

Result<engine::ModifyCollectionRequest> ToRequest(const ModifyCollectionOptions& options) {
  engine::ModifyCollectionRequest request;
  if (options.new_name) CHROMA_TRY(CheckText("new_name", *options.new_name));
  request.new_name = options.new_name;
  if (options.new_metadata) {
    CHROMA_TRY(CheckMetadata("new_metadata", *options.new_metadata, /*allow_null=*/true));
    request.new_metadata = ToModel(*options.new_metadata);
  }
  if (options.new_configuration) {
    const HnswConfiguration& hnsw = options.new_configuration->hnsw;
    if (hnsw.space || hnsw.ef_construction) {
      return Status::InvalidArgument(
          "new_configuration: space and ef_construction are fixed when a collection is created");
    }
    CHROMA_ASSIGN(request.new_configuration, ToModel(*options.new_configuration));
  }
  if (!options.new_configuration_json.empty()) {
    if (options.new_configuration) return GivenTwice("new_configuration");
    CHROMA_ASSIGN(request.new_configuration,
                  ReadText("", options.new_configuration_json, model::DecodeConfigurationUpdate));
  }
  if (!options.new_schema.empty()) {
    CHROMA_ASSIGN(request.new_schema,
                  ReadText("new_schema: ", options.new_schema, model::DecodeSchema));
  }
  return request;
}

Result<engine::WriteRequest> ToRequest(model::Operation operation, Records records) {
  CHROMA_TRY(CheckTexts("ids", records.ids));
  CHROMA_TRY(CheckTexts("documents", records.documents));
  CHROMA_TRY(CheckTexts("uris", records.uris));
  CHROMA_TRY(CheckHasEmbedding(operation, records));
  const bool is_update = operation == model::Operation::kUpdate;

  engine::WriteRequest request;
  model::RecordBatch& batch = request.batch;
  model::BatchShape& shape = request.shape;
  batch.operation = operation;
  batch.ids = std::move(records.ids);
  batch.documents = std::move(records.documents);
  batch.uris = std::move(records.uris);
  batch.metadatas.resize(records.metadatas.size());
  for (size_t i = 0; i < records.metadatas.size(); ++i) {
    const Metadata& metadata = records.metadatas[i];
    if (metadata.empty()) continue;
    CHROMA_TRY(CheckMetadata(Element("metadatas", i), metadata,
                             /*allow_null=*/operation != model::Operation::kAdd));
    batch.metadatas[i] = ToModel(metadata);
  }
  if (!batch.documents.empty()) shape.documents = batch.documents.size();
  if (!batch.uris.empty()) shape.uris = batch.uris.size();
  if (!batch.metadatas.empty()) shape.metadatas = batch.metadatas.size();

  shape.vector_lengths = LengthsOf(records.embeddings);
  if (!records.has_embedding.empty()) {
    batch.has_vector.assign(records.has_embedding.begin(), records.has_embedding.end());
    shape.embeddings = batch.has_vector.size();
  } else if (!is_update || !records.embeddings.empty()) {
    shape.embeddings = records.embeddings.rows();
  }
  batch.vectors = ToMatrix(std::move(records.embeddings));
  return request;
}

Result<engine::GetRequest> ToRequest(GetOptions options) {
  engine::GetRequest request;
  CHROMA_TRY(SetFilters(options, &request));
  request.limit = options.limit;
  request.offset = options.offset;
  request.include = static_cast<model::IncludeSet>(options.include);
  return request;
}

Result<engine::QueryRequest> ToRequest(QueryOptions options) {
  engine::QueryRequest request;
  CHROMA_TRY(SetFilters(options, &request));
  const std::span<const float> values = options.query_embeddings.values();
  if (!std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); })) {
    return Status::InvalidArgument("query_embeddings must not contain NaN or infinities");
  }
  request.query_lengths = LengthsOf(options.query_embeddings);
  request.queries = ToMatrix(std::move(options.query_embeddings));
  request.n_results = options.n_results;
  request.include = static_cast<model::IncludeSet>(options.include);
  return request;
}

Result<engine::SearchRequest> ToRequest(std::vector<SearchOptions> searches) {
  engine::SearchRequest request;
  for (SearchOptions& options : searches) {
    CHROMA_ASSIGN(model::Search search, ToModel(std::move(options)));
    request.searches.push_back(std::move(search));
  }
  return request;
}

Result<engine::DeleteRequest> ToRequest(DeleteOptions options) {
  engine::DeleteRequest request;
  CHROMA_TRY(SetFilters(options, &request));
  request.limit = options.limit;
  return request;
}

Result<engine::FacetsRequest> ToRequest(FacetsOptions options) {
  engine::FacetsRequest request;
  CHROMA_TRY(SetFilters(options, &request, model::Dialect::kExtended));
  for (size_t i = 0; i < options.facets.size(); ++i) {
    Facet& facet = options.facets[i];
    CHROMA_TRY(CheckText(Element("facets", i) + ".key", facet.key));
    request.facets.push_back({std::move(facet.key), facet.limit, facet.by_value});
  }
  return request;
}

Result<engine::ListRequest> ToRequest(ListRecordsOptions options) {
  engine::ListRequest request;
  CHROMA_TRY(SetFilters(options, &request, model::Dialect::kExtended));
  for (size_t i = 0; i < options.order_by.size(); ++i) {
    SortKey& key = options.order_by[i];
    CHROMA_TRY(CheckText(Element("order_by", i) + ".key", key.key));
    request.order_by.push_back({std::move(key.key), key.descending});
  }
  request.limit = options.limit;
  request.offset = options.offset;
  request.include =
      static_cast<model::IncludeSet>(options.include) & ~uint32_t{model::kIncludeDistances};
  if (options.highlight) {
    request.highlight = {options.highlight->matches, options.highlight->snippets,
                         options.highlight->snippet_characters};
  }
  return request;
}

Result<std::vector<std::string>> ToIds(std::vector<std::string> ids) {
  CHROMA_TRY(CheckTexts("records", ids));
  return ids;
}

}  // namespace chroma::api
