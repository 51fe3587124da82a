#include "catalog/collection_row.h"

#include <utility>

#include "base/coding.h"
#include "base/json_reader.h"
#include "base/json_writer.h"
#include "model/metadata_codec.h"

namespace chroma::catalog {
namespace {

Status Damaged(const model::Collection& collection, std::string_view what) {
  return Status::DataLoss("catalog: the " + std::string(what) + " of collection " +
                          collection.id.ToString() + " is damaged; restore it from a backup");
}

Result<model::Schema> ParseSchema(const CollectionRow& row) {
  JsonReader reader(row.schema);
  model::Schema schema = model::DecodeStoredSchema(reader);
  reader.Finish();
  if (!reader.ok()) return Damaged(row.head, "schema");
  return schema;
}

// All but the schema.
Result<model::Collection> DecodeHead(CollectionRow row) {
  model::Collection collection = std::move(row.head);
  if (!row.metadata.has_value()) return collection;
  ByteReader reader(*row.metadata);
  model::Metadata metadata;
  if (!model::ReadMetadata(reader, &metadata) || !reader.AtEnd()) {
    return Damaged(collection, "metadata");
  }
  collection.metadata = std::move(metadata);
  return collection;
}

}  // namespace

Result<CollectionRow> ReadRow(const Connection& connection, const Statement& query) {
  CollectionRow row;
  CHROMA_ASSIGN(row.head.id, query.IdAt(0));
  row.head.name = query.TextAt(1);
  row.head.tenant = query.TextAt(2);
  row.head.database = query.TextAt(3);
  if (!query.IsNull(4)) {
    uint64_t dimension = query.UintAt(4);
    if (dimension > UINT32_MAX) return connection.Damaged("a dimension is out of range");
    row.head.dimension = static_cast<uint32_t>(dimension);
  }
  row.head.version = query.UintAt(5);
  row.head.log_offset = query.UintAt(6);
  row.head.manifest = query.TextAt(7);
  if (!query.IsNull(8)) row.metadata = query.TextAt(8);
  row.schema = query.TextAt(9);
  return row;
}

Result<model::Collection> DecodeRow(CollectionRow row) {
  CHROMA_ASSIGN(model::Schema schema, ParseSchema(row));
  CHROMA_ASSIGN(model::Collection collection, DecodeHead(std::move(row)));
  collection.schema = std::move(schema);
  return collection;
}

Result<model::Collection> RowDecoder::Decode(CollectionRow row) {
  if (schema_text_.empty() || row.schema != schema_text_) {
    CHROMA_ASSIGN(schema_, ParseSchema(row));
    schema_text_ = row.schema;
  }
  CHROMA_ASSIGN(model::Collection collection, DecodeHead(std::move(row)));
  collection.schema = schema_;
  return collection;
}

Bytes EncodeMetadata(const model::Metadata& metadata) {
  Bytes bytes;
  model::PutMetadata(bytes, metadata);
  return bytes;
}

std::string EncodeSchema(const model::Schema& schema) {
  std::string json;
  JsonWriter writer(&json);
  model::EncodeStoredSchema(writer, schema);
  return json;
}

}  // namespace chroma::catalog
