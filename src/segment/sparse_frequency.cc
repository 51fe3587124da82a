#include "segment/sparse_frequency.h"

#include "index/sparse/sparse_query.h"

namespace chroma::segment {

std::optional<uint64_t> SparseFrequencies::Find(std::string_view key, uint32_t dimension) const {
  runtime::MutexLock lock(mutex_);
  const auto of_key = counts_.find(key);
  if (of_key == counts_.end()) return std::nullopt;
  const auto found = of_key->second.find(dimension);
  return found == of_key->second.end() ? std::nullopt : std::optional(found->second);
}

void SparseFrequencies::Add(std::string_view key, std::span<const uint32_t> dimensions,
                            std::span<const uint64_t> counts) {
  runtime::MutexLock lock(mutex_);
  if (size_ + dimensions.size() > kCountsMax) {
    counts_.clear();
    size_ = 0;
    if (dimensions.size() > kCountsMax) return;
  }
  auto of_key = counts_.find(key);
  if (of_key == counts_.end()) of_key = counts_.try_emplace(std::string(key)).first;
  for (size_t i = 0; i < dimensions.size(); ++i) {
    size_ += of_key->second.emplace(dimensions[i], counts[i]).second ? 1 : 0;
  }
}

Result<std::vector<uint64_t>> CountSparse(runtime::Context& ctx, const Snapshot& snapshot,
                                          std::string_view key,
                                          std::span<const uint32_t> dimensions) {
  std::vector<uint64_t> counts(dimensions.size());
  std::vector<uint32_t> unknown;
  std::vector<size_t> places;  // of the unknown ones
  for (size_t i = 0; i < dimensions.size(); ++i) {
    std::optional<uint64_t> known;
    if (snapshot.frequencies != nullptr) known = snapshot.frequencies->Find(key, dimensions[i]);
    if (known) {
      counts[i] = *known;
    } else {
      unknown.push_back(dimensions[i]);
      places.push_back(i);
    }
  }
  if (unknown.empty()) return counts;
  std::vector<uint64_t> counted(unknown.size());
  for (const SnapshotPart& part : snapshot.parts) {
    CHROMA_TRY(part.part->CountSparse(ctx, key, unknown, *part.dead, counted));
  }
  for (size_t i = 0; i < places.size(); ++i) counts[places[i]] = counted[i];
  if (snapshot.frequencies != nullptr) snapshot.frequencies->Add(key, unknown, counted);
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
