// How rare the dimensions of a sparse query are among the records of a snapshot.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "chroma/status.h"
#include "model/metadata.h"
#include "runtime/context.h"
#include "runtime/mutex.h"
#include "segment/snapshot.h"

namespace chroma::segment {

// What was counted already in a snapshot: where rows are dead, counting reads whole lists. Holds so
// many counts at most; thread safe.
class SparseFrequencies {
 public:
  static constexpr size_t kCountsMax = 1 << 15;

  std::optional<uint64_t> Find(std::string_view key, uint32_t dimension) const;
  void Add(std::string_view key, std::span<const uint32_t> dimensions,
           std::span<const uint64_t> counts);

 private:
  mutable runtime::Mutex mutex_;
  std::map<std::string, std::unordered_map<uint32_t, uint64_t>, std::less<>> counts_
      CHROMA_GUARDED_BY(mutex_);
  size_t size_ CHROMA_GUARDED_BY(mutex_) = 0;
};

// How many live records have each dimension under `key`. Dimensions ascend strictly.
Result<std::vector<uint64_t>> CountSparse(runtime::Context& ctx, const Snapshot& snapshot,
                                          std::string_view key,
                                          std::span<const uint32_t> dimensions);

// The query for BM25 (semantics.md §2.8): every weight times the inverse document frequency of its
// dimension over all live records, whatever a search's filter and however they are stored.
Result<model::SparseVector> ScaleByRarity(runtime::Context& ctx, const Snapshot& snapshot,
                                          std::string_view key, const model::SparseVector& query);

}  // namespace chroma::segment
