// Metadata as JSON (rest-api.md §3.3): typed by how a value is written, with arrays of one type
// and sparse vectors {"#type":"sparse_vector","indices":[…],"values":[…],"tokens":[…]}.
#pragma once

#include <optional>

#include "base/json_reader.h"
#include "base/json_writer.h"
#include "model/metadata.h"

namespace chroma::model {

// Reads an object; of a repeated key the last value wins. `allow_null` is for updates, where null
// deletes a key. Shape errors go to the reader: "data did not match any variant of untagged enum
// MetadataValue" (or UpdateMetadataValue).
Metadata DecodeMetadata(JsonReader& reader, bool allow_null);
MetadataValue DecodeMetadataValue(JsonReader& reader, bool allow_null);

// Reads any value; none when it is not a sparse vector, with or without "#type".
std::optional<SparseVector> TryDecodeSparseVector(JsonReader& reader);

// Every key, hidden ones too; keys in byte order.
void EncodeMetadata(JsonWriter& out, const Metadata& metadata);
void EncodeMetadataValue(JsonWriter& out, const MetadataValue& value);

}  // namespace chroma::model
