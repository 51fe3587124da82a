// Sets of 64-bit numbers that users choose, and the hash for tables of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace chroma::segment {

// By multipliers that differ from process to process, so that nobody can send numbers that share a
// slot; every bit of a number decides over every bit of its hash. Thread safe.
class NumberHash {
 public:
  NumberHash();
  size_t operator()(uint64_t number) const {
    return Fold(Fold(number ^ secrets_[0], secrets_[1]) ^ secrets_[2], secrets_[3]);
  }
  size_t operator()(int64_t number) const { return (*this)(static_cast<uint64_t>(number)); }
  size_t operator()(double number) const;  // zeros of both signs have one hash

 private:
  // Both halves of the product.
  static uint64_t Fold(uint64_t a, uint64_t b) {
    const auto product = static_cast<unsigned __int128>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  }

  uint64_t secrets_[4];
};

// In open addressing, at most half full.
class NumberSet {
 public:
  // For up to `count` numbers.
  explicit NumberSet(size_t count);

  void Add(uint64_t number) {
    if (number == kFree) {
      has_free_ = true;
    } else {
      slots_[SlotOf(number)] = number;
    }
  }
  bool Contains(uint64_t number) const {
    return number == kFree ? has_free_ : slots_[SlotOf(number)] == number;
  }
  // How many slots it takes to look the number up.
  size_t Probes(uint64_t number) const {
    return ((SlotOf(number) - hash_(number)) & mask_) + 1;
  }

 private:
  static constexpr uint64_t kFree = 0x9c5f3a7be1d20846;  // kept apart

  // Of the number, or where it would be.
  size_t SlotOf(uint64_t number) const {
    size_t slot = hash_(number) & mask_;
    while (slots_[slot] != kFree && slots_[slot] != number) slot = (slot + 1) & mask_;
    return slot;
  }

  const NumberHash hash_;
  size_t mask_;
  std::vector<uint64_t> slots_;
  bool has_free_ = false;
};

}  // namespace chroma::segment
