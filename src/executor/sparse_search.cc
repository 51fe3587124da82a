#include "executor/sparse_search.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/top_k.h"

namespace chroma::executor {
namespace {

// visit(row, vector) for every row of `rows` that has a sparse vector under the key.
template <typename Visit>
Status ForEachVector(runtime::Context& ctx, const segment::Part& part, const Bitmap& rows,
                     std::string_view key, Visit visit) {
  constexpr size_t kRowsAtATime = 1024;
  std::vector<uint32_t> numbers(kRowsAtATime);
  std::vector<model::Metadata> metadata;
  for (uint32_t from = 0;;) {
    CHROMA_TRY(ctx.Check());
    const size_t n = rows.Read(from, numbers.data(), numbers.size());
    if (n == 0) return Status::Ok();
    metadata.clear();
    CHROMA_TRY(part.ReadMetadata({numbers.data(), n}, &metadata));
    for (size_t i = 0; i < n; ++i) {
      const model::MetadataValue* value = metadata[i].Find(key);
      if (value == nullptr) continue;
      if (const auto* vector = std::get_if<model::SparseVector>(value)) visit(numbers[i], *vector);
    }
    if (numbers[n - 1] == UINT32_MAX) return Status::Ok();
    from = numbers[n - 1] + 1;
  }
}

// visit(place in a, place in b) for every index that both have.
template <typename Visit>
void ForEachShared(const model::SparseVector& a, const model::SparseVector& b, Visit visit) {
  for (size_t i = 0, j = 0; i < a.indices.size() && j < b.indices.size();) {
    if (a.indices[i] < b.indices[j]) {
      ++i;
    } else if (b.indices[j] < a.indices[i]) {
      ++j;
    } else {
      visit(i++, j++);
    }
  }
}

}  // namespace

Status SearchSparse(runtime::Context& ctx, const segment::Part& part, const Bitmap& allowed,
                    std::string_view key, const model::SparseVector& query, size_t k,
                    std::vector<index::Candidate>* out) {
  TopK nearest(k);
  const auto visit = [&](uint32_t row, const model::SparseVector& vector) {
    double dot = 0;
    bool shared = false;
    ForEachShared(query, vector, [&](size_t i, size_t j) {
      dot += static_cast<double>(query.values[i]) * static_cast<double>(vector.values[j]);
      shared = true;
    });
    if (!shared) return;
    const auto distance = static_cast<float>(1 - dot);
    nearest.Push(
        {std::isnan(distance) ? std::numeric_limits<float>::infinity() : distance, row, 0, row});
  };
  CHROMA_TRY(ForEachVector(ctx, part, allowed, key, visit));
  for (const Neighbor& neighbor : nearest.Take()) out->push_back({neighbor.distance, neighbor.row});
  return Status::Ok();
}

Result<model::SparseVector> ScaleByRarity(runtime::Context& ctx, const segment::Snapshot& snapshot,
                                          std::string_view key, const model::SparseVector& query) {
  std::vector<uint64_t> records(query.indices.size());
  for (const segment::SnapshotPart& part : snapshot.parts) {
    Bitmap live = Bitmap::Range(0, part.part->rows());
    live -= *part.dead;
    CHROMA_TRY(
        ForEachVector(ctx, *part.part, live, key, [&](uint32_t, const model::SparseVector& vector) {
          ForEachShared(query, vector, [&](size_t i, size_t) { ++records[i]; });
        }));
  }
  model::SparseVector scaled = query;
  const auto all = static_cast<double>(snapshot.live);
  for (size_t i = 0; i < records.size(); ++i) {
    const double with = std::min(static_cast<double>(records[i]), all);
    scaled.values[i] = static_cast<float>(static_cast<double>(query.values[i]) *
                                          std::log(1 + (all - with + 0.5) / (with + 0.5)));
  }
  return scaled;
}

}  // namespace chroma::executor
