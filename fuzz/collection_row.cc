// catalog/collection_row.h: what a row of the catalog holds of a collection. The first line of an
// input is its schema, the rest its metadata.
#include "catalog/collection_row.h"

#include <string>
#include <utility>

#include "base/check.h"
#include "fuzz.h"

namespace chroma::fuzz {

void Run(BytesView input) {
  const auto [schema, metadata] = SplitFirstLine(input);
  catalog::CollectionRow row;
  row.schema = std::string(schema);
  if (!metadata.empty()) row.metadata = Bytes(metadata);
  const Result<model::Collection> collection = catalog::DecodeRow(std::move(row));
  if (!collection.ok()) {
    CHECK(collection.status().code() == StatusCode::kDataLoss);
    return;
  }
  catalog::CollectionRow written;
  written.schema = catalog::EncodeSchema(collection->schema);
  if (collection->metadata) written.metadata = catalog::EncodeMetadata(*collection->metadata);
  const Result<model::Collection> again = catalog::DecodeRow(written);
  CHECK(again.ok());
  CHECK(catalog::EncodeSchema(again->schema) == written.schema);
  CHECK(again->metadata.has_value() == collection->metadata.has_value());
  if (again->metadata) CHECK(catalog::EncodeMetadata(*again->metadata) == *written.metadata);
}

}  // namespace chroma::fuzz
