#include "segment/sparse_frequency.h"

#include "index/sparse/sparse_query.h"

namespace chroma::segment {

Result<std::vector<uint64_t>> CountSparse(runtime::Context& ctx, const Snapshot& snapshot,
                                          std::string_view key,
                                          std::span<const uint32_t> dimensions) {
  std::vector<uint64_t> counts(dimensions.size());
  for (const SnapshotPart& part : snapshot.parts) {
    CHROMA_TRY(part.part->CountSparse(ctx, key, dimensions, *part.dead, counts));
  }
  return counts;
}

Result<model::SparseVector> ScaleByRarity(runtime::Context& ctx, const Snapshot& snapshot,
                                          std::string_view key, const model::SparseVector& query) {
  CHROMA_TRY(index::CheckSparseQuery(query));
  CHROMA_ASSIGN(const std::vector<uint64_t> counts, CountSparse(ctx, snapshot, key, query.indices));
  model::SparseVector scaled = query;
  for (size_t i = 0; i < counts.size(); ++i) {
    const double rarity = index::InverseDocumentFrequency(snapshot.live, counts[i]);
    scaled.values[i] = static_cast<float>(double{query.values[i]} * rarity);
  }
  return scaled;
}

}  // namespace chroma::segment
