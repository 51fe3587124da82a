// Metadata as bytes, for the log, segments and the catalog.
//
//   metadata := count:varint, count × entry, keys strictly ascending by bytes
//   entry    := key:string, type:u8 (ValueType), payload
//   payload  := null            nothing
//               bool            u8, 0 or 1
//               int             zigzag varint
//               float           f64
//               string          string
//               sparse vector   n:varint, has_tokens:u8, n × u32 index, n × f32 value,
//                               n × string token when has_tokens
//               bool array      n:varint, n × u8
//               int array       n:varint, n × zigzag varint
//               float array     n:varint, n × f64
//               string array    n:varint, n × string
//   string   := length:varint, bytes
//
// Fixed width numbers are little-endian. Equal metadata has equal bytes.
#pragma once

#include "base/bytes.h"
#include "base/coding.h"
#include "model/metadata.h"

namespace chroma::model {

void PutMetadata(Bytes& out, const Metadata& metadata);
void PutMetadataValue(Bytes& out, const MetadataValue& value);  // type and payload

// Read what the functions above wrote. False, with the reader failed, on anything else; no claimed
// length allocates more than a small multiple of the bytes that are left. `*out` is only then
// meaningful when true is returned.
bool ReadMetadata(ByteReader& reader, Metadata* out);
bool ReadMetadataValue(ByteReader& reader, MetadataValue* out);

}  // namespace chroma::model
