#include "model/record.h"

#include <utility>

namespace chroma::model {

namespace {

// Takes the string under `key` out of `metadata`.
std::optional<std::string> TakeString(Metadata& metadata, std::string_view key) {
  const MetadataValue* value = metadata.Find(key);
  if (value == nullptr) return std::nullopt;
  const auto* text = std::get_if<std::string>(value);
  if (text == nullptr) return std::nullopt;
  std::optional<std::string> taken(*text);
  metadata.Erase(key);
  return taken;
}

void Override(std::vector<std::optional<std::string>>& column, size_t i, size_t rows,
              std::optional<std::string> value) {
  if (!value) return;
  if (column.size() < rows) column.resize(rows);
  column[i] = std::move(value);
}

}  // namespace

BatchShape ShapeOf(const RecordBatch& batch) {
  BatchShape shape;
  const size_t rows = batch.vectors.rows();
  const bool always = batch.operation == Operation::kAdd || batch.operation == Operation::kUpsert;
  if (!batch.has_vector.empty()) {
    shape.embeddings = batch.has_vector.size();
  } else if (rows != 0 || always) {
    shape.embeddings = rows;
  }
  shape.vector_lengths.assign(rows, batch.vectors.dimension);
  if (!batch.documents.empty()) shape.documents = batch.documents.size();
  if (!batch.uris.empty()) shape.uris = batch.uris.size();
  if (!batch.metadatas.empty()) shape.metadatas = batch.metadatas.size();
  return shape;
}

void ExtractReservedKeys(RecordBatch& batch) {
  const size_t rows = batch.size();
  for (size_t i = 0; i < batch.metadatas.size() && i < rows; ++i) {
    std::optional<Metadata>& metadata = batch.metadatas[i];
    if (!metadata) continue;
    Override(batch.documents, i, rows, TakeString(*metadata, kDocumentMetadataKey));
    Override(batch.uris, i, rows, TakeString(*metadata, kUriMetadataKey));
  }
}

}  // namespace chroma::model
