// Records, as requests carry them in and reads give them back.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "model/metadata.h"

namespace chroma::model {

// Never reorder: the numbers are on disk.
enum class Operation : uint8_t { kAdd = 0, kUpdate = 1, kUpsert = 2, kDelete = 3 };

// The vectors of one request: rows of equal length, one after the other.
struct VectorMatrix {
  uint32_t dimension = 0;
  std::vector<float> values;  // row-major, rows() * dimension
  size_t rows() const { return dimension == 0 ? 0 : values.size() / dimension; }
  const float* row(size_t i) const { return values.data() + i * dimension; }
};

// One write request: an operation on n records, applied in order and atomically. Column vectors
// are either empty (the column was not given) or have n elements.
struct RecordBatch {
  Operation operation = Operation::kAdd;
  std::vector<std::string> ids;  // n
  // Row i of `vectors` belongs to the i-th record that has one. `has_vector` is empty when all
  // have (or, with no vectors at all, none has).
  VectorMatrix vectors;
  std::vector<uint8_t> has_vector;
  std::vector<std::optional<std::string>> documents;
  std::vector<std::optional<std::string>> uris;
  std::vector<std::optional<Metadata>> metadatas;

  size_t size() const { return ids.size(); }
};

// The lengths of a request's columns as they were given, for validation alone: a batch cannot say
// that `documents` was the empty list, or that the vectors were of different lengths. An absent
// count is a column that was not given.
struct BatchShape {
  std::optional<size_t> embeddings;
  std::vector<uint32_t> vector_lengths;  // of the elements of `embeddings` that are not null
  std::optional<size_t> documents;
  std::optional<size_t> uris;
  std::optional<size_t> metadatas;
};

// The shape of a batch whose empty columns were not given (an add or upsert always gives vectors).
BatchShape ShapeOf(const RecordBatch& batch);

// Moves the reserved keys "chroma:document" and "chroma:uri" of every metadata to the record's
// document and uri, which they override. Values that are not strings were refused before
// (ValidateRecordPayload) and stay where they are. Needs metadatas.size() == size() or empty.
void ExtractReservedKeys(RecordBatch& batch);

// What a read may ask for besides ids.
enum Include : uint32_t {
  kIncludeDocuments = 1u << 0,
  kIncludeMetadatas = 1u << 1,
  kIncludeEmbeddings = 1u << 2,
  kIncludeUris = 1u << 3,
  kIncludeDistances = 1u << 4,
};
using IncludeSet = uint32_t;

// One record as a read returns it; fields that were not asked for are empty.
struct Record {
  std::string id;
  std::vector<float> embedding;
  std::optional<std::string> document;
  std::optional<std::string> uri;
  std::optional<Metadata> metadata;  // without hidden keys; see executor/project.h for null
};

}  // namespace chroma::model
