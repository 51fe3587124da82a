#include <algorithm>
#include <cmath>
#include <string>

#include "model/limits.h"
#include "model/validate.h"

namespace chroma::model {

namespace {

// Reserved keys become the document or uri of the record, so they hold text or are refused:
// upstream lets others pass and its writer dies of them.
bool HasBadReservedKey(const Metadata& metadata) {
  for (std::string_view key : {kDocumentMetadataKey, kUriMetadataKey}) {
    const MetadataValue* value = metadata.Find(key);
    if (value != nullptr && !std::holds_alternative<std::string>(*value)) return true;
  }
  return false;
}

bool IsFinite(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(), [](float x) { return std::isfinite(x); });
}

Status ValidateLengths(size_t ids, const BatchShape& shape) {
  for (const auto& column : {shape.embeddings, shape.documents, shape.uris, shape.metadatas}) {
    if (column && *column != ids) {
      return Status::InvalidArgument(
          "Inconsistent number of IDs, embeddings, documents, URIs and metadatas");
    }
  }
  return Status::Ok();
}

}  // namespace

Status ValidateRecordPayload(const RecordBatch& batch,
                             const std::vector<uint32_t>& vector_lengths) {
  if (std::find(vector_lengths.begin(), vector_lengths.end(), 0u) != vector_lengths.end()) {
    return Status::InvalidArgument(
        "Validation error: embeddings: Each embedding must have at least 1 dimension");
  }
  if (!IsFinite(batch.vectors.values)) {
    return Status::InvalidArgument(
        "Validation error: embeddings: Embeddings must not contain NaN or Infinity values");
  }
  for (size_t i = 0; i < batch.metadatas.size(); ++i) {
    const std::optional<Metadata>& metadata = batch.metadatas[i];
    if (!metadata) continue;
    if (!ValidateMetadata(*metadata).ok() || HasBadReservedKey(*metadata)) {
      return Status::InvalidArgument("Validation error: metadatas: Invalid metadata at index " +
                                     std::to_string(i));
    }
  }
  return Status::Ok();
}

Status ValidateDimensions(const std::vector<uint32_t>& vector_lengths,
                          std::optional<uint32_t> dimension) {
  if (vector_lengths.empty()) return Status::Ok();
  const uint32_t length = vector_lengths.front();
  const auto differs = [length](uint32_t other) { return other != length; };
  if (std::any_of(vector_lengths.begin(), vector_lengths.end(), differs)) {
    return Status::InvalidArgument("Inconsistent dimensions in provided embeddings");
  }
  if (dimension && *dimension != length) {
    return Status::InvalidArgument("Collection expecting embedding with dimension of " +
                                   std::to_string(*dimension) + ", got " + std::to_string(length));
  }
  if (!dimension && length > kDimensionMax) {
    return Status::InvalidArgument("Embedding dimension of " + std::to_string(length) +
                                   " exceeds the limit of " + std::to_string(kDimensionMax));
  }
  return Status::Ok();
}

Status ValidateRecords(const RecordBatch& batch, const BatchShape& shape) {
  CHROMA_TRY(ValidateLengths(batch.ids.size(), shape));
  for (const std::string& id : batch.ids) {
    if (id.empty()) {
      return Status::InvalidArgument("Empty ID, ID must have at least one character");
    }
  }
  return Status::Ok();
}

Status ValidateRecords(const RecordBatch& batch) {
  return ValidateRecords(batch, ShapeOf(batch));
}

}  // namespace chroma::model
