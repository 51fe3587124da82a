// Bodies of the record routes: add, update, upsert, delete, get, query, search.
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/base64.h"
#include "gateway/decode.h"
#include "gateway/decode_fields.h"
#include "gateway/decode_struct.h"
#include "model/limits.h"
#include "model/metadata_json.h"
#include "model/search_json.h"

namespace chroma::gateway {
namespace {

using OptionalText = std::optional<std::string>;

// [text | null, …]; null instead of the list is none.
void ReadTextColumn(JsonReader& reader, std::vector<OptionalText>* column,
                    std::optional<size_t>* length) {
  if (reader.TryNull()) return;
  for (reader.BeginArray(); reader.NextElement();) {
    column->emplace_back();
    if (!reader.TryNull()) column->back() = reader.ReadString();
  }
  *length = column->size();
}

void ReadMetadataColumn(JsonReader& reader, bool allow_null_values,
                        std::vector<std::optional<model::Metadata>>* column,
                        std::optional<size_t>* length) {
  if (reader.TryNull()) return;
  for (reader.BeginArray(); reader.NextElement();) {
    column->emplace_back();
    if (!reader.TryNull()) column->back() = model::DecodeMetadata(reader, allow_null_values);
  }
  *length = column->size();
}

// Either arrays of numbers or base64 strings, not both in one request.
class EmbeddingsDecoder {
 public:
  EmbeddingsDecoder(WriteBody* body, bool is_update) : body_(*body), is_update_(is_update) {}

  void Read(JsonReader& reader) {
    if (is_update_ && reader.TryNull()) return;
    const JsonReader::Checkpoint mark = reader.Save();
    const bool matched = ReadElements(reader);
    if (matched && reader.ok()) return Finish();
    if (!reader.ok() && reader.error().kind == JsonError::Kind::kSyntax) return;
    reader.Restore(mark);
    reader.SkipValue();
    reader.NoVariant(is_update_ ? "UpdateEmbeddingsPayload" : "EmbeddingsPayload");
  }

 private:
  bool ReadElements(JsonReader& reader) {
    if (reader.Peek() != JsonReader::Kind::kArray) return false;
    model::RecordBatch& batch = body_.request.batch;
    for (reader.BeginArray(); reader.NextElement();) {
      switch (reader.Peek()) {
        case JsonReader::Kind::kArray: {
          const size_t before = batch.vectors.values.size();
          if (!texts_.empty() || !reader.ReadF32Array(&batch.vectors.values)) return false;
          AddVector(batch.vectors.values.size() - before);
          break;
        }
        case JsonReader::Kind::kString:
          if (!lengths_.empty()) return false;
          if (texts_.empty()) texts_.resize(nulls_);
          texts_.push_back(reader.ReadString());
          has_vector_.push_back(1);
          break;
        case JsonReader::Kind::kNull:
          if (!is_update_ || !reader.TryNull()) return false;
          has_vector_.push_back(0);
          if (texts_.empty()) {
            ++nulls_;
          } else {
            texts_.emplace_back();
          }
          break;
        case JsonReader::Kind::kEnd:
          static_cast<void>(reader.ReadF32());  // reports what is wrong
          return false;
        default:
          return false;
      }
    }
    return true;
  }

  void AddVector(size_t length) {
    lengths_.push_back(static_cast<uint32_t>(length));
    has_vector_.push_back(1);
  }

  void Finish() {
    engine::WriteRequest& request = body_.request;
    request.shape.embeddings = has_vector_.size();
    request.shape.vector_lengths = std::move(lengths_);
    request.batch.has_vector = std::move(has_vector_);
    if (!texts_.empty()) body_.base64 = std::move(texts_);
  }

  WriteBody& body_;
  const bool is_update_;
  std::vector<uint32_t> lengths_;
  std::vector<uint8_t> has_vector_;
  std::vector<OptionalText> texts_;
  size_t nulls_ = 0;  // leading ones, while no string was seen
};

std::string_view WriteStructName(model::Operation operation) {
  switch (operation) {
    case model::Operation::kUpdate:
      return "UpdateCollectionRecordsPayload";
    case model::Operation::kUpsert:
      return "UpsertCollectionRecordsPayload";
    default:
      return "AddCollectionRecordsPayload";
  }
}

std::string FloatText(float value) {
  if (std::isnan(value)) return "NaN";
  return value > 0 ? "inf" : "-inf";
}

// Appends the floats of one base64 text.
Result<uint32_t> AppendBase64(const std::string& text, std::vector<float>* values) {
  CHROMA_ASSIGN(Bytes bytes, Base64Decode(text));
  if (bytes.size() % sizeof(float) != 0) {
    return Status::InvalidArgument(
        "Invalid byte length: " + std::to_string(bytes.size()) +
        " bytes cannot be converted to f32 values (must be divisible by 4)");
  }
  static_assert(std::endian::native == std::endian::little);
  const size_t n = bytes.size() / sizeof(float);
  const size_t begin = values->size();
  values->resize(begin + n);
  if (n > 0) std::memcpy(values->data() + begin, bytes.data(), bytes.size());
  for (size_t i = 0; i < n; ++i) {
    const float value = (*values)[begin + i];
    if (!std::isfinite(value)) {
      return Status::InvalidArgument("Non-finite float value at embedding index " +
                                     std::to_string(i) + ": " + FloatText(value));
    }
  }
  return static_cast<uint32_t>(n);
}

// Rows of one length make a matrix; others are refused by the engine's checks.
void SetDimension(const std::vector<uint32_t>& lengths, model::VectorMatrix* matrix) {
  if (!lengths.empty()) matrix->dimension = lengths.front();
}

}  // namespace

WriteBody DecodeWrite(JsonReader& reader, model::Operation operation) {
  WriteBody body;
  model::RecordBatch& batch = body.request.batch;
  model::BatchShape& shape = body.request.shape;
  batch.operation = operation;
  const bool is_update = operation == model::Operation::kUpdate;
  const bool allow_null_values = operation != model::Operation::kAdd;
  EmbeddingsDecoder embeddings(&body, is_update);
  DecodeStruct(
      reader, WriteStructName(operation), StructForm::kObjectOrSequence,
      {{"ids", true, [&](JsonReader& r) { batch.ids = ReadTexts(r); }},
       {"embeddings", !is_update, [&](JsonReader& r) { embeddings.Read(r); }},
       {"documents", false,
        [&](JsonReader& r) { ReadTextColumn(r, &batch.documents, &shape.documents); }},
       {"uris", false, [&](JsonReader& r) { ReadTextColumn(r, &batch.uris, &shape.uris); }},
       {"metadatas", false, [&](JsonReader& r) {
          ReadMetadataColumn(r, allow_null_values, &batch.metadatas, &shape.metadatas);
        }}});
  SetDimension(shape.vector_lengths, &batch.vectors);
  return body;
}

Result<engine::WriteRequest> ToWriteRequest(WriteBody body) {
  if (!body.base64) return std::move(body.request);
  model::RecordBatch& batch = body.request.batch;
  std::vector<uint32_t>& lengths = body.request.shape.vector_lengths;
  for (const OptionalText& text : *body.base64) {
    if (!text) continue;
    CHROMA_ASSIGN(uint32_t length, AppendBase64(*text, &batch.vectors.values));
    lengths.push_back(length);
  }
  SetDimension(lengths, &batch.vectors);
  return std::move(body.request);
}

GetBody DecodeGet(JsonReader& reader) {
  GetBody body;
  body.include = {model::kIncludeDocuments, model::kIncludeMetadatas};
  std::vector<StructField> fields;
  AddFilterFields(&body.filter, &fields);
  fields.push_back({"limit", false, ReadOptionalU32(&body.limit)});
  fields.push_back({"offset", false, ReadOptionalU32(&body.offset)});
  fields.push_back({"include", false, ReadInclude(&body.include)});
  DecodeStruct(reader, "GetRequestPayload", StructForm::kObject, fields);
  return body;
}

QueryBody DecodeQuery(JsonReader& reader) {
  QueryBody body;
  std::vector<StructField> fields;
  AddQueryFields(&body, &fields);
  DecodeStruct(reader, "QueryRequestPayload", StructForm::kObject, fields);
  FinishQuery(&body);
  return body;
}

RecallBody DecodeRecall(JsonReader& reader) {
  std::optional<uint32_t> queries;
  std::optional<uint32_t> n_results;
  DecodeStruct(reader, "RecallRequestPayload", StructForm::kObject,
               {{"n_queries", false, ReadOptionalU32(&queries)},
                {"n_results", false, ReadOptionalU32(&n_results)}});
  RecallBody body;
  body.queries = queries.value_or(body.queries);
  body.n_results = n_results.value_or(body.n_results);
  return body;
}

DeleteBody DecodeDelete(JsonReader& reader) {
  DeleteBody body;
  std::vector<StructField> fields;
  AddFilterFields(&body.filter, &fields);
  fields.push_back({"limit", false, ReadOptionalU32(&body.limit)});
  DecodeStruct(reader, "DeleteCollectionRecordsPayload", StructForm::kObject, fields);
  return body;
}

Result<engine::GetRequest> ToGetRequest(GetBody body) {
  engine::GetRequest request;
  CHROMA_TRY(ParseFilters(body.filter, &request.where, &request.where_document));
  request.ids = std::move(body.filter.ids);
  request.limit = body.limit;
  request.offset = body.offset.value_or(0);
  request.include = ToSet(body.include);
  return request;
}

Result<engine::QueryRequest> ToQueryRequest(QueryBody body) {
  engine::QueryRequest request;
  CHROMA_TRY(ParseFilters(body.filter, &request.where, &request.where_document));
  request.ids = std::move(body.filter.ids);
  request.queries = std::move(body.queries);
  request.query_lengths = std::move(body.query_lengths);
  request.n_results = body.n_results.value_or(model::kDefaultResults);
  request.include = ToSet(body.include);
  return request;
}

Result<engine::DeleteRequest> ToDeleteRequest(DeleteBody body) {
  engine::DeleteRequest request;
  CHROMA_TRY(ParseFilters(body.filter, &request.where, &request.where_document));
  request.ids = std::move(body.filter.ids);
  request.limit = body.limit;
  return request;
}

engine::SearchRequest DecodeSearch(JsonReader& reader) {
  engine::SearchRequest request;
  DecodeStruct(
      reader, "SearchRequestPayload", StructForm::kObjectOrSequence,
      {{"searches", true,
        [&](JsonReader& r) {
          for (r.BeginArray(); r.NextElement();) {
            if (request.searches.size() == model::kSearchesMax) {
              return r.FailShape("more than " + std::to_string(model::kSearchesMax) + " searches");
            }
            request.searches.push_back(model::DecodeSearch(r));
          }
        }},
       // Whatever is asked for, every write that was acknowledged is seen.
       {"read_level", false, [](JsonReader& r) {
          r.ReadVariant({"index_and_wal", "index_only", "index_and_bounded_wal"});
        }}});
  return request;
}

}  // namespace chroma::gateway
