// Weights as codes of one byte. Weights take few different values when they come from a formula
// such as BM25; then each has its own code and nothing is lost, or, when they are more than there
// are codes, rare values share one with their neighbours. Otherwise a code stands for an interval:
// half of the intervals hold equally many weights, the other half divide the range evenly, so that
// the rare large weights, which decide who is nearest, are told apart as well.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "index/sparse/postings_format.h"

namespace chroma::index {

class Codebook {
 public:
  // `weights` in any order; those that are not finite are left out.
  static Codebook Make(std::span<const float> weights);

  // `weight` is finite and one of those given to Make.
  uint8_t Code(float weight) const;
  // By code, ascending.
  const std::vector<CodeRange>& ranges() const { return ranges_; }

 private:
  std::vector<CodeRange> ranges_;
};

}  // namespace chroma::index
