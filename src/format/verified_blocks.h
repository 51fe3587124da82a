// Which blocks of a section have been verified. Lock free; two tasks may verify one block at the
// same time, which costs time and nothing else. Thread safe.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>
#include <memory>

namespace chroma::format {

class VerifiedBlocks {
 public:
  explicit VerifiedBlocks(uint64_t blocks)
      : words_(std::make_unique<std::atomic<uint64_t>[]>(blocks / 64 + 1)), missing_(blocks) {}

  uint64_t missing() const { return missing_.load(std::memory_order_acquire); }
  bool Contains(uint64_t block) const {
    return (words_[block / 64].load(std::memory_order_acquire) >> (block % 64) & 1) != 0;
  }
  void Add(uint64_t block) {
    const uint64_t bit = uint64_t{1} << (block % 64);
    const uint64_t before = words_[block / 64].fetch_or(bit, std::memory_order_acq_rel);
    if ((before & bit) == 0) missing_.fetch_sub(1, std::memory_order_acq_rel);
  }
  // The end of the run of verified blocks that contains `block`, as far as one word shows it.
  uint64_t RunEnd(uint64_t block) const {
    const uint64_t word = words_[block / 64].load(std::memory_order_acquire) >> (block % 64);
    return block + static_cast<uint64_t>(std::countr_one(word));
  }

 private:
  std::unique_ptr<std::atomic<uint64_t>[]> words_;
  std::atomic<uint64_t> missing_;
};

}  // namespace chroma::format
