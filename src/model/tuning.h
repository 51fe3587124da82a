// What a user may say about the vector index of a collection beyond upstream's configuration, under
// keys of the collection's metadata, so that every client can:
//
//   vector:target_recall  a number above 0 and at most 1
//   vector:memory         "auto", "roomy" or "compact"
//
// They hold from the next query on.
#pragma once

#include <cstdint>
#include <optional>

#include "chroma/status.h"
#include "model/metadata.h"

namespace chroma::model {

enum class IndexMemory : uint8_t {
  kAuto,     // packed nodes, where there is memory for them
  kRoomy,    // packed nodes, whatever the limit of memory
  kCompact,  // codes only
};

struct VectorTuning {
  float target_recall = 0;  // 0: not said
  IndexMemory memory = IndexMemory::kAuto;
};

// kInvalidArgument, naming the key, for a value that means nothing. Other keys are somebody else's.
Result<VectorTuning> TuningOf(const std::optional<Metadata>& metadata);

}  // namespace chroma::model
