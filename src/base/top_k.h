// The k smallest of a stream of (distance, order) pairs, in ascending order at the end. Ties in
// distance are broken by `order`, so results do not depend on how the stream was cut.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

namespace chroma {

struct Neighbor {
  float distance;
  uint64_t order;  // first-insertion offset of the record
  uint32_t part;   // which part of the collection holds it
  uint32_t row;    // row inside that part
  bool operator<(const Neighbor& other) const {
    return distance != other.distance ? distance < other.distance : order < other.order;
  }
};

class TopK {
 public:
  explicit TopK(size_t k) : k_(k) {}

  // Nothing above this distance can enter any more.
  float bound() const {
    return heap_.size() < k_ ? std::numeric_limits<float>::infinity()
                             : (k_ == 0 ? -std::numeric_limits<float>::infinity()
                                        : heap_.front().distance);
  }
  bool Full() const { return heap_.size() >= k_; }
  void Push(const Neighbor& candidate) {
    if (heap_.size() < k_) {
      heap_.push_back(candidate);
      std::push_heap(heap_.begin(), heap_.end());
    } else if (k_ > 0 && candidate < heap_.front()) {
      std::pop_heap(heap_.begin(), heap_.end());
      heap_.back() = candidate;
      std::push_heap(heap_.begin(), heap_.end());
    }
  }
  // Ascending. The TopK is empty afterwards.
  std::vector<Neighbor> Take() {
    std::sort_heap(heap_.begin(), heap_.end());
    return std::move(heap_);
  }

 private:
  size_t k_;
  std::vector<Neighbor> heap_;
};

}  // namespace chroma
