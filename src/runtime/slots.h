// Places that so many tasks may have at once. Thread safe.
#pragma once

#include <atomic>

namespace chroma::runtime {

class Slots {
 public:
  explicit Slots(int count) : free_(count) {}
  Slots(const Slots&) = delete;
  Slots& operator=(const Slots&) = delete;

  bool TryTake() {
    if (free_.fetch_sub(1, std::memory_order_relaxed) > 0) return true;
    GiveBack();
    return false;
  }
  void GiveBack() { free_.fetch_add(1, std::memory_order_relaxed); }

 private:
  std::atomic<int> free_;
};

}  // namespace chroma::runtime
