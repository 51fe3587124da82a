// What one walk keeps: the nearest candidates so far in order, which of them it has been to, and
// every row it has been to.
#pragma once

#include <algorithm>
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

// The `capacity` nearest candidates, nearest first. A sorted array: for the sizes of a search
// moving its tail costs less than the branches of a heap.
class Beam {
 public:
  void Reset(size_t capacity) {
    capacity_ = capacity;
    entries_.resize(capacity);
    size_ = next_ = 0;
  }
  // What a candidate must be nearer than.
  float bound() const {
    return size_ < capacity_ ? std::numeric_limits<float>::infinity()
                             : entries_[size_ - 1].distance;
  }
  void Push(float distance, uint32_t row) {
    if (!(distance < bound())) return;
    const auto at = static_cast<size_t>(
        std::lower_bound(entries_.begin(), entries_.begin() + static_cast<ptrdiff_t>(size_),
                         distance, [](const Entry& e, float d) { return e.distance < d; }) -
        entries_.begin());
    // The same row seen again by an edge with the same code.
    if (at < size_ && entries_[at].row == row) return;
    if (size_ < capacity_) ++size_;
    std::memmove(&entries_[at] + 1, &entries_[at], (size_ - 1 - at) * sizeof(Entry));
    entries_[at] = {distance, row, false};
    next_ = std::min(next_, at);
  }
  // The nearest candidate that was not taken yet; false when there is none.
  bool Take(uint32_t* row) {
    if (next_ >= size_) return false;
    *row = entries_[next_].row;
    entries_[next_].taken = true;
    while (next_ < size_ && entries_[next_].taken) ++next_;
    return true;
  }
  // What Take would give next, for prefetching; kNoRow when there is none.
  uint32_t Peek() const { return next_ < size_ ? entries_[next_].row : kNoRow; }

 private:
  struct Entry {
    float distance;
    uint32_t row : 31;
    uint32_t taken : 1;
    Entry() = default;
    Entry(float d, uint32_t r, bool t) : distance(d), row(r & 0x7FFFFFFF), taken(t ? 1 : 0) {}
  };

  size_t capacity_ = 0;
  size_t size_ = 0;
  size_t next_ = 0;  // everything before it was taken
  std::vector<Entry> entries_;
};

// The rows that a walk knows the distance of, and which of them it has been to. Open addressing; it
// grows with the walk, not with the collection.
class KnownRows {
 public:
  void Reset(size_t expected) {
    size_t slots = 256;
    while (slots < expected * 4) slots *= 2;
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
