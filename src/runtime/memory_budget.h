// Bytes that many tasks may hold together. Thread safe.
#pragma once

#include <atomic>
#include <cstdint>

namespace chroma::runtime {

class MemoryBudget {
 public:
  explicit MemoryBudget(uint64_t bytes_max) : bytes_max_(bytes_max) {}
  MemoryBudget(const MemoryBudget&) = delete;
  MemoryBudget& operator=(const MemoryBudget&) = delete;

  bool TryTake(uint64_t bytes) {
    const uint64_t before = taken_bytes_.fetch_add(bytes, std::memory_order_relaxed);
    if (before <= bytes_max_ && bytes <= bytes_max_ - before) return true;
    GiveBack(bytes);
    return false;
  }
  // For one that has taken `held_bytes` already and gets what it wants as long as it is alone: what
  // is too large for the budget is still served, by itself.
  bool TryTakeMore(uint64_t bytes, uint64_t held_bytes) {
    const uint64_t before = taken_bytes_.fetch_add(bytes, std::memory_order_relaxed);
    if (before == held_bytes || (before <= bytes_max_ && bytes <= bytes_max_ - before)) return true;
    GiveBack(bytes);
    return false;
  }
  void GiveBack(uint64_t bytes) { taken_bytes_.fetch_sub(bytes, std::memory_order_relaxed); }
  uint64_t taken_bytes() const { return taken_bytes_.load(std::memory_order_relaxed); }

 private:
  const uint64_t bytes_max_;
  std::atomic<uint64_t> taken_bytes_{0};
};

}  // namespace chroma::runtime
