// A row of `collections` with its database and its version: raw as SQLite gives it, and decoded.
// Copying under the catalog's lock and decoding after keeps that lock short.
#pragma once

#include <optional>
#include <string>

#include "catalog/connection.h"
#include "chroma/status.h"
#include "model/collection.h"

namespace chroma::catalog {

struct CollectionRow {
  model::Collection head;  // without metadata and schema
  std::optional<Bytes> metadata;
  std::string schema;
};

// `query` stands on a row of id, name, tenant, database, dimension, version, log offset, manifest,
// metadata, schema.
Result<CollectionRow> ReadRow(const Connection& connection, const Statement& query);
// kDataLoss when metadata or schema do not decode.
Result<model::Collection> DecodeRow(CollectionRow row);

// The same for many rows. Most schemas of a database are equal, and parsing one costs more than
// copying it, so the last one is kept.
class RowDecoder {
 public:
  Result<model::Collection> Decode(CollectionRow row);

 private:
  std::string schema_text_;  // of schema_; empty before the first
  model::Schema schema_;
};

Bytes EncodeMetadata(const model::Metadata& metadata);
std::string EncodeSchema(const model::Schema& schema);

}  // namespace chroma::catalog
