// Standard base64 with canonical padding, strict: what the wire contract accepts for vectors.
#pragma once

#include "base/bytes.h"
#include "chroma/status.h"

namespace chroma {

// kInvalidArgument with the wire contract's texts, e.g. "Invalid base64 string: Invalid padding"
// (rest-api.md §7.1).
Result<Bytes> Base64Decode(BytesView text);
Bytes Base64Encode(BytesView bytes);

}  // namespace chroma
