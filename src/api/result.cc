#include "api/result.h"

#include <cmath>
#include <limits>
#include <utility>

#include "api/values.h"
#include "base/json_writer.h"

namespace chroma::api {
namespace {

std::vector<Metadata> ToMetadatas(const std::vector<std::optional<model::Metadata>>& metadatas) {
  std::vector<Metadata> converted(metadatas.size());
  for (size_t i = 0; i < metadatas.size(); ++i) converted[i] = FromModel(metadatas[i]);
  return converted;
}

Embeddings ToEmbeddings(model::VectorMatrix matrix) {
  return Embeddings(std::move(matrix.values), matrix.dimension);
}

}  // namespace

CollectionInfo ToInfo(const model::Collection& collection) {
  CollectionInfo info;
  info.id = collection.id.ToString();
  info.name = collection.name;
  info.tenant = collection.tenant;
  info.database = collection.database;
  info.metadata = FromModel(collection.metadata);
  JsonWriter configuration_out(&info.configuration_json);
  model::EncodeConfigurationJson(configuration_out, collection.schema);
  if (Result<JsonValue> json = ParseJson(info.configuration_json); json.ok()) {
    info.configuration = ReadConfiguration(*json);
  }
  JsonWriter schema_out(&info.schema);
  model::EncodeSchema(schema_out, collection.schema);
  info.dimension = collection.dimension;
  return info;
}

RecallReport ToReport(const executor::RecallReport& report) {
  const auto milliseconds_each = [&](int64_t ns) {
    return report.queries == 0 ? 0.0 : static_cast<double>(ns) / 1e6 / report.queries;
  };
  return {report.recall, report.records, report.queries, milliseconds_each(report.search_ns),
          milliseconds_each(report.exact_ns)};
}

DatabaseInfo ToInfo(model::Database database) {
  return {database.id.ToString(), std::move(database.name), std::move(database.tenant)};
}

GetResult ToResult(executor::Records records, model::IncludeSet include) {
  GetResult result;
  result.ids = std::move(records.ids);
  if ((include & model::kIncludeEmbeddings) != 0) {
    result.embeddings = ToEmbeddings(std::move(records.embeddings));
  }
  result.documents = std::move(records.documents);
  result.metadatas = ToMetadatas(records.metadatas);
  result.uris = std::move(records.uris);
  return result;
}

QueryResult ToResult(executor::QueryResult found, model::IncludeSet include) {
  QueryResult result;
  const size_t queries = found.records.size();
  const auto wanted = [&](model::Include one) { return (include & one) != 0 ? queries : 0; };
  result.ids.resize(queries);
  result.embeddings.resize(wanted(model::kIncludeEmbeddings));
  result.documents.resize(wanted(model::kIncludeDocuments));
  result.metadatas.resize(wanted(model::kIncludeMetadatas));
  result.uris.resize(wanted(model::kIncludeUris));
  result.distances.resize(wanted(model::kIncludeDistances));
  for (size_t q = 0; q < queries; ++q) {
    executor::Records& records = found.records[q];
    result.ids[q] = std::move(records.ids);
    if (!result.embeddings.empty()) {
      result.embeddings[q] = ToEmbeddings(std::move(records.embeddings));
    }
    if (!result.documents.empty()) result.documents[q] = std::move(records.documents);
    if (!result.metadatas.empty()) {
      result.metadatas[q] = ToMetadatas(records.metadatas);
    }
    if (!result.uris.empty()) result.uris[q] = std::move(records.uris);
    if (!result.distances.empty() && q < found.distances.size()) {
      result.distances[q] = std::move(found.distances[q]);
      for (float& distance : result.distances[q]) {
        if (!std::isfinite(distance)) distance = std::numeric_limits<float>::infinity();
      }
    }
  }
  return result;
}

std::vector<SearchResult> ToResults(executor::SearchResult found) {
  std::vector<SearchResult> results(found.records.size());
  for (size_t i = 0; i < results.size(); ++i) {
    executor::Records& records = found.records[i];
    results[i].ids = std::move(records.ids);
    results[i].embeddings = ToEmbeddings(std::move(records.embeddings));
    results[i].documents = std::move(records.documents);
    results[i].metadatas = ToMetadatas(records.metadatas);
    results[i].scores = std::move(found.scores[i]);
    // What a server cannot tell, no client is told.
    for (float& score : results[i].scores) {
      if (!std::isfinite(score)) score = std::numeric_limits<float>::quiet_NaN();
    }
  }
  return results;
}

FacetsResult ToResult(executor::FacetResult counted) {
  FacetsResult result;
  result.count = counted.count;
  for (executor::FacetValues& facet : counted.facets) {
    FacetValues& shown = result.facets.emplace_back();
    shown.key = std::move(facet.key);
    shown.records = facet.records;
    shown.distinct = facet.distinct;
    for (const segment::ValueCount& one : facet.values) {
      shown.values.push_back({FromModel(one.value), one.count});
    }
  }
  return result;
}

ListRecordsResult ToResult(executor::ListResult listed, model::IncludeSet include) {
  const auto range = [](const index::Highlight& from) {
    return TextRange{from.characters.begin, from.characters.end, from.bytes.begin, from.bytes.end};
  };
  ListRecordsResult result;
  result.records = ToResult(std::move(listed.records), include);
  for (std::optional<executor::DocumentHighlights>& found : listed.highlights) {
    std::optional<Highlights>& shown = result.highlights.emplace_back();
    if (!found) continue;
    shown.emplace();
    shown->cut = found->places.cut;
    for (const index::Highlight& match : found->places.matches) {
      shown->matches.push_back(range(match));
    }
    for (size_t i = 0; i < found->snippets.size(); ++i) {
      shown->snippets.push_back({std::move(found->snippets[i]), range(found->places.snippets[i])});
    }
  }
  return result;
}

CollectionDescription ToDescription(executor::CollectionStatus status) {
  CollectionDescription description;
  description.records = status.records;
  description.indexed_operations = status.indexed_operations;
  description.unindexed_operations = status.total_operations - status.indexed_operations;
  description.version = status.version;
  description.manifest = std::move(status.manifest);
  description.log_begin = status.log_offset;
  description.log_end = status.log_end;
  description.log_operations = status.tail_records;
  for (executor::SegmentStatus& segment : status.segment_list) {
    SegmentDescription& added = description.segments.emplace_back();
    added.blob = std::move(segment.blob);
    added.size_bytes = segment.size_bytes;
    added.rows = segment.rows;
    added.deleted = segment.deleted;
    added.unindexed_rows = segment.unindexed_rows;
    for (executor::IndexStatus& index : segment.indexes) {
      added.indexes.push_back({std::move(index.blob), index.size_bytes, index.rows});
    }
  }
  return description;
}

}  // namespace chroma::api
