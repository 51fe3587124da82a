// Exact nearest neighbours by scanning the rows: the answer for small segments, for the tail,
// for selective filters, and the oracle of every other index.
#pragma once

#include <vector>

#include "index/vector/vector_index.h"
#include "simd/kernels.h"

namespace chroma::index {

class FlatIndex final : public VectorIndex {
 public:
  // Uses the kernels chosen for this processor, or the given ones (tests).
  FlatIndex();
  explicit FlatIndex(const simd::Kernels& kernels) : kernels_(&kernels) {}

  Status Search(const VectorSource& source, const SearchRequest& request,
                std::vector<Candidate>* out) const override;

 private:
  const simd::Kernels* kernels_;
};

// The distance of two vectors as users see it; +inf instead of NaN.
float Distance(model::Space space, const float* a, const float* b, size_t dimension);

// Distances from `query` to the given rows (out[i] belongs to rows[i]), as FlatIndex computes
// them: for re-ranking and for ranks that need every row. A null row gives +inf.
void Distances(model::Space space, const float* query, const float* const* rows, size_t n,
               size_t dimension, float* out);

// 1 / ||row|| as VectorSource::inverse_norms wants it.
float InverseNorm(const float* row, size_t dimension);

}  // namespace chroma::index
