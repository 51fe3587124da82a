// Sets of Unicode scalar values as sorted ranges, and the algebra that character classes of
// regular expressions need.
#pragma once

#include <cstdint>
#include <vector>

namespace chroma::index {

inline constexpr uint32_t kScalarMax = 0x10FFFF;

struct CharRange {
  uint32_t first;
  uint32_t last;
  bool operator==(const CharRange&) const = default;
};

// A value. Always canonical: ranges ascending, disjoint, not adjacent, without surrogates.
class CharSet {
 public:
  CharSet() = default;
  // Any ranges, in any order.
  explicit CharSet(std::vector<CharRange> ranges) : ranges_(std::move(ranges)) { Canonicalize(); }

  void Add(uint32_t first, uint32_t last);
  void Union(const CharSet& other);
  void Intersect(const CharSet& other);
  void Subtract(const CharSet& other);
  // {0, …, last} minus this set.
  void Negate(uint32_t last = kScalarMax);
  bool Contains(uint32_t c) const;
  bool empty() const { return ranges_.empty(); }
  bool IsSingle() const { return ranges_.size() == 1 && ranges_[0].first == ranges_[0].last; }
  bool IsAscii() const { return ranges_.empty() || ranges_.back().last < 0x80; }
  const std::vector<CharRange>& ranges() const { return ranges_; }
  bool operator==(const CharSet&) const = default;

 private:
  void Canonicalize();

  std::vector<CharRange> ranges_;
};

}  // namespace chroma::index
