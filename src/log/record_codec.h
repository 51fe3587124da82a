// A RecordBatch as bytes: the payload of a log entry, and the same batch seen in place.
//
// The bytes are what the tail of a collection keeps in memory, so a decoded batch is a set of
// views into them: vectors are stored as one aligned block, strings where they stand.
// Layout: docs/formats.md "Log payload".
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "chroma/status.h"
#include "model/metadata.h"
#include "model/record.h"

namespace chroma::log {

// `request`: model::RequestTag::id of what the batch was written for; 0: none.
Bytes EncodeBatch(const model::RecordBatch& batch, uint64_t request = 0);

// Views into the payload, which must outlive this.
struct BatchView {
  struct Row {
    std::string_view id;
    const float* vector = nullptr;  // null: none given; 4-byte aligned when the payload's start is
    std::optional<std::string_view> document;
    std::optional<std::string_view> uri;
    BytesView metadata;  // model/metadata_codec.h; empty: none given
  };
  model::Operation operation = model::Operation::kAdd;
  uint32_t dimension = 0;
  uint64_t request = 0;  // see EncodeBatch
  std::vector<Row> rows;
};

// Checks every length. kDataLoss when the bytes are not what EncodeBatch writes,
// kFailedPrecondition when a newer program wrote them.
Result<BatchView> DecodeBatch(BytesView payload);
// The metadata of a row.
Result<model::Metadata> DecodeRowMetadata(BytesView metadata);

}  // namespace chroma::log
