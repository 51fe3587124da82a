#include "gateway/encode_extensions.h"

#include "base/json_writer.h"
#include "gateway/encode.h"
#include "model/metadata_json.h"

namespace chroma::gateway {
namespace {

void UintField(JsonWriter& out, std::string_view key, uint64_t value) {
  out.Key(key);
  out.Uint(value);
}

void WriteFacet(JsonWriter& out, const executor::FacetValues& facet) {
  out.BeginObject();
  out.StringField("key", facet.key);
  UintField(out, "records", facet.records);
  UintField(out, "distinct", facet.distinct);
  out.Key("values");
  out.BeginArray();
  for (const segment::ValueCount& one : facet.values) {
    out.BeginObject();
    out.Key("value");
    model::EncodeMetadataValue(out, one.value);
    UintField(out, "count", one.count);
    out.EndObject();
  }
  out.EndArray();
  out.EndObject();
}

double Milliseconds(int64_t ns) {
  return static_cast<double>(ns) / 1e6;
}

void NumberField(JsonWriter& out, std::string_view key, double value) {
  out.Key(key);
  out.F64(value);
}

void BoolField(JsonWriter& out, std::string_view key, bool value) {
  out.Key(key);
  out.Bool(value);
}

template <typename T, typename Write>
void ListField(JsonWriter& out, std::string_view key, const std::vector<T>& list, Write write) {
  out.Key(key);
  out.BeginArray();
  for (const T& one : list) write(out, one);
  out.EndArray();
}

void WriteRange(JsonWriter& out, const index::Highlight& range) {
  UintField(out, "begin", range.characters.begin);
  UintField(out, "end", range.characters.end);
  UintField(out, "begin_byte", range.bytes.begin);
  UintField(out, "end_byte", range.bytes.end);
}

void WriteHighlights(JsonWriter& out, const std::optional<executor::DocumentHighlights>& found) {
  if (!found) return out.Null();
  out.BeginObject();
  ListField(out, "matches", found->places.matches,
            [](JsonWriter& to, const index::Highlight& match) {
              to.BeginObject();
              WriteRange(to, match);
              to.EndObject();
            });
  out.Key("snippets");
  out.BeginArray();
  for (size_t i = 0; i < found->snippets.size(); ++i) {
    out.BeginObject();
    out.StringField("text", found->snippets[i]);
    WriteRange(out, found->places.snippets[i]);
    out.EndObject();
  }
  out.EndArray();
  if (found->places.cut) BoolField(out, "cut", true);
  out.EndObject();
}

// Depth is bounded by the filter's.
void WriteStep(JsonWriter& out, const executor::Step& step) {
  out.BeginObject();
  out.StringField("step", step.what);
  if (!step.how.empty()) out.StringField("by", step.how);
  UintField(out, "records_in", step.rows_in);
  if (step.estimate) NumberField(out, "estimated_records_out", *step.estimate);
  UintField(out, "records_out", step.rows_out);
  NumberField(out, "milliseconds", Milliseconds(step.ns));
  if (!step.steps.empty()) ListField(out, "steps", step.steps, WriteStep);
  out.EndObject();
}

void WriteClause(JsonWriter& out, const executor::Verdict& verdict) {
  out.BeginObject();
  out.StringField("clause", verdict.clause);
  BoolField(out, "matches", verdict.matches);
  if (!verdict.value.empty()) {
    out.Key("value");
    out.Raw(verdict.value);
  }
  if (!verdict.clauses.empty()) ListField(out, "clauses", verdict.clauses, WriteClause);
  out.EndObject();
}

void WriteKnn(JsonWriter& out, const executor::KnnVerdict& knn) {
  out.BeginObject();
  out.StringField("knn", knn.knn);
  if (knn.place) UintField(out, "place", *knn.place);
  if (knn.distance) {
    out.Key("distance");
    out.F32(*knn.distance);
  }
  BoolField(out, "within_limit", knn.within_limit);
  out.EndObject();
}

void WriteRecord(JsonWriter& out, const executor::RecordVerdict& record) {
  out.BeginObject();
  out.StringField("id", record.id);
  BoolField(out, "exists", record.exists);
  BoolField(out, "matches", record.matches);
  BoolField(out, "returned", record.returned);
  out.StringField("reason", record.reason);
  if (record.place) UintField(out, "place", *record.place);
  if (record.score) {
    out.Key("score");
    out.F32(*record.score);
  }
  if (record.filter) {
    out.Key("filter");
    WriteClause(out, *record.filter);
  }
  if (!record.knns.empty()) ListField(out, "knns", record.knns, WriteKnn);
  out.EndObject();
}

}  // namespace

std::string EncodeList(const executor::ListResult& result,
                       const std::vector<model::Include>& include, bool highlight) {
  std::string body;
  JsonWriter out(&body);
  out.BeginObject();
  WriteGet(out, result.records, include);
  if (highlight) {
    ListField(out, "highlights", result.highlights, WriteHighlights);
  } else {
    out.Key("highlights");
    out.Null();
  }
  out.EndObject();
  return body;
}

std::string EncodeExplanation(const executor::Explanation& explanation) {
  std::string body;
  JsonWriter out(&body);
  out.BeginObject();
  out.Key("collection");
  out.BeginObject();
  UintField(out, "records", explanation.records);
  UintField(out, "segments", explanation.segments);
  UintField(out, "log_operations", explanation.log_operations);
  out.EndObject();
  UintField(out, "returned", explanation.returned);
  NumberField(out, "milliseconds", Milliseconds(explanation.ns));
  ListField(out, "steps", explanation.steps, WriteStep);
  ListField(out, "records", explanation.verdicts, WriteRecord);
  out.EndObject();
  return body;
}

std::string EncodeFacets(const executor::FacetResult& result) {
  std::string body;
  JsonWriter out(&body);
  out.BeginObject();
  UintField(out, "count", result.count);
  out.Key("facets");
  out.BeginArray();
  for (const executor::FacetValues& facet : result.facets) WriteFacet(out, facet);
  out.EndArray();
  out.EndObject();
  return body;
}

namespace {

void WriteSegment(JsonWriter& out, const executor::SegmentStatus& segment) {
  out.BeginObject();
  out.StringField("blob", segment.blob);
  UintField(out, "size_bytes", segment.size_bytes);
  UintField(out, "rows", segment.rows);
  UintField(out, "deleted", segment.deleted);
  UintField(out, "unindexed_rows", segment.unindexed_rows);
  out.Key("indexes");
  out.BeginArray();
  for (const executor::IndexStatus& index : segment.indexes) {
    out.BeginObject();
    out.StringField("blob", index.blob);
    UintField(out, "size_bytes", index.size_bytes);
    UintField(out, "rows", index.rows);
    out.EndObject();
  }
  out.EndArray();
  out.EndObject();
}

}  // namespace

std::string EncodeDescription(const executor::CollectionStatus& status) {
  std::string body;
  JsonWriter out(&body);
  out.BeginObject();
  UintField(out, "records", status.records);
  UintField(out, "indexed_operations", status.indexed_operations);
  UintField(out, "unindexed_operations", status.total_operations - status.indexed_operations);
  UintField(out, "version", status.version);
  out.StringField("manifest", status.manifest);
  UintField(out, "log_offset", status.log_offset);
  UintField(out, "log_end", status.log_end);
  UintField(out, "log_operations", status.tail_records);
  out.Key("segments");
  out.BeginArray();
  for (const executor::SegmentStatus& segment : status.segment_list) WriteSegment(out, segment);
  out.EndArray();
  out.EndObject();
  return body;
}

}  // namespace chroma::gateway
