// The body of one request while it arrives. Memory follows the bytes that really came, not what
// the peer claims: 1 MB at first, then at most eight times what is there; and all bodies together
// stay below one budget.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "runtime/memory_budget.h"

namespace chroma::http {

// Not thread safe. `budget` outlives it.
class BodyBuffer {
 public:
  explicit BodyBuffer(runtime::MemoryBudget& budget) : budget_(budget) {}
  ~BodyBuffer() { GiveBack(); }
  BodyBuffer(const BodyBuffer&) = delete;
  BodyBuffer& operator=(const BodyBuffer&) = delete;

  // Where to put the next bytes of a body that will have `size_bytes`; empty when the budget is
  // used up. Commit says how many were put there.
  std::span<char> Room(uint64_t size_bytes);
  void Commit(size_t n) { filled_bytes_ += n; }
  // For a body of unknown size, instead of Room. False when the budget is used up.
  bool Append(std::string_view piece);

  uint64_t filled_bytes() const { return filled_bytes_; }
  // The body; its bytes stay charged to the budget until GiveBack.
  std::string Take();
  void GiveBack();

 private:
  bool Grow(uint64_t capacity);

  runtime::MemoryBudget& budget_;
  std::string bytes_;  // filled up to filled_bytes_, zeros behind
  size_t filled_bytes_ = 0;
  uint64_t charged_bytes_ = 0;  // also the capacity asked for
};

}  // namespace chroma::http
