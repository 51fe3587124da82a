// What one walk keeps: the nearest candidates so far in order, which of them it has been to, and
// every row it has been to.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "index/vector/graph.h"

namespace chroma::index {

struct CodedCandidate {
  float distance;  // squared, in the code space
  uint32_t row;
};

// A total order. An object, so that sorting by it calls nothing.
inline constexpr auto Nearer = [](const CodedCandidate& a, const CodedCandidate& b) {
  return a.distance != b.distance ? a.distance < b.distance : a.row < b.row;
};

inline constexpr auto SameRow = [](const CodedCandidate& a, const CodedCandidate& b) {
  return a.row == b.row;
};

// The `capacity` nearest candidates, nearest first. A sorted array: for the sizes of a search
// moving its tail costs less than the branches of a heap. An entry is one number, so that the place
// of a new one is found without branches, which nothing could predict.
class Beam {
 public:
  void Reset(size_t capacity) {
    capacity_ = capacity;
    entries_.resize(capacity + 1);
    size_ = next_ = 0;
    bound_ = std::numeric_limits<float>::infinity();
  }
  // Keeps more from now on.
  void Widen(size_t capacity) {
    if (capacity <= capacity_) return;
    capacity_ = capacity;
    entries_.resize(capacity + 1);
    bound_ = std::numeric_limits<float>::infinity();
  }
  // What a candidate must be nearer than.
  float bound() const { return bound_; }
  void Push(float distance, uint32_t row) {
    if (!(distance < bound_)) return;
    const uint64_t entry = EntryOf(distance, row);
    const size_t at = PlaceOf(entry);
    // The same row seen again by an edge with the same code.
    if (at < size_ && (entries_[at] | kTaken) == (entry | kTaken)) return;
    if (size_ < capacity_) ++size_;
    std::memmove(&entries_[at] + 1, &entries_[at], (size_ - 1 - at) * sizeof(uint64_t));
    entries_[at] = entry;
    next_ = std::min(next_, at);
    if (size_ == capacity_) bound_ = DistanceOf(entries_[size_ - 1]);
  }
  // The nearest candidate that was not taken yet; false when there is none.
  bool Take(uint32_t* row, float* distance) {
    if (next_ >= size_) return false;
    *row = RowOf(entries_[next_]);
    *distance = DistanceOf(entries_[next_]);
    entries_[next_] |= kTaken;
    while (next_ < size_ && (entries_[next_] & kTaken) != 0) ++next_;
    return true;
  }
  // What Take would give next, for prefetching; kNoRow when there is none.
  uint32_t Peek() const { return next_ < size_ ? RowOf(entries_[next_]) : kNoRow; }
  // Of that; infinite when there is none.
  float NextDistance() const {
    return next_ < size_ ? DistanceOf(entries_[next_]) : std::numeric_limits<float>::infinity();
  }

 private:
  // The distance, as a number in the same order, the row, and whether it was taken.
  static constexpr uint64_t kTaken = 1;
  static constexpr uint32_t kSign = uint32_t{1} << 31;

  static uint64_t EntryOf(float distance, uint32_t row) {
    const auto bits = std::bit_cast<uint32_t>(distance);
    const uint32_t ordered = (bits & kSign) != 0 ? ~bits : bits | kSign;
    return uint64_t{ordered} << 32 | uint64_t{row} << 1;
  }
  static float DistanceOf(uint64_t entry) {
    const auto ordered = static_cast<uint32_t>(entry >> 32);
    return std::bit_cast<float>((ordered & kSign) != 0 ? ordered & ~kSign : ~ordered);
  }
  static uint32_t RowOf(uint64_t entry) { return static_cast<uint32_t>(entry) >> 1; }

  // The first entry that is not before `entry`.
  size_t PlaceOf(uint64_t entry) const {
    const uint64_t* at = entries_.data();
    for (size_t n = size_; n > 0;) {
      const size_t half = (n + 1) / 2;
      // By a mask: compilers make a branch of a condition here.
      at += half & (size_t{0} - static_cast<size_t>(at[half - 1] < entry));
      n -= half;
    }
    return static_cast<size_t>(at - entries_.data());
  }

  size_t capacity_ = 0;
  size_t size_ = 0;
  size_t next_ = 0;  // everything before it was taken
  float bound_ = std::numeric_limits<float>::infinity();
  std::vector<uint64_t> entries_;
};

// The rows that a walk knows the distance of, and which of them it has been to. Open addressing; it
// grows with the walk, not with the collection.
class KnownRows {
 public:
  void Reset(size_t expected) {
    size_t slots = 256;
    while (slots < expected * 2) slots *= 2;
    slots_.assign(slots, kNoRow);
    size_ = 0;
  }
  bool Contains(uint32_t row) const { return slots_[Find(row)] != kNoRow; }
  // False when it is there already.
  bool Insert(uint32_t row) {
    const size_t slot = Find(row);
    if (slots_[slot] != kNoRow) return false;
    slots_[slot] = row;
    if (++size_ * 2 > slots_.size()) Grow();
    return true;
  }
  // False when the walk has been there already.
  bool Visit(uint32_t row) {
    const size_t slot = Find(row);
    const bool known = slots_[slot] != kNoRow;
    if (known && (slots_[slot] & kVisited) != 0) return false;
    slots_[slot] = row | kVisited;
    if (!known && ++size_ * 2 > slots_.size()) Grow();
    return true;
  }

 private:
  static constexpr uint32_t kVisited = uint32_t{1} << 31;

  size_t Find(uint32_t row) const {
    const size_t mask = slots_.size() - 1;
    size_t slot = (row * uint32_t{2654435761} >> 7) & mask;
    while (slots_[slot] != kNoRow && (slots_[slot] & ~kVisited) != row) slot = (slot + 1) & mask;
    return slot;
  }
  void Grow() {
    std::vector<uint32_t> before(slots_.size() * 2, kNoRow);
    before.swap(slots_);
    for (const uint32_t slot : before) {
      if (slot != kNoRow) slots_[Find(slot & ~kVisited)] = slot;
    }
  }

  std::vector<uint32_t> slots_;
  size_t size_ = 0;
};

}  // namespace chroma::index
