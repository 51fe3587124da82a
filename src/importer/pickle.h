// index_metadata.pickle: which user's id has which label in an HNSW file.
//
// Python's pickle is a program for a stack machine. This reads the few instructions that such a
// file consists of, and never runs anything: the only class that it lets through is the one that
// Chroma up to 0.6 wrote, of which it keeps the members.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "chroma/status.h"

namespace chroma::importer {

struct LabelOfId {
  BytesView id;  // in the bytes that were decoded
  uint64_t label = 0;
};

struct IndexMetadata {
  std::optional<uint64_t> dimension;
  uint64_t total_elements_added = 0;
  std::optional<uint64_t> max_seq_id;
  std::vector<LabelOfId> labels;  // in the order of the file
  // What made reading end early, where that was asked for; then `labels` are the first ones.
  std::string damage;
};

// kDataLoss, saying where, for bytes that are no such file; with `salvage` what stands before the
// damage is returned, if that is anything.
Result<IndexMetadata> DecodeIndexMetadata(BytesView bytes, bool salvage);

}  // namespace chroma::importer
